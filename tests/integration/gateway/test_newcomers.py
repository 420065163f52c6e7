"""Characters that are made by REST have an account: the one that they bring, or one of a network that gives them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from tests.security.principals import Suite, served
from tests.support.gateway import Door, door
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.waits import until
from tests.support.x import Sandbox, XClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

GIVEN = {"accounts_token": ADMIN_TOKEN}


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="x")
async def _x(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path_factory.mktemp("x"), rate_limits=False))
    async with listening(app) as url, aiohttp.ClientSession() as session:
        yield Sandbox(url, session)


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="suite")
async def _suite(tmp_path_factory: pytest.TempPathFactory, x: Sandbox) -> AsyncIterator[Suite]:
    async with served(tmp_path_factory.mktemp("suite"), x_url=x.url) as suite:
        yield suite


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="gateway")
async def _gateway(suite: Suite, x: Sandbox) -> AsyncIterator[Door]:
    async with door(suite, accounts_url=f"{x.url}/_sandbox/accounts", **GIVEN) as opened:
        yield opened


def secrets_of(client: XClient) -> dict[str, str]:
    return {
        "apiKey": client.consumer_key,
        "apiKeySecret": client.consumer_secret,
        "accessToken": client.access_token,
        "accessTokenSecret": client.access_token_secret,
    }


async def posted(gateway: Door, agent_id: str) -> list[Any]:
    await gateway.data("POST", f"/agents/{agent_id}/post", {"topic": "rain"})

    found: list[Any] = []

    async def is_said() -> bool:
        listed = (await gateway.data("GET", f"/accounts/{agent_id}/posts"))["posts"]
        found[:] = [post for post in listed if post["state"] == "POST_STATE_SETTLED"]
        return bool(found)

    await until(is_said)
    return found


async def test_one_that_brings_no_account_is_given_one_and_posts(gateway: Door, x: Sandbox) -> None:
    answer = await gateway.call("POST", "/agents", {"id": "ada", "name": "Ada"}, idempotency_key="a")
    assert answer.status_code == 201
    assert answer.json()["data"]["persona"]["twitter_credentials"] == dict.fromkeys(
        ("apiKey", "apiKeySecret", "accessToken", "accessTokenSecret"), "[redacted]"
    )
    assert (await gateway.data("GET", "/accounts/ada"))["handle"] == "ada"
    again = await gateway.call("POST", "/agents", {"id": "ada", "name": "Ada"}, idempotency_key="a")
    assert again.json()["data"] == answer.json()["data"], "the same key and body happen once"
    _, error = await gateway.refusal("POST", "/agents", {"id": "ADA", "name": "Ada"})
    assert "large letters make no other handle" in error["details"]["violations"][0]["description"]
    await gateway.data("POST", "/agents/ada/start")
    [post] = await posted(gateway, "ada")
    _, shown = await x.call("GET", "/_sandbox/posts")
    assert post["network_post_id"] in {one["id"] for one in shown["posts"]}


async def test_no_secret_is_ever_answered(gateway: Door, x: Sandbox) -> None:
    mine = secrets_of(await x.account("own_account"))
    persona = {"id": "bea", "name": "Bea", "twitter_credentials": mine}
    answers = [await gateway.call("POST", "/agents", persona), await gateway.call("POST", "/agents", persona)]
    assert [answer.status_code for answer in answers] == [201, 409]
    answers.append(await gateway.call("POST", "/agents", {**persona, "id": "bob"}))
    answers += [await gateway.call("GET", path) for path in ("/agents/bea", "/accounts/bea", "/agents/bea/versions")]
    assert answers[2].status_code == 400, "one account is one character's"
    for answer in answers:
        for secret in mine.values():
            assert secret not in answer.text
    assert (await gateway.data("GET", "/accounts/bea"))["handle"] == "own_account"


async def test_one_that_was_made_without_an_account_is_given_one_later(suite: Suite, x: Sandbox) -> None:
    async with door(suite) as live:
        assert (
            "twitter_credentials" not in (await live.data("POST", "/agents", {"id": "cat", "name": "Cat"}))["persona"]
        )
        await live.data("POST", "/agents/cat/start")
        assert (await live.refusal("POST", "/agents/cat/post"))[1]["code"] == "NO_ACCOUNT"
        keys = secrets_of(await x.account("cat"))
        answer = await live.call("PUT", "/agents/cat/config", {"twitter_credentials": keys})
        assert answer.status_code == 200
        assert keys["accessToken"] not in answer.text
        assert await posted(live, "cat")


async def test_credentials_that_the_network_refuses_are_named_and_make_nobody(gateway: Door) -> None:
    wrong = dict.fromkeys(("apiKey", "apiKeySecret", "accessToken", "accessTokenSecret"), "wrong")
    status, error = await gateway.refusal("POST", "/agents", {"id": "dan", "name": "Dan", "twitter_credentials": wrong})
    assert status == 400
    assert [it["field"] for it in error["details"]["violations"]] == ["persona.twitter_credentials"]
    assert (await gateway.refusal("GET", "/agents/dan"))[0] == 404


async def test_who_may_create_nobody_opens_no_account(gateway: Door, x: Sandbox) -> None:
    for name in ("reader", "client-write", "client-odd"):
        assert (await gateway.refusal("POST", "/agents", {"id": "odd", "name": "Odd"}, by=name))[0] == 403
    _, listed = await x.call("GET", "/_sandbox/accounts")
    assert "odd" not in {account["username"] for account in listed["accounts"]}


async def test_without_the_network_that_gives_accounts_nobody_is_made_half(
    suite: Suite, x: Sandbox, tmp_path: Path
) -> None:
    given = f"{x.url}/_sandbox/accounts"
    for url, token in (("http://127.0.0.1:1/", "x"), (given, "wrong"), (f"{x.url}/_sandbox/posts", "x")):
        async with door(suite, accounts_url=url, accounts_token=token) as away:
            status, error = await away.refusal("POST", "/agents", {"id": "eve", "name": "Eve"})
            assert (status, error["details"]["reason"]) == (503, "UNAVAILABLE")
            assert "127.0.0.1" not in error["message"]
            assert (await away.refusal("GET", "/agents/eve"))[0] == 404
    file = tmp_path / "admin.token"
    async with door(suite, accounts_url=given, accounts_token_file=file) as later:
        assert (await later.refusal("POST", "/agents", {"id": "eve", "name": "Eve"}))[0] == 503
        file.write_text(f"{ADMIN_TOKEN.get_secret_value()}\n")
        assert (await later.call("POST", "/agents", {"id": "eve", "name": "Eve"})).status_code == 201
