"""Conversations through the wire, and what reading them costs; they are kept in no database."""

from pathlib import Path

import pytest

from puppet.social.v1 import social_service_pb2 as pb
from tests.integration.social.conftest import Author
from tests.support.refusals import fields_of, reason_of
from tests.support.x import Sandbox, XClient

SEARCH, LOOKUP = "GET /2/tweets/search/recent", "GET /2/tweets"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'service.db'}"


@pytest.fixture
async def bob(x: Sandbox) -> XClient:
    return await x.account("bob")


async def say(author: XClient, text: str, to: str) -> str:
    return str((await author.create_tweet(text=text, in_reply_to_tweet_id=to))["data"]["id"])


async def conversation(
    ann: Author, post_id: str, conversation_id: str = "", limit: int = 0
) -> pb.GetConversationResponse:
    return await ann.social.GetConversation(
        pb.GetConversationRequest(
            account_id=ann.account.id, network_post_id=post_id, network_conversation_id=conversation_id, max_posts=limit
        )
    )


async def test_a_conversation_is_told_from_its_beginning_with_who_said_what(
    ann: Author, bob: XClient, x: Sandbox
) -> None:
    first = await ann.post("good morning & welcome")
    question = await say(bob, "who lives up there?", first.network_post_id)
    answer = await ann.post("I do", in_reply_to=question)
    last = await say(bob, "alone?", answer.network_post_id)
    found = await conversation(ann, last, first.network_post_id)
    assert [(post.author_handle, post.text, post.in_reply_to_network_post_id) for post in found.posts] == [
        ("ann", "good morning & welcome", ""),
        ("bob", "@ann who lives up there?", first.network_post_id),
        ("ann", "@bob I do", question),
        ("bob", "@ann alone?", answer.network_post_id),
    ]
    assert {post.author_network_user_id for post in found.posts} == {ann.account.network_user_id, bob.id}
    assert all(post.HasField("create_time") for post in found.posts)
    usage = await x.usage()
    assert (usage["calls"][SEARCH], usage["calls"][LOOKUP]) == (1, 0)
    assert (found.call_count, found.read_post_count, found.read_user_count) == (1, 4, 2)
    assert (usage["posts_read"], usage["users_read"]) == (4, 2 + 1)  # and the account that was registered


async def test_without_the_id_of_the_conversation_that_is_asked_for_first(ann: Author, bob: XClient) -> None:
    first = await ann.post("good morning")
    reply = await say(bob, "is it?", first.network_post_id)
    found = await conversation(ann, reply)
    assert [post.network_post_id for post in found.posts] == [first.network_post_id, reply]
    assert found.call_count == 2


async def test_of_a_long_conversation_what_was_answered_comes_first_and_the_newest_of_the_rest(
    ann: Author, bob: XClient
) -> None:
    first = await ann.post("good morning")
    early = await say(bob, "number one", first.network_post_id)
    others = [await say(bob, f"aside {number}", first.network_post_id) for number in range(25)]
    found = await conversation(ann, early, first.network_post_id)
    shown = [post.network_post_id for post in found.posts]
    assert shown == [first.network_post_id, early, *others[-18:]]
    few = await conversation(ann, early, first.network_post_id, limit=2)
    assert [post.network_post_id for post in few.posts] == [first.network_post_id, early]


async def test_what_the_search_doesnt_know_is_looked_up(ann: Author, bob: XClient, x: Sandbox) -> None:
    first = await ann.post("good morning")
    reply = await say(bob, "is it?", first.network_post_id)
    await x.fault(kind="refusal", refusal="not_enrolled", route=SEARCH)
    found = await conversation(ann, reply, first.network_post_id)
    assert [post.network_post_id for post in found.posts] == [first.network_post_id, reply]
    usage = await x.usage()
    assert usage["calls"][LOOKUP] <= 2


async def test_a_post_that_is_gone_leaves_what_is_left(ann: Author, bob: XClient) -> None:
    first = await ann.post("good morning")
    middle = await say(bob, "is it?", first.network_post_id)
    last = await say(bob, "hello?", middle)
    await bob.delete_tweet(middle)
    found = await conversation(ann, last, first.network_post_id)
    assert [post.network_post_id for post in found.posts] == [first.network_post_id, last]
    assert list((await conversation(ann, "12345")).posts) == []


@pytest.mark.parametrize("vocabulary", ["tweets", "posts", "both"])
async def test_it_is_told_alike_in_every_vocabulary(ann: Author, bob: XClient, x: Sandbox, vocabulary: str) -> None:
    first = await ann.post("good morning")
    reply = await say(bob, "is it?", first.network_post_id)
    await x.speak(vocabulary)
    found = await conversation(ann, reply, first.network_post_id)
    assert [(post.author_handle, post.in_reply_to_network_post_id) for post in found.posts] == [
        ("ann", ""),
        ("bob", first.network_post_id),
    ]


async def test_wrong_requests_are_refused_by_their_fields_and_refusals_told(ann: Author, x: Sandbox) -> None:
    assert await fields_of(conversation(ann, "", limit=1)) == {"network_post_id"}
    assert await fields_of(conversation(ann, "x", "y", limit=21)) == {
        "network_post_id",
        "network_conversation_id",
        "max_posts",
    }
    await x.fault(kind="refusal", refusal="credits_depleted")
    assert await reason_of(conversation(ann, "1")) == "CREDITS_USED_UP"
