"""What the sandbox refuses as X does, met through the wire; one database is enough here."""

import asyncio
from pathlib import Path

import grpc
import pytest

from puppet.social.v1 import social_service_pb2 as pb
from tests.integration.social.conftest import POST, Author, posted, x_credentials
from tests.support.refusals import fields_of, reason_of, refusal
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox, XClient

CLAIMED, SETTLED, FAILED = pb.POST_STATE_CLAIMED, pb.POST_STATE_SETTLED, pb.POST_STATE_FAILED


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'service.db'}"


async def the_post(ann: Author) -> pb.Post:
    listed = await ann.social.ListPosts(pb.ListPostsRequest(account_id=ann.account.id))
    [post] = listed.posts
    return post


@pytest.mark.parametrize(
    ("name", "reason", "code", "is_for_a_time"),
    [
        ("credits_depleted", "CREDITS_USED_UP", grpc.StatusCode.RESOURCE_EXHAUSTED, True),
        ("usage_capped", "USAGE_CAPPED", grpc.StatusCode.RESOURCE_EXHAUSTED, True),
        ("daily_limit", "NETWORK_RATE_LIMITED", grpc.StatusCode.RESOURCE_EXHAUSTED, True),
        ("edge", "NETWORK_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE, True),
        ("moved", "NETWORK_UNAVAILABLE", grpc.StatusCode.UNAVAILABLE, True),
        ("app_read_only", "CREDENTIALS_REFUSED", grpc.StatusCode.FAILED_PRECONDITION, False),
        ("account_locked", "ACCOUNT_LOCKED", grpc.StatusCode.FAILED_PRECONDITION, False),
        ("account_suspended", "ACCOUNT_LOCKED", grpc.StatusCode.FAILED_PRECONDITION, False),
        ("not_enrolled", "NOT_CAPABLE", grpc.StatusCode.FAILED_PRECONDITION, False),
    ],
)
async def test_a_refusal_that_isnt_about_the_post_holds_it_and_says_why(
    ann: Author, x: Sandbox, name: str, reason: str, code: grpc.StatusCode, is_for_a_time: bool
) -> None:
    await x.fault(kind="refusal", refusal=name, seconds=900)
    told = await refusal(ann.post("hello"))
    assert (told.code, told.reason) == (code, reason)
    assert (told.retry_after is not None) == is_for_a_time
    post = await the_post(ann)
    cause = "RATE_LIMITED" if reason == "NETWORK_RATE_LIMITED" else reason
    assert (post.state, pb.PostStateCause.Name(post.state_cause)) == (CLAIMED, f"POST_STATE_CAUSE_{cause}")
    assert post.due_time.ToDatetime() > post.create_time.ToDatetime()
    assert post.state_reason
    assert await posted(x) == []


async def test_once_the_account_is_open_again_the_repeated_request_goes_out(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="refusal", refusal="account_locked")
    assert await reason_of(ann.post("hello")) == "ACCOUNT_LOCKED"
    await x.call("DELETE", "/_sandbox/faults")
    assert (await ann.post("hello")).state == SETTLED


async def test_x_isnt_asked_again_while_its_credits_are_used_up_until_the_account_is_registered_again(
    ann: Author, x: Sandbox
) -> None:
    await x.fault(kind="refusal", refusal="credits_depleted", route=POST, times=1)
    for _ in range(3):
        assert await reason_of(ann.post("hello")) == "CREDITS_USED_UP"
        assert await reason_of(ann.social.ListMentions(pb.ListMentionsRequest(account_id=ann.account.id))) == (
            "CREDITS_USED_UP"
        )
    usage = await x.usage()
    assert (usage["calls"][POST], usage["calls"]["GET /2/users/{id}/mentions"]) == (1, 0)
    keys = x_credentials(ann.client)
    await ann.social.RegisterAccount(pb.RegisterAccountRequest(agent_id=ann.account.agent_id, x=keys))
    assert (await ann.post("hello")).state == SETTLED


async def test_a_withdrawn_post_never_goes_out(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="status", status=429, route=POST, times=1, seconds=1)
    assert await reason_of(ann.post("hello", "one")) == "NETWORK_RATE_LIMITED"
    asked = pb.WithdrawPostRequest(account_id=ann.account.id, create_request_id="one")
    post = (await ann.social.WithdrawPost(asked)).post
    assert (post.state, post.state_cause) == (FAILED, pb.POST_STATE_CAUSE_WITHDRAWN)
    assert (await ann.post("hello", "one")) == post
    by_id = pb.WithdrawPostRequest(account_id=ann.account.id, id=post.id)
    assert (await ann.social.WithdrawPost(by_id)).post == post
    # The limit has passed as soon as another one goes out.
    async with asyncio.timeout(WAIT_SECONDS):
        while await refused(ann, "another"):
            pass
    assert await posted(x) == ["another"]


async def refused(ann: Author, text: str) -> bool:
    try:
        return (await ann.post(text)).state != SETTLED
    except grpc.aio.AioRpcError:
        return True


async def test_wrong_withdrawals_are_refused(ann: Author) -> None:
    def withdraw(**which: str) -> pb.WithdrawPostRequest:
        return pb.WithdrawPostRequest(account_id=ann.account.id, **which)

    assert await fields_of(ann.social.WithdrawPost(withdraw())) == {"post"}
    assert await fields_of(ann.social.WithdrawPost(withdraw(id="x" * 65))) == {"id"}
    assert await reason_of(ann.social.WithdrawPost(withdraw(id="pst_0"))) == "POST_NOT_FOUND"
    assert await reason_of(ann.social.WithdrawPost(withdraw(create_request_id="late"))) == "POST_NOT_FOUND"
    assert await reason_of(ann.post("hello", "late")) == "REQUEST_ID_REUSED"


async def test_pages_of_mentions_cost_what_x_shows_of_them_once(ann: Author, x: Sandbox) -> None:
    bob: XClient = await x.account("bob")
    first = (await bob.create_tweet(text="@ann first"))["data"]["id"]
    for number in range(230):
        await bob.create_tweet(text=f"@ann number {number}")
    token, found = "", 0
    while True:
        request = pb.ListMentionsRequest(
            account_id=ann.account.id, after_network_post_id=first, page_size=50, page_token=token
        )
        page = await ann.social.ListMentions(request)
        found += len(page.mentions)
        if not (token := page.next_page_token):
            break
    usage = await x.usage()
    assert (found, usage["calls"]["GET /2/users/{id}/mentions"], usage["posts_read"]) == (230, 3, 230)


@pytest.mark.parametrize("vocabulary", ["tweets", "posts", "both"])
async def test_mentions_and_lost_posts_are_read_in_every_vocabulary(ann: Author, x: Sandbox, vocabulary: str) -> None:
    await x.speak(vocabulary)
    bob: XClient = await x.account("bob")
    asked = (await bob.create_tweet(text="hello @ann, see example.org"))["data"]["id"]
    await x.fault(kind="lost_answer", route=POST, times=1, seconds=0)
    reply = await ann.post("hello yourself", in_reply_to=asked)
    assert reply.state == SETTLED
    await bob.create_tweet(text="well", in_reply_to_tweet_id=reply.network_post_id)
    listed = await ann.social.ListMentions(pb.ListMentionsRequest(account_id=ann.account.id))
    assert [
        (m.author_handle, m.text, m.in_reply_to_network_post_id, m.in_reply_to_network_user_id) for m in listed.mentions
    ] == [
        ("bob", "hello @ann, see http://example.org", "", ""),
        ("bob", "@ann well", reply.network_post_id, ann.account.network_user_id),
    ]
    assert (await x.usage())["calls"][POST] == 3
