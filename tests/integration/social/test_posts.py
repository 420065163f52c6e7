"""Posts through the wire, on both databases."""

import asyncio

import grpc

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.social.bootstrap import opener
from services.social.settings import SocialSettings
from tests.conftest import Serve
from tests.integration.social.conftest import POST, Author, posted
from tests.support.refusals import fields_of, reason_of, refusal
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox

SETTLED, FAILED = pb.POST_STATE_SETTLED, pb.POST_STATE_FAILED


async def test_a_post_and_a_reply_reach_x_once(ann: Author, x: Sandbox) -> None:
    post = await ann.post("hello world")
    reply = await ann.post("and hello again", in_reply_to=post.network_post_id)
    assert (post.state, reply.state) == (SETTLED, SETTLED)
    assert await ann.post("hello world") == post
    _, watched = await x.call("GET", "/_sandbox/posts")
    assert [(item["id"], item["reply_to"]) for item in watched["posts"]] == [
        (post.network_post_id, None),
        (reply.network_post_id, post.network_post_id),
    ]


async def test_a_lost_answer_still_leaves_one_post(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="lost_answer", route=POST, times=1, seconds=0)
    post = await ann.post("hello")
    assert (post.state, post.state_reason) == (SETTLED, "")
    _, watched = await x.call("GET", "/_sandbox/posts")
    assert [item["id"] for item in watched["posts"]] == [post.network_post_id]


async def test_a_rate_limit_says_when_to_come_back_and_the_same_request_then_sends(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="status", status=429, route=POST, times=1, seconds=2)
    told = await refusal(ann.post("hello"))
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "NETWORK_RATE_LIMITED")
    assert told.retry_after is not None
    assert 0 < told.retry_after <= 2
    listed = await ann.social.ListPosts(pb.ListPostsRequest(account_id=ann.account.id, states=[pb.POST_STATE_CLAIMED]))
    [held] = listed.posts
    assert (held.text, held.state_cause) == ("hello", pb.POST_STATE_CAUSE_RATE_LIMITED)
    assert held.HasField("due_time")
    # Until then X isn't asked again.
    assert await reason_of(ann.post("hello")) == "NETWORK_RATE_LIMITED"
    assert (await x.usage())["calls"]["POST /2/tweets"] == 0
    async with asyncio.timeout(WAIT_SECONDS):
        while held.state != SETTLED:
            held = (await ann.social.GetPost(pb.GetPostRequest(id=held.id))).post
    assert (await ann.post("hello")).network_post_id == held.network_post_id
    assert held.state_cause == pb.POST_STATE_CAUSE_UNSPECIFIED
    assert await posted(x) == ["hello"]


async def test_a_text_that_was_posted_before_fails(ann: Author, x: Sandbox) -> None:
    await ann.post("gm", "monday")
    again = await ann.post("gm", "tuesday")
    assert (again.state, again.network_post_id) == (FAILED, "")
    assert "duplicate" in again.state_reason
    assert again.HasField("finish_time")
    assert await posted(x) == ["gm"]


async def test_many_callers_of_one_request_make_one_post(ann: Author, x: Sandbox) -> None:
    posts = await asyncio.gather(*(ann.post("hello") for _ in range(20)))
    assert {(post.id, post.state) for post in posts} == {(posts[0].id, SETTLED)}
    assert await posted(x) == ["hello"]


async def test_two_replicas_share_the_work_without_posting_twice(
    serve: Serve, settings: SocialSettings, ann: Author, x: Sandbox
) -> None:
    await x.fault(kind="lost_answer", route=POST, times=2, seconds=0)
    async with serve("social", settings, opener(settings)) as channel:
        other = Author(ann.account, ann.client, SocialServiceStub(channel))
        texts = [f"post {number}" for number in range(10)]
        posts = await asyncio.gather(*(who.post(text) for text in texts for who in (ann, other)))
    assert {post.state for post in posts} == {SETTLED}
    assert len({post.network_post_id for post in posts}) == 10
    assert sorted(await posted(x)) == texts


async def test_pages_show_every_post_once_and_newest_first(ann: Author) -> None:
    for number in range(5):
        await ann.post(f"post {number}")
    texts, token = [], ""
    while True:
        request = pb.ListPostsRequest(account_id=ann.account.id, page_size=2, page_token=token)
        page = await ann.social.ListPosts(request)
        texts += [post.text for post in page.posts]
        token = page.next_page_token
        if not token:
            break
    assert texts == [f"post {number}" for number in reversed(range(5))]


async def test_a_wrong_post_is_refused_with_every_field_named(social: SocialServiceStub, x: Sandbox) -> None:
    wrong = pb.CreatePostRequest(text="\u65e5" * 5_001, in_reply_to_network_post_id="x1")
    assert await fields_of(social.CreatePost(wrong)) == {
        "account_id",
        "text",
        "in_reply_to_network_post_id",
        "request_id",
    }
    assert await posted(x) == []


async def test_a_post_unfolds_to_so_many_letters(social: SocialServiceStub) -> None:
    # In an address, where signs weigh nothing, each is eighteen letters.
    request = pb.CreatePostRequest(account_id="acc_z", text="http://x" + "\ufdfa" * 4_900, request_id="r")
    assert await fields_of(social.CreatePost(request)) == {"text"}


async def test_what_isnt_there_is_not_found(social: SocialServiceStub) -> None:
    create = pb.CreatePostRequest(account_id="acc_z", text="hello", request_id="r")
    for call, reason in (
        (social.GetPost(pb.GetPostRequest(id="pst_z")), "POST_NOT_FOUND"),
        (social.ListPosts(pb.ListPostsRequest(account_id="acc_z")), "ACCOUNT_NOT_FOUND"),
        (social.CreatePost(create), "ACCOUNT_NOT_FOUND"),
    ):
        assert await reason_of(call) == reason


async def test_a_request_id_with_another_body_is_refused(ann: Author) -> None:
    await ann.post("hello", "req")
    assert await reason_of(ann.post("goodbye", "req")) == "REQUEST_ID_REUSED"
