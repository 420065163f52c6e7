"""Every fault that X can show, met through the wire; one database is enough here."""

import asyncio
import contextlib
import time
from pathlib import Path

import grpc
import pytest

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.runtime.rpc.server import serving
from services.social.bootstrap import opener
from services.social.settings import SocialSettings
from tests.conftest import Serve
from tests.integration.social.conftest import POST, TIMELINE, Author, Register, posted
from tests.support.channels import open_as, operator_of
from tests.support.refusals import reason_of, refusal
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox

SETTLED, UNKNOWN, FAILED = pb.POST_STATE_SETTLED, pb.POST_STATE_OUTCOME_UNKNOWN, pb.POST_STATE_FAILED


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'service.db'}"


async def test_a_lost_post_is_recognised_whatever_x_makes_of_its_text(register: Register, x: Sandbox) -> None:
    ann, bob = await register("ann"), await register("bob")
    thread = await bob.post("hello @carol @ann")
    texts = (
        "<b>tea & biscuits</b> &amp;",
        "read example.com and https://example.org/a?b=1&copy=2.",
        "  cafe\u0301  \n\n \u65e5\u672c\u8a9e \U0001f468\u200d\U0001f469\u200d\U0001f467  ",
        "@bob @carol what do you say?",
    )
    await x.fault(kind="lost_answer", route=POST, times=8, seconds=0)
    posts = await asyncio.gather(
        *(ann.post(text) for text in texts),
        *(ann.post(f"{text} indeed", in_reply_to=thread.network_post_id) for text in texts),
    )
    assert [(post.state, post.state_reason) for post in posts] == [(SETTLED, "")] * 8
    assert len(await posted(x)) == 9


async def test_a_server_error_in_html_ends_in_one_post(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="status", status=502, html=True, route=POST, times=1)
    await x.fault(kind="status", status=503, html=True, route=TIMELINE, times=1)
    assert (await ann.post("hello")).state == SETTLED
    assert await posted(x) == ["hello"]


async def test_a_lost_post_that_appears_late_is_found_and_not_repeated(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="lost_answer", route=POST, times=1, seconds=0)
    await x.fault(kind="late_visibility", route=POST, times=1, seconds=1.0)
    post = await ann.post("hello")
    assert post.state == SETTLED
    assert await posted(x) == ["hello"]


async def test_a_slow_answer_is_unknown_at_the_deadline_and_settled_in_the_background(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="lost_answer", route=POST, times=1, seconds=60)
    post = await ann.post("hello", deadline=1.0)
    assert post.state == pb.POST_STATE_SENT
    async with asyncio.timeout(WAIT_SECONDS):
        while post.state != SETTLED:
            post = (await ann.social.GetPost(pb.GetPostRequest(id=post.id))).post
            assert post.state in (pb.POST_STATE_SENT, UNKNOWN, SETTLED)
    assert await posted(x) == ["hello"]


async def test_a_rate_limit_in_html_without_a_reset_is_a_rate_limit(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="status", status=429, html=True, route=POST, times=1, seconds=1)
    assert await reason_of(ann.post("hello")) == "NETWORK_RATE_LIMITED"


async def test_a_definite_refusal_fails_with_what_x_says(ann: Author) -> None:
    post = await ann.post("hello", in_reply_to="12345")
    assert post.state == FAILED
    assert "deleted or not visible" in post.state_reason


async def test_refused_credentials_are_told_and_new_ones_send_the_same_request(ann: Author, x: Sandbox) -> None:
    await x.fault(kind="status", status=401, route=POST, times=1)
    told = await refusal(ann.post("hello"))
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CREDENTIALS_REFUSED")
    assert (await ann.post("hello")).state == SETTLED


async def test_an_unreachable_x_leaves_the_post_claimed(
    serve: Serve, settings: SocialSettings, ann: Author, x: Sandbox
) -> None:
    # A second replica, of the same account, which can't reach X.
    cut_off = settings.model_copy(update={"x_base_url": "http://127.0.0.1:1"})
    async with serve("social", cut_off, opener(cut_off)) as channel:
        request = pb.CreatePostRequest(account_id=ann.account.id, text="hello", request_id="hello")
        assert await reason_of(SocialServiceStub(channel).CreatePost(request)) == "NETWORK_UNAVAILABLE"
    assert (await ann.post("hello")).state == SETTLED
    assert await posted(x) == ["hello"]


async def test_a_call_that_waits_ends_when_the_service_stops(settings: SocialSettings, ann: Author, x: Sandbox) -> None:
    patient = settings.model_copy(update={"visibility_seconds": 600.0})
    await x.fault(kind="lost_answer", route=POST, times=1, seconds=0)
    started = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        async with serving("social", patient, opener(patient)) as address:
            channel = await stack.enter_async_context(open_as(address, operator_of(patient.data_dir)))
            author = Author(ann.account, ann.client, SocialServiceStub(channel))
            call = asyncio.create_task(author.post("hello", deadline=30))
            async with asyncio.timeout(WAIT_SECONDS):
                listed = pb.ListPostsResponse()
                while not [post for post in listed.posts if post.state == UNKNOWN]:
                    listed = await author.social.ListPosts(pb.ListPostsRequest(account_id=ann.account.id))
        assert (await call).state == UNKNOWN
    assert time.monotonic() - started < 10
