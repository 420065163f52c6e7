"""An account with its outbox moves to another place, and nothing is posted twice; and accounts are deleted."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.social.bootstrap import opener
from services.social.settings import SocialSettings
from tests.conftest import Serve
from tests.integration.social.conftest import POST, Author, Register, posted, x_credentials
from tests.support.archives import imported, rows_of
from tests.support.refusals import fields_of, reason_of
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox

SETTLED, UNKNOWN = pb.POST_STATE_SETTLED, pb.POST_STATE_OUTCOME_UNKNOWN
KEY = Fernet.generate_key().decode()


@pytest.fixture
async def elsewhere(serve: Serve, settings: SocialSettings, tmp_path: Path) -> AsyncIterator[SocialServiceStub]:
    """Serve another social service on the same network."""
    other = settings.model_copy(update={"data_dir": tmp_path / "elsewhere", "database_url": ""})
    async with serve("social", other, opener(other)) as channel:
        yield SocialServiceStub(channel)


async def exported(social: SocialServiceStub, agent_id: str = "agt_ann", key: str = KEY) -> list[Any]:
    return await rows_of(social.ExportAccount(pb.ExportAccountRequest(agent_id=agent_id, sealing_key=key)))


async def import_(
    social: SocialServiceStub, rows: list[Any], agent_id: str = "agt_ann", request_id: str = "one", key: str = KEY
) -> pb.ImportAccountResponse:
    requests = imported(pb.ImportAccountRequest, agent_id, rows, request_id, sealing_key=key)
    return await social.ImportAccount(requests)


async def held_post(ann: Author, x: Sandbox, text: str) -> pb.Post:
    """Return a post that the network doesn't take now."""
    await x.fault(kind="status", status=429, route=POST, times=1, seconds=300)
    await reason_of(ann.post(text))
    await x.call("DELETE", "/_sandbox/faults")
    [post] = (await ann.social.ListPosts(pb.ListPostsRequest(account_id=ann.account.id, page_size=1))).posts
    return post


async def decided(social: SocialServiceStub, post_id: str) -> pb.Post:
    """Wait until nobody looks for a post any more."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            post = (await social.GetPost(pb.GetPostRequest(id=post_id))).post
            if not post.HasField("due_time"):
                return post


async def test_an_imported_account_knows_what_it_has_posted_and_posts_on(
    ann: Author, elsewhere: SocialServiceStub, x: Sandbox
) -> None:
    first = await ann.post("hello", "one")
    await import_(elsewhere, await exported(ann.social))
    there = Author(ann.account, ann.client, elsewhere)
    assert await there.post("hello", "one") == first
    assert (await there.post("and more", "two")).state == SETTLED
    assert await posted(x) == ["hello", "and more"]


async def test_what_was_open_is_looked_for_on_the_network_and_never_sent_again_by_itself(
    ann: Author, elsewhere: SocialServiceStub, x: Sandbox
) -> None:
    held = await held_post(ann, x, "held back")
    rows = await exported(ann.social)
    await import_(elsewhere, rows)
    left = await decided(elsewhere, held.id)
    assert (left.state, left.state_cause) == (UNKNOWN, pb.POST_STATE_CAUSE_OUTCOME_UNKNOWN)
    assert await posted(x) == []


async def test_what_was_sent_after_the_export_is_found_and_settled(
    ann: Author, elsewhere: SocialServiceStub, x: Sandbox
) -> None:
    held = await held_post(ann, x, "held back")
    rows = await exported(ann.social)
    await ann.social.RegisterAccount(pb.RegisterAccountRequest(agent_id="agt_ann", x=x_credentials(ann.client)))
    there = await decided(ann.social, held.id)
    assert there.state == SETTLED
    await import_(elsewhere, rows)
    found = await decided(elsewhere, held.id)
    assert (found.state, found.network_post_id) == (SETTLED, there.network_post_id)
    assert await posted(x) == ["held back"]


async def test_an_import_is_made_once_and_over_another_account_refused(
    ann: Author, register: Register, elsewhere: SocialServiceStub
) -> None:
    rows = await exported(ann.social)
    first = await import_(elsewhere, rows)
    assert (first.row_count, first.is_repeated) == (len(rows), False)
    assert (await import_(elsewhere, rows)).is_repeated
    assert await reason_of(import_(elsewhere, rows, request_id="two")) == "ACCOUNT_EXISTS"
    assert await reason_of(import_(ann.social, rows)) == "ACCOUNT_EXISTS"
    await elsewhere.DeleteAccount(pb.DeleteAccountRequest(agent_id="agt_ann"))
    assert not (await import_(elsewhere, rows)).is_repeated


async def test_credentials_leave_only_sealed_with_a_key_and_need_the_same_one(
    ann: Author, elsewhere: SocialServiceStub
) -> None:
    secrets = (ann.client.consumer_secret, ann.client.access_token_secret)
    rows = await exported(ann.social)
    assert not [row for row in rows if any(secret in row.row for secret in secrets)]
    other = Fernet.generate_key().decode()
    assert await fields_of(import_(elsewhere, rows, key=other)) == {"sealing_key"}
    assert await fields_of(exported(ann.social, key="weak")) == {"sealing_key"}
    await import_(elsewhere, await exported(ann.social, key=""), key="")
    there = Author(ann.account, ann.client, elsewhere)
    assert await reason_of(there.post("hello")) == "CREDENTIALS_REFUSED"
    again = pb.RegisterAccountRequest(agent_id="agt_ann", x=x_credentials(ann.client))
    assert (await elsewhere.RegisterAccount(again)).account.id == ann.account.id
    assert (await there.post("hello")).state == SETTLED


async def test_a_row_of_another_agent_a_newer_format_and_nonsense_are_refused(
    ann: Author, elsewhere: SocialServiceStub
) -> None:
    rows = await exported(ann.social)
    assert await fields_of(import_(elsewhere, rows, agent_id="agt_bob")) == {"row (of message 1)"}
    newer = [pb.ExportAccountResponse(format=2, kind=row.kind, row=row.row) for row in rows]
    assert await fields_of(import_(elsewhere, newer)) == {"format (of message 1)"}
    for kind, row in (
        ("account", "{}"),
        ("account", "["),
        ("post", "null"),
        ("nothing", "{}"),
        ("account", '{"id": 1}'),
    ):
        broken = [pb.ExportAccountResponse(format=1, kind=kind, row=row)]
        assert await fields_of(import_(elsewhere, broken)) == {"row (of message 1)"}
    assert not (await elsewhere.ListAccounts(pb.ListAccountsRequest())).accounts


async def test_a_deleted_account_is_gone_with_its_outbox_and_what_it_held_back_is_never_sent(
    ann: Author, register: Register, x: Sandbox
) -> None:
    bob = await register("bob")
    await bob.post("I stay")
    await ann.post("hello")
    await held_post(ann, x, "held back")
    gone = await ann.social.DeleteAccount(pb.DeleteAccountRequest(agent_id="agt_ann"))
    assert gone.post_count == 2
    assert (await ann.social.DeleteAccount(pb.DeleteAccountRequest(agent_id="agt_ann"))).post_count == 0
    assert [one.agent_id for one in (await ann.social.ListAccounts(pb.ListAccountsRequest())).accounts] == ["agt_bob"]
    assert await reason_of(ann.post("late")) == "ACCOUNT_NOT_FOUND"
    again = await register("ann")
    assert (await again.post("hello again")).state == SETTLED
    assert await posted(x) == ["I stay", "hello", "hello again"]


async def test_an_account_is_not_deleted_while_a_post_of_it_is_being_sent(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="latency", route=POST, times=1, seconds=1.5)
    sending = asyncio.ensure_future(ann.post("hello"))
    request = pb.ListPostsRequest(account_id=ann.account.id, states=[pb.POST_STATE_SENT])
    async with asyncio.timeout(WAIT_SECONDS):
        while not (await ann.social.ListPosts(request)).posts:
            pass
    assert await reason_of(ann.social.DeleteAccount(pb.DeleteAccountRequest(agent_id="agt_ann"))) == "ACCOUNT_BUSY"
    assert (await sending).state == SETTLED
    assert (await ann.social.DeleteAccount(pb.DeleteAccountRequest(agent_id="agt_ann"))).post_count == 1
