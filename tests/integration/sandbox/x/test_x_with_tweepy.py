"""What the real tweepy client sees of the X sandbox."""

import pytest
from tweepy import BadRequest, Forbidden, NotFound, TooManyRequests

from tests.support.x import Sandbox, XClient

_EVERYTHING = {
    "expansions": ["author_id", "referenced_tweets.id.author_id", "in_reply_to_user_id", "entities.mentions.username"],
    "tweet_fields": ["created_at", "conversation_id", "public_metrics", "lang", "entities"],
    "user_fields": ["description", "created_at", "public_metrics"],
}


async def test_a_post_is_written_and_read_back(ann: XClient) -> None:
    created = (await ann.create_tweet(text="hello & <goodbye> https://example.com"))["data"]
    assert set(created) == {"id", "text", "edit_history_tweet_ids"}
    read = (await ann.get_tweet(created["id"], user_auth=True, **_EVERYTHING))["data"]
    assert read["text"] == created["text"]
    assert read["text"].startswith("hello &amp; &lt;goodbye&gt; https://t.co/")
    assert read["entities"]["urls"][0]["expanded_url"] == "https://example.com"
    assert read["author_id"] == ann.id
    assert read["conversation_id"] == created["id"]
    assert read["lang"] == "en"
    assert set(read["public_metrics"].values()) == {0}


async def test_only_the_fields_asked_for_are_shown(ann: XClient) -> None:
    created = (await ann.create_tweet(text="hello"))["data"]
    assert (await ann.get_tweet(created["id"]))["data"] == created
    assert set((await ann.get_me())["data"]) == {"id", "name", "username"}


async def test_a_reply_tells_what_it_answers_and_reaches_the_mentions(ann: XClient, bob: XClient) -> None:
    root = (await ann.create_tweet(text="hello"))["data"]["id"]
    reply = (await bob.create_tweet(text="hi there", in_reply_to_tweet_id=root))["data"]
    assert reply["text"] == "@ann hi there"
    page = await ann.get_users_mentions(ann.id, user_auth=True, **_EVERYTHING)
    (mention,) = page["data"]
    assert mention["id"] == reply["id"]
    assert mention["conversation_id"] == root
    assert mention["in_reply_to_user_id"] == ann.id
    assert mention["referenced_tweets"] == [{"type": "replied_to", "id": root}]
    assert mention["entities"]["mentions"] == [{"start": 0, "end": 4, "username": "ann", "id": ann.id}]
    assert {user["username"] for user in page["includes"]["users"]} == {"ann", "bob"}
    assert page["includes"]["tweets"][0]["public_metrics"]["reply_count"] == 1
    assert page["meta"] == {"result_count": 1, "newest_id": reply["id"], "oldest_id": reply["id"]}


async def test_a_quote_refers_to_what_it_quotes(ann: XClient, bob: XClient) -> None:
    root = (await ann.create_tweet(text="hello"))["data"]["id"]
    quote = (await bob.create_tweet(text="look", quote_tweet_id=root))["data"]["id"]
    read = (await bob.get_tweet(quote, tweet_fields=["referenced_tweets", "entities"]))["data"]
    assert read["referenced_tweets"] == [{"type": "quoted", "id": root}]
    assert read["entities"]["urls"][0]["expanded_url"] == f"https://twitter.com/ann/status/{root}"
    await ann.delete_tweet(root)
    assert (await bob.get_tweet(quote))["data"]["text"] == read["text"]


async def test_the_same_text_twice_is_refused_in_xs_own_words(ann: XClient) -> None:
    await ann.create_tweet(text="hello")
    with pytest.raises(Forbidden) as refused:
        await ann.create_tweet(text=" hello ")
    assert await refused.value.response.json() == {
        "detail": "You are not allowed to create a Tweet with duplicate content.",
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
    }


async def test_a_deleted_post_is_gone(ann: XClient, bob: XClient) -> None:
    post = (await ann.create_tweet(text="hello"))["data"]["id"]
    with pytest.raises(Forbidden):
        await bob.delete_tweet(post)
    assert await ann.delete_tweet(post) == {"data": {"deleted": True}}
    answer = await ann.get_tweet(post)
    assert "data" not in answer
    assert answer["errors"][0]["type"] == "https://api.twitter.com/2/problems/resource-not-found"
    with pytest.raises(NotFound):
        await ann.delete_tweet(post)
    with pytest.raises(Forbidden, match="deleted or not visible"):
        await bob.create_tweet(text="hi", in_reply_to_tweet_id=post)


async def test_a_lookup_of_several_is_a_success_in_part(ann: XClient) -> None:
    post = (await ann.create_tweet(text="hello"))["data"]["id"]
    answer = await ann.get_tweets([post, "123"])
    assert [tweet["id"] for tweet in answer["data"]] == [post]
    assert answer["errors"][0]["resource_id"] == "123"
    users = await ann.get_users(usernames=["ann", "nobody"])
    assert [user["id"] for user in users["data"]] == [ann.id]
    assert users["errors"][0]["detail"] == "Could not find user with usernames: [nobody]."


async def test_a_user_is_found_by_id_and_by_name(ann: XClient, bob: XClient) -> None:
    by_id = await ann.get_user(id=bob.id, user_fields=["public_metrics", "description"])
    by_name = await ann.get_user(username="BOB", user_fields=["public_metrics", "description"])
    assert by_id == by_name
    assert by_id["data"]["public_metrics"]["tweet_count"] == 0
    assert "errors" in await ann.get_user(id="99")


async def test_a_timeline_is_read_page_by_page(ann: XClient) -> None:
    ids = [(await ann.create_tweet(text=f"post {i}"))["data"]["id"] for i in range(12)]
    assert ids == sorted(ids, key=int)
    read: list[str] = []
    token = None
    for _ in range(3):
        page = await ann.get_users_tweets(ann.id, max_results=5, pagination_token=token, user_auth=True)
        read += [tweet["id"] for tweet in page["data"]]
        token = page["meta"].get("next_token")
    assert read == ids[::-1]
    assert token is None


async def test_a_timeline_is_read_between_two_ids(ann: XClient) -> None:
    ids = [(await ann.create_tweet(text=f"post {i}"))["data"]["id"] for i in range(5)]
    page = await ann.get_users_tweets(ann.id, since_id=ids[0], until_id=ids[4], user_auth=True)
    assert [tweet["id"] for tweet in page["data"]] == [ids[3], ids[2], ids[1]]
    assert (page["meta"]["newest_id"], page["meta"]["oldest_id"]) == (ids[3], ids[1])
    nothing = await ann.get_users_tweets(ann.id, since_id=ids[4], user_auth=True)
    assert nothing == {"meta": {"result_count": 0}}


async def test_a_timeline_is_read_between_two_times(ann: XClient) -> None:
    await ann.create_tweet(text="now")
    past = await ann.get_users_tweets(ann.id, end_time="2020-01-01T00:00:00Z", user_auth=True)
    assert past["meta"]["result_count"] == 0
    since = await ann.get_users_tweets(ann.id, start_time="2020-01-01T00:00:00Z", user_auth=True)
    assert since["meta"]["result_count"] == 1


async def test_replies_and_reposts_are_left_out_of_a_timeline_on_request(ann: XClient, bob: XClient) -> None:
    root = (await ann.create_tweet(text="hello"))["data"]["id"]
    await bob.create_tweet(text="hi", in_reply_to_tweet_id=root)
    assert (await bob.retweet(root))["data"] == {"retweeted": True}
    own = (await bob.create_tweet(text="own"))["data"]["id"]
    everything = await bob.get_users_tweets(bob.id, tweet_fields=["referenced_tweets"], user_auth=True)
    assert [tweet["text"] for tweet in everything["data"]] == ["own", "RT @ann: hello", "@ann hi"]
    page = await bob.get_users_tweets(bob.id, exclude=["replies", "retweets"], user_auth=True)
    assert [tweet["id"] for tweet in page["data"]] == [own]


async def test_recent_search_finds_and_reports_a_wrong_query(ann: XClient) -> None:
    await ann.create_tweet(text="the moon is full")
    page = await ann.search_recent_tweets("moon from:ann -is:retweet", user_auth=True)
    assert page["meta"]["result_count"] == 1
    with pytest.raises(BadRequest, match="not available"):
        await ann.search_recent_tweets("moon near:here", user_auth=True)


async def test_likes_and_reposts_are_counted_and_taken_back(ann: XClient, bob: XClient) -> None:
    post = (await ann.create_tweet(text="hello"))["data"]["id"]
    assert (await bob.like(post))["data"] == {"liked": True}
    await bob.retweet(post)
    counted = (await ann.get_tweet(post, tweet_fields=["public_metrics"]))["data"]["public_metrics"]
    assert (counted["like_count"], counted["retweet_count"]) == (1, 1)
    assert (await bob.unlike(post))["data"] == {"liked": False}
    assert (await bob.unretweet(post))["data"] == {"retweeted": False}
    counted = (await ann.get_tweet(post, tweet_fields=["public_metrics"]))["data"]["public_metrics"]
    assert (counted["like_count"], counted["retweet_count"]) == (0, 0)
    with pytest.raises(NotFound):
        await bob.like(1)


async def test_fields_newer_than_tweepy_are_accepted(ann: XClient) -> None:
    body = {"text": "made by a machine", "made_with_ai": True, "community_id": "1"}
    answer = await ann._make_request("POST", "/2/tweets", json=body, user_auth=True)
    assert answer["data"]["text"] == "made by a machine"


async def test_a_text_that_is_too_long_is_refused_as_x_counts(ann: XClient) -> None:
    await ann.create_tweet(text=f"{'a' * 256} https://example.com/{'b' * 200}")
    with pytest.raises(BadRequest, match="Your Tweet text is too long"):
        await ann.create_tweet(text="\u65e5" * 141)


async def test_a_second_cashtag_is_refused(ann: XClient) -> None:
    with pytest.raises(Forbidden, match="cashtag"):
        await ann.create_tweet(text="$SOL or $BTC")


async def test_the_self_serve_tier_replies_only_when_summoned(sandbox: Sandbox, ann: XClient, bob: XClient) -> None:
    hello = (await ann.create_tweet(text="hello"))["data"]["id"]
    summons = (await ann.create_tweet(text="hello @bob"))["data"]["id"]
    assert await sandbox.call("POST", "/_sandbox/tier", json={"tier": "self_serve"}) == (200, {"tier": "self_serve"})
    with pytest.raises(Forbidden, match="Reply to this conversation is not allowed"):
        await bob.create_tweet(text="hi", in_reply_to_tweet_id=hello)
    await bob.create_tweet(text="hi", in_reply_to_tweet_id=summons)
    await ann.create_tweet(text="and more", in_reply_to_tweet_id=hello)
    with pytest.raises(Forbidden, match="access level"):
        await bob.create_tweet(text="look", quote_tweet_id=hello)
    with pytest.raises(Forbidden, match="access level"):
        await bob.like(hello)


async def test_past_a_limit_tweepy_is_told_when_to_come_back(ann: XClient, bob: XClient) -> None:
    for _ in range(75):
        await ann.get_me()
    with pytest.raises(TooManyRequests) as refused:
        await ann.get_me()
    assert refused.value.reset_time > 0
    assert refused.value.response.headers["x-rate-limit-remaining"] == "0"
    assert (await bob.get_me())["data"]["username"] == "bob"
