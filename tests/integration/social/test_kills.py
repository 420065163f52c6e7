"""`kill -9` at random lines, with the X sandbox as the judge: each request is one post."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.social.settings import SocialSettings
from tests.integration.social.conftest import POST, posted, x_credentials
from tests.integration.social.killed import starter
from tests.support.channels import open_as, operator_of
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox

KILLS = 10


async def test_each_request_is_one_post_however_often_the_service_is_killed(x: Sandbox, tmp_path: Path) -> None:
    settings = SocialSettings(
        port=0, data_dir=tmp_path, x_base_url=x.url, x_timeout_seconds=0.4, visibility_seconds=0.2, drain_seconds=0
    )
    start = starter()
    chance = random.Random()

    @contextlib.asynccontextmanager
    async def living() -> AsyncIterator[SocialServiceStub]:
        process, told = start(settings)
        try:
            address = await asyncio.to_thread(told.recv)
            async with open_as(address, operator_of(settings.data_dir)) as channel:
                yield SocialServiceStub(channel)
        finally:
            process.kill()
            await asyncio.to_thread(process.join)
            told.close()

    def request(number: int) -> pb.CreatePostRequest:
        return pb.CreatePostRequest(account_id=account.id, text=f"post {number}", request_id=f"req {number}")

    async with living() as social:
        registration = pb.RegisterAccountRequest(agent_id="agt_a", x=x_credentials(await x.account("ann")))
        account = (await social.RegisterAccount(registration)).account
    # Time to be killed in: before a post is written, and after it.
    await x.fault(kind="latency", route=POST, seconds=0.01)
    numbers: list[int] = []
    for kill in range(KILLS):
        await x.fault(kind="lost_answer", route=POST, times=1, seconds=0)
        async with living() as social:
            numbers += range(3 * kill, 3 * kill + 3)
            calls = [asyncio.ensure_future(social.CreatePost(request(number))) for number in numbers]
            await asyncio.wait(calls, timeout=chance.uniform(0, 0.4))
        # Killed by now.
        await asyncio.gather(*calls, return_exceptions=True)
    async with living() as social:
        posts = [
            answer.post
            for answer in await asyncio.gather(*(social.CreatePost(request(n), timeout=WAIT_SECONDS) for n in numbers))
        ]
    assert {post.state for post in posts} == {pb.POST_STATE_SETTLED}
    assert len({post.network_post_id for post in posts}) == 3 * KILLS
    assert sorted(await posted(x)) == sorted(f"post {number}" for number in numbers)
