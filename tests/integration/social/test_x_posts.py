"""Posts as X writes them: in both vocabularies, with nulls, long, and odd ones among others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.social.domain.errors import NetworkUnavailable
from services.social.domain.network import Mention, SeenPost
from tests.fakes.clock import FixedClock
from tests.fakes.social import credentials
from tests.support.answers import Said, Script, saying
from tests.support.networks import x_at

ANN = credentials("Ann")
TIME = "2026-11-01T10:00:00.000Z"
POST = {"id": "50", "text": "@ann hello", "author_id": "2", "conversation_id": "40", "created_at": TIME}
BARE = {"id": "50", "text": "@ann hello", "edit_history_tweet_ids": ["50"]}
USERS = {"users": [{"id": "2", "username": "bob", "name": "Bob"}]}
MENTION = Mention("50", "2", "bob", "@ann hello", "40", "", datetime(2026, 11, 1, 10, tzinfo=UTC))


def page(*posts: Any, includes: Any = USERS) -> Said:
    return Said({"data": list(posts), "includes": includes, "meta": {"result_count": len(posts)}})


async def mentions(clock: FixedClock, *answers: Said) -> list[Mention]:
    async with saying(*answers) as x:
        return await x_at(x.url, x.session, clock).latest_mentions(ANN, "7", 20)


async def timeline(clock: FixedClock, *answers: Said) -> list[SeenPost]:
    async with saying(*answers) as x:
        return await x_at(x.url, x.session, clock).timeline(ANN, "7", clock.now() - timedelta(hours=1))


@pytest.mark.parametrize("references", ["referenced_tweets", "referenced_posts"])
async def test_a_reply_is_known_in_either_vocabulary(clock: FixedClock, references: str) -> None:
    reply = POST | {references: [{"type": "quoted", "id": "9"}, {"type": "replied_to", "id": "40"}]}
    [mention] = await mentions(clock, page(reply))
    assert mention.in_reply_to == "40"
    assert [seen.in_reply_to for seen in await timeline(clock, page(reply))] == ["40"]
    repost = POST | {references: [{"type": "retweeted", "id": "9"}]}
    assert await mentions(clock, page(repost)) == []


@pytest.mark.parametrize(
    "nulls",
    [
        {"entities": None},
        {"entities": {"urls": None, "hashtags": None, "mentions": None}},
        {"entities": {"urls": [{"start": 0, "end": 3, "url": "https://t.co/1", "expanded_url": None}]}},
        {"entities": {"urls": [{"start": 0, "end": 3, "url": None, "expanded_url": "https://x.com"}]}},
        {"entities": {"urls": [{"start": 0, "end": 3}, None]}},
        {"referenced_tweets": None, "referenced_posts": None},
        {"in_reply_to_user_id": None, "note_tweet": None, "note_post": None},
    ],
)
async def test_null_is_nothing(clock: FixedClock, nulls: dict[str, Any]) -> None:
    assert await mentions(clock, page(POST | nulls)) == [MENTION]
    assert await timeline(clock, page(POST | nulls)) == [SeenPost("50", "@ann hello", "")]


async def test_without_its_time_a_post_was_written_when_its_id_says(clock: FixedClock) -> None:
    early = POST | {"id": "1984930000000000000", "created_at": None}
    [mention] = await mentions(clock, page(early))
    assert mention.create_time.date().isoformat() == "2025-11-02"


@pytest.mark.parametrize("note", ["note_tweet", "note_post"])
async def test_a_long_post_comes_whole_and_with_its_own_links(clock: FixedClock, note: str) -> None:
    long = POST | {
        "text": "x" * 270 + "… https://t.co/9",
        note: {
            "text": "x" * 400 + " &lt;3 https://t.co/1",
            "entities": {"urls": [{"url": "https://t.co/1", "expanded_url": "https://example.org/"}]},
        },
    }
    [mention] = await mentions(clock, page(long))
    assert mention.text == "x" * 400 + " <3 https://example.org/"


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "51"},
        POST | {"id": "soon"},
        POST | {"id": "51", "text": None},
        POST | {"id": "51", "author_id": None},
        POST | {"id": "51", "created_at": "yesterday"},
        POST | {"id": "51", "text": 7},
        None,
        "no post",
    ],
)
async def test_an_odd_post_is_left_out_and_the_others_are_there(clock: FixedClock, odd: Any) -> None:
    assert await mentions(clock, page(odd, POST)) == [MENTION]
    assert SeenPost("50", "@ann hello", "") in await timeline(clock, page(odd, POST))


async def test_an_author_whose_name_isnt_told_has_none(clock: FixedClock) -> None:
    for includes in ({}, None, {"users": None}, {"users": [{"id": "2"}, None]}):
        [mention] = await mentions(clock, page(POST, includes=includes))
        assert (mention.author_user_id, mention.author_handle) == ("2", "")


def asked_in(x: Script) -> list[str]:
    """Return which vocabulary each call was in."""
    return ["tweets" if "tweet.fields" in request.query_params else "posts" for request in x.asked]


UNKNOWN_NAME = Said(
    {
        "errors": [{"parameters": {"tweet.fields": ["x"]}, "message": "The query parameter [tweet.fields] is unknown"}],
        "title": "Invalid Request",
        "type": "https://api.x.com/2/problems/invalid-request",
    },
    400,
)
ONLY_EXPANDED = page({"id": "50", "text": "@ann hello", "author_id": "2"})


@pytest.mark.parametrize("first", [page(BARE), UNKNOWN_NAME, ONLY_EXPANDED])
async def test_when_x_doesnt_know_the_names_it_is_asked_in_the_other_ones_and_from_then_on(
    clock: FixedClock, first: Said
) -> None:
    async with saying(first, page(POST)) as x:
        network = x_at(x.url, x.session, clock)
        for _ in range(3):
            assert await network.latest_mentions(ANN, "7", 20) == [MENTION]
        assert await network.timeline(ANN, "7", clock.now()) == [SeenPost("50", "@ann hello", "")]
        assert asked_in(x) == ["tweets", "posts", "posts", "posts", "posts"]


async def test_when_neither_is_known_the_error_says_what_is_missing(clock: FixedClock) -> None:
    with pytest.raises(NetworkUnavailable, match="author_id"):
        await mentions(clock, page(BARE))
    with pytest.raises(NetworkUnavailable, match="created_at"):
        await timeline(clock, page(BARE))
    with pytest.raises(NetworkUnavailable, match="names"):
        await mentions(clock, UNKNOWN_NAME)


async def test_an_empty_page_is_empty_in_any_vocabulary(clock: FixedClock) -> None:
    async with saying(Said({"meta": {"result_count": 0}})) as x:
        assert await x_at(x.url, x.session, clock).latest_mentions(ANN, "7", 20) == []
        assert len(x.asked) == 1


async def test_only_what_is_used_is_asked_for(clock: FixedClock) -> None:
    async with saying(page(POST)) as x:
        network = x_at(x.url, x.session, clock)
        await network.latest_mentions(ANN, "7", 20)
        await network.timeline(ANN, "7", clock.now())
        heard, own = x.asked
        assert heard.query_params["expansions"] == "author_id"
        assert heard.query_params["user.fields"] == "username"
        assert "expansions" not in own.query_params
        assert "user.fields" not in own.query_params
