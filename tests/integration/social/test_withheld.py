"""What was withheld goes out by itself, on each database, with the real X sandbox as its network."""

import asyncio

import pytest

from puppet.social.v1 import social_service_pb2 as pb
from tests.integration.social.conftest import POST, Author, Register, posted, x_credentials
from tests.support.refusals import reason_of
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox

CLAIMED, SETTLED = pb.POST_STATE_CLAIMED, pb.POST_STATE_SETTLED


async def settled(author: Author, number: int = 1) -> list[pb.Post]:
    """Wait until so many posts of an author are on the network, by themselves."""
    request = pb.ListPostsRequest(account_id=author.account.id, states=[SETTLED])
    async with asyncio.timeout(WAIT_SECONDS):
        while len(found := (await author.social.ListPosts(request)).posts) < number:
            pass
    return list(found)


async def register_again(author: Author) -> None:
    keys = x_credentials(author.client)
    await author.social.RegisterAccount(pb.RegisterAccountRequest(agent_id=author.account.agent_id, x=keys))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("app_read_only", "CREDENTIALS_REFUSED"),
        ("account_locked", "ACCOUNT_LOCKED"),
        ("not_enrolled", "NOT_CAPABLE"),
        ("credits_depleted", "CREDITS_USED_UP"),
        ("usage_capped", "USAGE_CAPPED"),
        ("daily_limit", "NETWORK_RATE_LIMITED"),
    ],
)
async def test_once_the_account_is_registered_again_what_was_withheld_goes_out_by_itself(
    ann: Author, x: Sandbox, name: str, reason: str
) -> None:
    await x.fault(kind="refusal", refusal=name, seconds=900)
    for text in ("first", "second"):
        assert await reason_of(ann.post(text)) == reason
    # One of them has asked for both.
    assert (await x.usage())["calls"][POST] == 1
    await x.call("DELETE", "/_sandbox/faults")
    await register_again(ann)
    await settled(ann, 2)
    assert sorted(await posted(x)) == ["first", "second"]


async def test_what_was_withdrawn_meanwhile_does_not_go_out(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="refusal", refusal="account_locked")
    for text in ("first", "second"):
        assert await reason_of(ann.post(text)) == "ACCOUNT_LOCKED"
    await ann.social.WithdrawPost(pb.WithdrawPostRequest(account_id=ann.account.id, create_request_id="first"))
    await x.call("DELETE", "/_sandbox/faults")
    await register_again(ann)
    await settled(ann)
    assert await posted(x) == ["second"]


async def test_an_account_that_is_registered_again_wakes_those_of_its_app_alone(
    ann: Author, register: Register, x: Sandbox
) -> None:
    bob = await register("bob")
    await x.fault(kind="refusal", refusal="account_locked")
    for author, text in ((ann, "of ann"), (bob, "of bob")):
        assert await reason_of(author.post(text)) == "ACCOUNT_LOCKED"
    await x.call("DELETE", "/_sandbox/faults")
    await register_again(ann)
    await settled(ann)
    listed = await bob.social.ListPosts(pb.ListPostsRequest(account_id=bob.account.id))
    shares_app = ann.client.consumer_key == bob.client.consumer_key
    assert [post.state for post in listed.posts] == [SETTLED if shares_app else CLAIMED]


async def test_mentions_that_are_refused_are_not_asked_for_again_at_once(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="refusal", refusal="account_locked")
    for _ in range(3):
        asked = pb.ListMentionsRequest(account_id=ann.account.id)
        assert await reason_of(ann.social.ListMentions(asked)) == "ACCOUNT_LOCKED"
    assert (await x.usage())["calls"]["GET /2/users/{id}/mentions"] == 1
