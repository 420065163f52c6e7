"""The names of a post's parts: those of `tweet.fields`, those of `post.fields`, and what becomes of unknown ones."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.x import Sandbox, XClient


async def reply_of(sandbox: Sandbox, ann: XClient, bob: XClient) -> str:
    first = (await ann.create_tweet(text="hello"))["data"]["id"]
    return str((await bob.create_tweet(text="hello #you", in_reply_to_tweet_id=first))["data"]["id"])


async def look(sandbox: Sandbox, ann: XClient, post_id: str, query: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {ann.bearer_token}"}
    return await sandbox.call("GET", f"/2/tweets/{post_id}?{query}", headers=headers)


async def test_the_newer_names_have_fields_that_are_only_expansions(
    sandbox: Sandbox, ann: XClient, bob: XClient
) -> None:
    post_id = await reply_of(sandbox, ann, bob)
    query = "post.fields=created_at,author_id,referenced_posts,entities,colour"
    status, answer = await look(sandbox, ann, post_id, query)
    assert status == 200
    assert set(answer["data"]) == {"id", "text", "edit_history_post_ids", "created_at", "entities"}
    assert answer["data"]["entities"]["urls"] is None
    assert "includes" not in answer
    _, answer = await look(sandbox, ann, post_id, "post.fields=created_at&expansions=author_id,referenced_posts")
    assert answer["data"]["author_id"] == bob.id
    assert [post["text"] for post in answer["includes"]["posts"]] == ["hello"]
    assert [reference["type"] for reference in answer["data"]["referenced_posts"]] == ["replied_to"]
    assert [user["username"] for user in answer["includes"]["users"]] == ["bob"]


async def test_with_only_the_newer_names_the_older_ones_are_ignored(
    sandbox: Sandbox, ann: XClient, bob: XClient
) -> None:
    post_id = await reply_of(sandbox, ann, bob)
    await sandbox.speak("posts")
    query = "tweet.fields=created_at,author_id,referenced_tweets"
    status, answer = await look(sandbox, ann, post_id, query)
    assert (status, set(answer["data"])) == (200, {"id", "text", "edit_history_post_ids"})


async def test_with_only_the_older_names_the_newer_ones_are_refused(
    sandbox: Sandbox, ann: XClient, bob: XClient
) -> None:
    post_id = await reply_of(sandbox, ann, bob)
    await sandbox.speak("tweets")
    status, answer = await look(sandbox, ann, post_id, "post.fields=created_at")
    assert (status, [list(error["parameters"]) for error in answer["errors"]]) == (400, [["post.fields"]])


async def test_a_vocabulary_that_there_isnt_is_refused(sandbox: Sandbox) -> None:
    status, answer = await sandbox.call("POST", "/_sandbox/vocabulary", json={"vocabulary": "old"})
    assert (status, answer["errors"][0]["field"]) == (400, "vocabulary")
    assert await sandbox.call("GET", "/_sandbox/vocabulary") == (200, {"vocabulary": "both"})


@pytest.mark.parametrize(("fields", "note"), [("tweet.fields", "note_tweet"), ("post.fields", "note_post")])
async def test_of_a_long_post_the_beginning_is_shown_and_the_rest_when_it_is_asked_for(
    tmp_path: Path, fields: str, note: str
) -> None:
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / "long", max_weight=4_000))
    async with listening(app) as url, aiohttp.ClientSession() as session:
        sandbox = Sandbox(url, session)
        ann = await sandbox.account("ann")
        text = "word " * 100 + "example.org"
        post_id = (await ann.create_tweet(text=text))["data"]["id"]
        _, answer = await look(sandbox, ann, post_id, f"{fields}={note}")
    assert len(answer["data"]["text"]) <= 280
    assert answer["data"][note]["text"].startswith("word " * 100)
    assert answer["data"][note]["entities"]["urls"][0]["expanded_url"] == "http://example.org"


async def test_what_would_be_billed_is_counted(sandbox: Sandbox, ann: XClient, bob: XClient) -> None:
    post_id = await reply_of(sandbox, ann, bob)
    await look(sandbox, ann, post_id, "expansions=author_id,referenced_tweets.id")
    await ann.get_me(user_auth=True)
    usage = await sandbox.usage()
    assert (usage["calls"]["GET /2/tweets/{id}"], usage["posts_read"], usage["users_read"]) == (1, 2, 2)


async def test_a_refusal_that_there_isnt_cant_be_switched_on(sandbox: Sandbox) -> None:
    status, answer = await sandbox.call("POST", "/_sandbox/faults", json={"kind": "refusal", "refusal": "bad mood"})
    assert status == 400
    assert "credits_depleted" in answer["error"]
