"""The last gate before the world, over fakes."""

import base64

import pytest

from services.runtime.errors import InvalidRequest
from services.social.domain.accounts import Account, NetworkName
from tests.fakes.social import credentials
from tests.unit.social.conftest import Desk, Replica

TOKEN = credentials("Ann").access_token_secret


@pytest.mark.parametrize(
    "hidden",
    [
        TOKEN,
        TOKEN[::-1],
        " ".join(TOKEN),
        "\u200b".join(TOKEN),
        base64.b64encode(TOKEN.encode()).decode(),
        TOKEN.encode().hex(),
    ],
)
async def test_a_credential_is_never_published_however_it_is_written(desk: Desk, replica: Replica, hidden: str) -> None:
    with pytest.raises(InvalidRequest, match="credential"):
        await replica.create(f"it is {hidden}, you know")
    assert not desk.store.posts
    assert not desk.network.sends


async def test_nor_is_that_of_another_account_which_came_later(desk: Desk, replica: Replica) -> None:
    await replica.create("hello")
    desk.store.accounts["acc_b"] = Account(
        id="acc_b",
        agent_id="agt_b",
        network=NetworkName.X,
        handle="Bartholomew",
        network_user_id="id-bart",
        sealed_credentials=desk.vault.seal(credentials("Bartholomew")),
        create_time=desk.clock.now(),
        handle_time=desk.clock.now(),
        handle_due_time=desk.clock.now(),
    )
    with pytest.raises(InvalidRequest, match="credential"):
        await replica.create("psst: bartholomew token secret")


async def test_nor_are_those_that_replaced_the_first_ones(desk: Desk, replica: Replica) -> None:
    await replica.create("hello")
    desk.store.accounts["acc_a"].sealed_credentials = desk.vault.seal(credentials("Annabella"))
    with pytest.raises(InvalidRequest, match="credential"):
        await replica.create("psst: annabella-token-secret")


async def test_what_is_sealed_under_another_key_hinders_nobody(desk: Desk, replica: Replica) -> None:
    desk.store.accounts["acc_0"] = desk.store.accounts["acc_a"].model_copy(
        update={"id": "acc_0", "sealed_credentials": "sealed elsewhere"}
    )
    await replica.create("hello")
    assert desk.network.sends == 1


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\0", "\ud800"])
async def test_signs_that_order_the_reading_are_refused(replica: Replica, sign: str) -> None:
    with pytest.raises(InvalidRequest, match="must not have"):
        await replica.create(f"hello {sign} there")
