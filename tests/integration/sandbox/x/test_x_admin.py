"""The sandbox's own routes."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.x import Sandbox, XClient


async def test_an_account_is_made_once_and_returned_ever_after(sandbox: Sandbox) -> None:
    body = {"username": "ann", "name": "Ann", "description": "A character."}
    status, made = await sandbox.call("POST", "/_sandbox/accounts", json=body)
    assert status == 201
    assert {"id", "api_key", "api_key_secret", "access_token", "access_token_secret", "bearer_token"} < set(made)
    assert await sandbox.call("POST", "/_sandbox/accounts", json=body) == (200, made)


async def test_the_list_of_accounts_holds_no_secret(sandbox: Sandbox, ann: XClient, bob: XClient) -> None:
    _, listed = await sandbox.call("GET", "/_sandbox/accounts")
    assert listed == {
        "accounts": [
            {"id": ann.id, "username": "ann", "name": "Ann"},
            {"id": bob.id, "username": "bob", "name": "Bob"},
        ]
    }


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/_sandbox/accounts", {"username": "two words", "name": "A"}, "username"),
        ("/_sandbox/accounts", {"username": "a" * 16, "name": "A"}, "username"),
        ("/_sandbox/accounts", {"username": "ann"}, "name"),
        ("/_sandbox/accounts", {"username": "ann", "name": "A", "age": 3}, "age"),
        ("/_sandbox/accounts", [], "body"),
        ("/_sandbox/accounts", {"username": "ann", "name": "\ud800"}, "body"),
        ("/_sandbox/tier", {"tier": "golden"}, "tier"),
    ],
)
async def test_wrong_input_is_refused_and_the_field_is_named(
    sandbox: Sandbox, path: str, body: Any, field: str
) -> None:
    status, answer = await sandbox.call("POST", path, json=body)
    assert (status, [error["field"] for error in answer["errors"]]) == (400, [field])


async def test_the_public_timeline_shows_posts_as_written_and_goes_on_after_an_id(
    sandbox: Sandbox, ann: XClient, bob: XClient
) -> None:
    first = (await ann.create_tweet(text="hello & https://example.com"))["data"]["id"]
    second = (await bob.create_tweet(text="hi", in_reply_to_tweet_id=first))["data"]["id"]
    _, watched = await sandbox.call("GET", "/_sandbox/posts")
    assert [(post["username"], post["text"]) for post in watched["posts"]] == [
        ("ann", "hello & https://example.com"),
        ("bob", "hi"),
    ]
    _, later = await sandbox.call("GET", f"/_sandbox/posts?after_id={first}")
    assert [(post["id"], post["reply_to"]) for post in later["posts"]] == [(second, first)]
    assert (await sandbox.call("GET", "/_sandbox/posts?after_id=x"))[0] == 400


async def test_whoever_runs_the_sandbox_speaks_as_any_account_and_is_heard(
    sandbox: Sandbox, ann: XClient, bob: XClient
) -> None:
    said = await ann.create_tweet(text="hello")
    reply = {"username": "bob", "text": "good morning @ann", "reply_to": int(said["data"]["id"])}
    status, made = await sandbox.call("POST", "/_sandbox/posts", json=reply)
    assert (status, made["username"], made["reply_to"]) == (201, "bob", said["data"]["id"])
    assert [post["id"] for post in (await ann.get_users_mentions(ann.id, user_auth=True))["data"]] == [made["id"]]


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"username": "nobody"}, 404, "username"),
        ({"reply_to": 12}, 404, "reply_to"),
        ({"text": ""}, 400, "text"),
        ({"as": "ann"}, 400, "as"),
    ],
)
async def test_what_cannot_be_said_is_refused_and_the_field_is_named(
    sandbox: Sandbox, ann: XClient, change: dict[str, Any], status: int, field: str
) -> None:
    body = {"username": "ann", "text": "hello"} | change
    got, answer = await sandbox.call("POST", "/_sandbox/posts", json=body)
    assert (got, [error["field"] for error in answer["errors"]]) == (status, [field])


async def test_accounts_posts_and_tier_outlive_a_restart(tmp_path: Path, sandbox: Sandbox) -> None:
    settings = XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / "again")
    async with listening(build_x_app(settings)) as url:
        before = Sandbox(url, sandbox.session)
        ann = await before.account("ann")
        await ann.create_tweet(text="hello")
        await before.call("POST", "/_sandbox/tier", json={"tier": "self_serve"})
    async with listening(build_x_app(settings)) as url:
        after = Sandbox(url, sandbox.session)
        again = await after.account("ann")
        assert again.access_token == ann.access_token
        assert len((await again.get_users_tweets(again.id, user_auth=True))["data"]) == 1
        assert (await after.call("GET", "/_sandbox/tier"))[1] == {"tier": "self_serve"}


async def test_limits_can_be_switched_off_for_a_fast_demo(tmp_path: Path, sandbox: Sandbox) -> None:
    settings = XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / "fast", rate_limits=False)
    async with listening(build_x_app(settings)) as url:
        ann = await Sandbox(url, sandbox.session).account("ann")
        for _ in range(80):
            await ann.get_me()


async def test_a_renamed_account_keeps_its_id_and_keys_and_its_old_name_is_free(
    sandbox: Sandbox, ann: XClient, bob: XClient
) -> None:
    await ann.create_tweet(text="@bob hello")
    assert await sandbox.rename(ann, "anna") == 200
    thief = await sandbox.account("ann")
    assert thief.id != ann.id
    await thief.create_tweet(text="@bob it is me")
    read = await bob.get_users_mentions(bob.id, user_auth=True, expansions="author_id", tweet_fields="author_id")
    names = {user["id"]: user["username"] for user in read["includes"]["users"]}
    assert [(tweet["text"], names[tweet["author_id"]]) for tweet in read["data"]] == [
        ("@bob it is me", "ann"),
        ("@bob hello", "anna"),
    ]
    assert (await ann.get_me())["data"]["username"] == "anna"


async def test_a_name_that_is_taken_malformed_or_for_nobody_is_refused(
    sandbox: Sandbox, ann: XClient, bob: XClient
) -> None:
    assert await sandbox.rename(ann, "BOB") == 409
    assert await sandbox.rename(ann, "two words") == 400
    assert await sandbox.rename(ann, "ANN") == 200
    assert (await sandbox.call("PATCH", "/_sandbox/accounts/7", json={"username": "carol"}))[0] == 404
    assert (await bob.get_me())["data"]["username"] == "bob"
