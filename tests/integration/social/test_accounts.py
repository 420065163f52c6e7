"""Accounts through the wire, and where their credentials don't go."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.runtime import logs
from services.runtime.db import Database
from services.social.bootstrap import opener
from services.social.domain.capabilities import Tier
from services.social.settings import SocialSettings
from tests.conftest import Serve
from tests.integration.social.conftest import POST, Author, Register, posted, x_credentials
from tests.support.refusals import fields_of, reason_of
from tests.support.x import Sandbox


async def test_a_registered_account_can_be_read_and_listed(register: Register, social: SocialServiceStub) -> None:
    ann, bob = await register("ann"), await register("bob")
    assert (ann.account.handle, ann.account.network, ann.account.agent_id) == ("ann", pb.NETWORK_X, "agt_ann")
    assert ann.account.network_user_id == ann.client.id
    assert (await social.GetAccount(pb.GetAccountRequest(id=bob.account.id))).account == bob.account
    first = await social.ListAccounts(pb.ListAccountsRequest(page_size=1))
    rest = await social.ListAccounts(pb.ListAccountsRequest(page_size=1, page_token=first.next_page_token))
    assert [*first.accounts, *rest.accounts] == [ann.account, bob.account]
    only = await social.ListAccounts(pb.ListAccountsRequest(agent_id="agt_bob"))
    assert list(only.accounts) == [bob.account]


async def test_credentials_that_x_refuses_are_not_stored(social: SocialServiceStub, x: Sandbox) -> None:
    wrong = x_credentials(await x.account("ann"))
    wrong.access_token_secret = "wrong"  # noqa: S105
    assert await reason_of(social.RegisterAccount(pb.RegisterAccountRequest(agent_id="agt_a", x=wrong))) == (
        "CREDENTIALS_REFUSED"
    )
    assert list((await social.ListAccounts(pb.ListAccountsRequest())).accounts) == []


@pytest.mark.parametrize(("status", "reason"), [(429, "NETWORK_RATE_LIMITED"), (502, "NETWORK_UNAVAILABLE")])
async def test_an_account_isnt_registered_while_x_cant_say_whose_it_is(
    register: Register, x: Sandbox, status: int, reason: str
) -> None:
    await x.fault(kind="status", status=status, html=True, route="GET /2/users/me", times=1, seconds=5)
    assert await reason_of(register("ann")) == reason
    await register("ann")


async def test_registering_again_replaces_the_credentials(ann: Author, register: Register) -> None:
    again = (await register("ann")).account
    assert again.handle_time.ToDatetime() > ann.account.handle_time.ToDatetime()
    again.handle_time.CopyFrom(ann.account.handle_time)
    assert again == ann.account


async def test_an_account_of_another_agent_is_refused(ann: Author, social: SocialServiceStub) -> None:
    request = pb.RegisterAccountRequest(agent_id="agt_b", x=x_credentials(ann.client))
    assert await reason_of(social.RegisterAccount(request)) == "ACCOUNT_EXISTS"


async def test_a_wrong_registration_is_refused_with_every_field_named(social: SocialServiceStub) -> None:
    fields = await fields_of(social.RegisterAccount(pb.RegisterAccountRequest(x=pb.XCredentials(api_key="a"))))
    assert fields == {"agent_id", "x.api_key_secret", "x.access_token", "x.access_token_secret"}


async def test_the_tier_shows_in_the_capabilities(serve: Serve, settings: SocialSettings, ann: Author) -> None:
    request = pb.GetCapabilitiesRequest(account_id=ann.account.id)
    full = (await ann.social.GetCapabilities(request)).capabilities
    assert (full.can_post, full.can_like, full.can_follow, full.reply_scope) == (True, True, True, pb.REPLY_SCOPE_ALL)
    limit = full.text_limit
    assert (limit.max_weight, limit.default_weight, limit.url_weight, limit.emoji_weight) == (280, 2, 23, 2)
    assert [(one.first, one.weight) for one in limit.ranges] == [(0, 1), (8192, 1), (8208, 1), (8242, 1)]
    small = settings.model_copy(update={"x_tier": Tier.SELF_SERVE, "posts_a_day": 40})
    async with serve("social", small, opener(small)) as channel:
        told = (await SocialServiceStub(channel).GetCapabilities(request)).capabilities
    assert (told.can_like, told.can_quote, told.can_follow, told.can_thread) == (False, False, False, True)
    assert told.reply_scope == pb.REPLY_SCOPE_MENTIONED
    assert (told.post_quota.window.seconds, told.post_quota.max_posts, told.post_quota.max_replies) == (86_400, 40, 20)
    assert not full.post_quota.HasField("max_posts")


async def test_a_post_as_long_as_the_capabilities_say_goes_out_and_a_longer_one_is_refused(
    ann: Author, x: Sandbox
) -> None:
    limit = (await ann.social.GetCapabilities(pb.GetCapabilitiesRequest(account_id=ann.account.id))).capabilities
    for sign, weight in (("a", 1), ("\u65e5", limit.text_limit.default_weight)):
        longest = limit.text_limit.max_weight // weight
        assert (await ann.post(sign * longest)).state == pb.POST_STATE_SETTLED
        assert await fields_of(ann.post(sign * (longest + 1))) == {"text"}
    assert len(await posted(x)) == 2


async def test_an_account_whose_name_was_taken_over_is_listed_under_its_new_one(ann: Author, x: Sandbox) -> None:
    await x.rename(ann.client, "anna")
    taker = pb.RegisterAccountRequest(agent_id="agt_other", x=x_credentials(await x.account("ann")))
    assert (await ann.social.RegisterAccount(taker)).account.handle == "ann"
    read = pb.GetAccountRequest(id=ann.account.id)
    assert (await ann.social.GetAccount(read)).account.handle == ""
    await ann.social.ListMentions(pb.ListMentionsRequest(account_id=ann.account.id))
    renamed = (await ann.social.GetAccount(read)).account
    assert (renamed.handle, renamed.network_user_id) == ("anna", ann.client.id)
    assert renamed.handle_time.ToDatetime() > ann.account.handle_time.ToDatetime()


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """Log as a service that was told to log everything, into a string."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stderr", written)
        root.handlers = []
        logs.configure("social", "DEBUG")
    try:
        yield written
    finally:
        root.handlers = handlers
        root.setLevel(level)


async def test_credentials_are_in_no_log_no_answer_and_no_database(
    everything_logged: io.StringIO, ann: Author, x: Sandbox, settings: SocialSettings, tmp_path: Path
) -> None:
    await x.fault(kind="lost_answer", route=POST, times=1, seconds=0)
    await ann.post("one")
    await x.fault(kind="status", status=401, route=POST, times=1)
    assert await reason_of(
        ann.social.CreatePost(pb.CreatePostRequest(account_id=ann.account.id, text="two", request_id="two"))
    )
    secrets = [value for _, value in x_credentials(ann.client).ListFields()]
    assert len(secrets) == 4
    kept = everything_logged.getvalue() + await _dump(settings.sql_url("social"))
    assert "post moved" in kept
    assert "sealed_credentials" in kept
    files = [path.read_bytes() for path in tmp_path.iterdir() if path.is_file()]  # noqa: ASYNC240 - a handful
    for secret in secrets:
        assert secret not in kept
        assert not any(secret.encode() in file for file in files)
    key = settings.key_file("social").path
    assert not key.is_relative_to(tmp_path)
    assert key.stat().st_mode & 0o077 == 0


async def _dump(url: str) -> str:
    database = Database(url)
    async with database.read() as transaction:
        connection = transaction.connection
        statements = ("SELECT * FROM account", "SELECT * FROM post", "SELECT * FROM request")
        rows = [str((await connection.execute(sa.text(one))).mappings().all()) for one in statements]
    await database.close()
    return "\n".join(rows)
