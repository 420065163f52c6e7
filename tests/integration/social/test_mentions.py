"""Mentions through the wire; they are kept in no database."""

from pathlib import Path

import pytest

from puppet.social.v1 import social_service_pb2 as pb
from tests.integration.social.conftest import Author
from tests.support.refusals import refusal
from tests.support.x import Sandbox, XClient


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'service.db'}"


@pytest.fixture
async def bob(x: Sandbox) -> XClient:
    return await x.account("bob")


async def mentions(ann: Author, after: str = "", page_size: int = 0) -> list[pb.Mention]:
    found: list[pb.Mention] = []
    token = ""
    while True:
        request = pb.ListMentionsRequest(
            account_id=ann.account.id, after_network_post_id=after, page_size=page_size, page_token=token
        )
        page = await ann.social.ListMentions(request)
        assert len(page.mentions) <= (page_size or 20)
        found += page.mentions
        if not (token := page.next_page_token):
            return found


async def test_a_mention_says_who_wrote_what_and_where(ann: Author, bob: XClient) -> None:
    post = await ann.post("good morning")
    reply = (await bob.create_tweet(text="tea & <biscuits>? example.com", in_reply_to_tweet_id=post.network_post_id))[
        "data"
    ]
    [mention] = await mentions(ann)
    assert (mention.network_post_id, mention.author_network_user_id, mention.author_handle) == (
        reply["id"],
        bob.id,
        "bob",
    )
    assert mention.text == "@ann tea & <biscuits>? http://example.com"
    assert mention.in_reply_to_network_post_id == mention.network_conversation_id == post.network_post_id
    assert mention.in_reply_to_network_user_id == ann.account.network_user_id
    assert mention.HasField("create_time")


async def test_mentions_come_oldest_first_and_only_after_the_last_one_seen(ann: Author, bob: XClient) -> None:
    ids = [(await bob.create_tweet(text=f"@ann number {number}"))["data"]["id"] for number in range(7)]
    after = await mentions(ann, after=ids[1], page_size=2)
    assert [mention.network_post_id for mention in after] == ids[2:]
    latest = await mentions(ann, page_size=3)
    assert [mention.network_post_id for mention in latest] == ids[-3:]
    assert await mentions(ann, after=ids[-1]) == []


async def test_more_mentions_than_a_page_of_x_are_all_read(ann: Author, bob: XClient) -> None:
    first = (await bob.create_tweet(text="@ann first"))["data"]["id"]
    for number in range(120):
        await bob.create_tweet(text=f"@ann number {number}")
    found = await mentions(ann, after=first, page_size=100)
    assert [mention.text for mention in found] == [f"@ann number {number}" for number in range(120)]


async def test_own_posts_and_reposts_are_no_mentions(ann: Author, bob: XClient) -> None:
    own = await ann.post("I, @ann, am here")
    await bob.retweet(own.network_post_id, user_auth=True)
    asked = (await bob.create_tweet(text="hello @ann"))["data"]["id"]
    await ann.post("hello @bob", in_reply_to=asked)
    assert [mention.network_post_id for mention in await mentions(ann)] == [asked]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(429, "NETWORK_RATE_LIMITED"), (503, "NETWORK_UNAVAILABLE"), (401, "CREDENTIALS_REFUSED")],
)
async def test_a_refused_read_is_told_as_what_it_is(ann: Author, x: Sandbox, status: int, reason: str) -> None:
    await x.fault(kind="status", status=status, html=True, route="GET /2/users", times=1, seconds=3)
    told = await refusal(mentions(ann))
    assert told.reason == reason
    assert (told.retry_after is not None) == (status != 401)


async def test_a_reply_to_somebody_else_says_whom_it_answers_and_a_post_of_its_own_nobody(
    ann: Author, bob: XClient, x: Sandbox
) -> None:
    carol = await x.account("carol")
    asked = (await carol.create_tweet(text="what does @ann say?"))["data"]["id"]
    await bob.create_tweet(text="ask @ann", in_reply_to_tweet_id=asked)
    assert [mention.in_reply_to_network_user_id for mention in await mentions(ann)] == ["", carol.id]
