"""Calls that no well-behaved client makes: wrong signatures, wrong tokens, wrong input."""

import json
import time
from typing import Any

import pytest
from yarl import URL

from tests.support.x import Sandbox, XClient

_UNAUTHORIZED = {"title": "Unauthorized", "detail": "Unauthorized", "type": "about:blank", "status": 401}


def signed(client: XClient, path: str, method: str = "GET", **changes: str) -> dict[str, str]:
    return client.sign(client.base_url + path, method, **changes)[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_secret": "wrong"},
        {"resource_owner_secret": "wrong"},
        {"resource_owner_key": "1-wrong"},
        {"client_key": "wrong"},
        {"signature_method": "PLAINTEXT"},
        {"timestamp": "1500000000"},
        {"timestamp": "4102444800"},
        {"timestamp": "soon"},
        {"nonce": ""},
    ],
)
async def test_a_wrong_signature_is_refused(sandbox: Sandbox, ann: XClient, changes: dict[str, str]) -> None:
    headers = signed(ann, "/2/users/me", **changes)
    assert await sandbox.call("GET", "/2/users/me", headers=headers) == (401, _UNAUTHORIZED)


async def test_a_signature_holds_for_one_call_only(sandbox: Sandbox, ann: XClient) -> None:
    headers = signed(ann, "/2/users/me")
    assert (await sandbox.call("GET", "/2/users/me", headers=headers))[0] == 200
    assert await sandbox.call("GET", "/2/users/me", headers=headers) == (401, _UNAUTHORIZED)


async def test_a_signature_covers_the_path_the_query_and_the_method(sandbox: Sandbox, ann: XClient) -> None:
    for other in ("/2/users/1", "/2/users/me?user.fields=name"):
        headers = signed(ann, "/2/users/me")
        assert (await sandbox.call("GET", other, headers=headers))[0] == 401
    headers = signed(ann, "/2/tweets/1", "GET")
    assert (await sandbox.call("DELETE", "/2/tweets/1", headers=headers))[0] == 401


async def test_a_refused_signature_doesnt_use_its_nonce_up(sandbox: Sandbox, ann: XClient) -> None:
    nonce = {"nonce": "once", "timestamp": str(int(time.time()))}
    forged = signed(ann, "/2/users/me", client_secret="wrong", **nonce)  # noqa: S106
    assert (await sandbox.call("GET", "/2/users/me", headers=forged))[0] == 401
    assert (await sandbox.call("GET", "/2/users/me", headers=signed(ann, "/2/users/me", **nonce)))[0] == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer wrong", "Basic abc", "OAuth", "OAuth oauth_token", 'OAuth oauth_token="a", oauth_token="a"'],
)
async def test_a_malformed_authorization_is_refused(sandbox: Sandbox, authorization: str) -> None:
    headers = {"Authorization": authorization}
    assert await sandbox.call("GET", "/2/tweets/1", headers=headers) == (401, _UNAUTHORIZED)


async def test_a_query_with_every_kind_of_sign_is_signed_alike_on_both_sides(ann: XClient) -> None:
    query = 'moon "two words" +100% a&b=c ~x (lang:en OR #caf\u00e9) -is:retweet'
    assert (await ann.search_recent_tweets(query, user_auth=True))["meta"]["result_count"] == 0


async def test_a_bearer_token_reads_and_doesnt_act(sandbox: Sandbox, ann: XClient) -> None:
    headers = {"Authorization": f"Bearer {ann.bearer_token}"}
    assert (await sandbox.call("GET", f"/2/users/{ann.id}/tweets", headers=headers))[0] == 200
    for method, path in (("GET", "/2/users/me"), ("POST", "/2/tweets")):
        status, answer = await sandbox.call(method, path, headers=headers, json={"text": "hello"})
        assert (status, answer["title"]) == (403, "Unsupported Authentication")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "$"),
        (b"[]", "$"),
        (b'{"text": "\\ud800"}', "$"),
        (b"[" * 100_000, "$"),
        ({}, "$.text"),
        ({"text": "  "}, "$.text"),
        ({"text": 1}, "$.text"),
        ({"text": None}, "$.text"),
        ({"text": "a", "texts": "b"}, "$.texts"),
        ({"text": "a", "reply": "1"}, "$.reply"),
        ({"text": "a", "reply": {}}, "$.reply"),
        ({"text": "a", "reply": {"in_reply_to_tweet_id": 1}}, "$.reply.in_reply_to_tweet_id"),
        ({"text": "a", "reply": {"in_reply_to_tweet_id": "x"}}, "$.reply.in_reply_to_tweet_id"),
        ({"text": "a", "quote_tweet_id": "9" * 19}, "$.quote_tweet_id"),
        ({"text": "a", "made_with_ai": "yes"}, "$.made_with_ai"),
        ({"text": "a", "media": {"media_ids": ["1"]}}, "$.media"),
    ],
)
async def test_a_wrong_post_is_refused_and_the_field_is_named(
    sandbox: Sandbox, ann: XClient, body: Any, named: str
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = signed(ann, "/2/tweets", "POST") | {"Content-Type": "application/json"}
    status, answer = await sandbox.call("POST", "/2/tweets", headers=headers, data=raw)
    assert status == 400
    assert answer["title"] == "Invalid Request"
    assert [name for error in answer["errors"] for name in error["parameters"]] == [named]
    assert (await sandbox.call("GET", "/_sandbox/posts"))[1] == {"posts": []}


async def test_a_body_that_isnt_declared_as_json_is_refused(sandbox: Sandbox, ann: XClient) -> None:
    status, answer = await sandbox.call("POST", "/2/tweets", headers=signed(ann, "/2/tweets", "POST"), data=b"{}")
    assert (status, answer) == (415, {"error": "A body must be JSON, with one Content-Type of application/json."})


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/2/tweets?ids=", ["ids"]),
        ("/2/tweets", ["ids"]),
        ("/2/tweets?ids=1,x", ["ids"]),
        ("/2/tweets?ids=" + ",".join(map(str, range(101))), ["ids"]),
        ("/2/tweets/x", ["id"]),
        ("/2/tweets/99999999999999999999", ["id"]),
        ("/2/tweets/1?tweet.fields=colour&expansions=x", ["expansions", "tweet.fields"]),
        ("/2/tweets/1?colour=red", ["colour"]),
        ("/2/tweets/search/recent", ["query"]),
        ("/2/tweets/search/recent?query=a&max_results=9", ["max_results"]),
        (
            "/2/users/1/tweets?max_results=101&since_id=x&start_time=now&exclude=all",
            ["exclude", "since_id", "start_time", "max_results"],
        ),
        ("/2/users/1/mentions?pagination_token=x", ["pagination_token"]),
        ("/2/users/1/mentions?pagination_token=7140dibdnow9c7zz", ["pagination_token"]),
        ("/2/users/1/mentions?end_time=2026-01-01T00:00:00", ["end_time"]),
        ("/2/users/by?usernames=ann&user.fields=age", ["user.fields"]),
    ],
)
async def test_wrong_parameters_are_refused_and_all_are_named(
    sandbox: Sandbox, ann: XClient, path: str, named: list[str]
) -> None:
    headers = {"Authorization": f"Bearer {ann.bearer_token}"}
    status, answer = await sandbox.call("GET", path, headers=headers)
    assert status == 400
    assert [name for error in answer["errors"] for name in error["parameters"]] == named


async def test_nobody_likes_or_reposts_for_another(sandbox: Sandbox, ann: XClient, bob: XClient) -> None:
    for path in (f"/2/users/{bob.id}/likes", f"/2/users/{bob.id}/retweets"):
        headers = signed(ann, path, "POST")
        status, answer = await sandbox.call("POST", path, headers=headers, json={"tweet_id": "1"})
        assert status == 400
        assert "must be the same as the authenticating user" in answer["errors"][0]["message"]


async def test_a_timeline_of_nobody_is_an_error_in_a_success(sandbox: Sandbox, ann: XClient) -> None:
    headers = {"Authorization": f"Bearer {ann.bearer_token}"}
    status, answer = await sandbox.call("GET", "/2/users/5/tweets", headers=headers)
    assert (status, answer["errors"][0]["resource_type"]) == (200, "user")


async def test_an_unknown_path_or_method_is_a_problem_too(sandbox: Sandbox) -> None:
    assert (await sandbox.call("GET", "/1.1/statuses/home_timeline.json"))[1]["title"] == "Not Found"
    status, answer = await sandbox.call("PUT", "/2/tweets")
    assert (status, answer["title"]) == (405, "Method Not Allowed")


async def test_every_refusal_of_a_known_caller_shows_the_limits(sandbox: Sandbox, ann: XClient) -> None:
    headers = {"Authorization": f"Bearer {ann.bearer_token}"}
    async with sandbox.session.get(URL(f"{sandbox.url}/2/tweets/x"), headers=headers) as response:
        assert response.headers["x-rate-limit-limit"] == "450"
        assert response.headers["x-rate-limit-remaining"] == "449"
        assert int(response.headers["x-rate-limit-reset"]) > time.time()
