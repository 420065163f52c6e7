"""Neighbours that are away or frozen: what works without them, and who is named."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.bootstrap import opener
from services.agents.settings import AgentsSettings
from services.runtime.rpc.probe import is_serving
from services.runtime.rpc.status import Remote
from tests.conftest import Serve
from tests.fakes.agents import World
from tests.integration.agents.conftest import create, log_of, next_of
from tests.support.channels import open_as, operator_of
from tests.support.http import free_port
from tests.support.waits import WAIT_SECONDS


def without_account(persona: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in persona.items() if name != "twitter_credentials"}


async def test_an_agent_without_an_account_is_created_and_trades_while_social_is_down(
    agents: AgentServiceStub, persona: dict[str, Any], world: World
) -> None:
    world.social.line.failures = 1_000
    made = (await agents.CreateAgent(create(without_account(persona)))).agent
    assert (made.is_active, made.account_id) == (True, "")
    done = await agents.TriggerTrade(pb.TriggerTradeRequest(agent_id=made.id, request_id="t"), timeout=WAIT_SECONDS)
    assert done.activity.kind in (log_pb.ACTIVITY_KIND_TRADE, log_pb.ACTIVITY_KIND_PASS)
    assert not await log_of(agents, log_pb.ACTIVITY_KIND_FAILURE)


async def test_an_agent_with_an_account_is_not_created_without_it(
    agents: AgentServiceStub, persona: dict[str, Any], world: World
) -> None:
    world.social.line.failures = 1_000
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await agents.CreateAgent(create(persona))
    assert Remote(refused.value).metadata["dependency"] == "social"


@pytest.mark.usefixtures("answers_early")
async def test_a_post_that_outlasts_the_deadline_says_what_it_waits_for(
    agents: AgentServiceStub, persona: dict[str, Any], world: World
) -> None:
    await agents.CreateAgent(create(persona))
    # How long a post may be on its network was asked before.
    await agents.TriggerPost(pb.TriggerPostRequest(agent_id=persona["id"], request_id="first"), timeout=WAIT_SECONDS)
    world.social.line.failures = 100_000
    asked = pb.TriggerPostRequest(agent_id=persona["id"], request_id="p")
    while True:
        early = await agents.TriggerPost(asked, timeout=WAIT_SECONDS)
        assert (early.HasField("activity"), early.HasField("waiting")) == (False, True)
        if early.waiting.step == "send" and early.waiting.reason:
            break
    assert early.waiting.reason == "DEPENDENCY_UNAVAILABLE"
    assert "social" in early.waiting.description
    assert early.waiting.HasField("begin_time")
    world.social.line.failures = 0
    [_, posted] = await next_of(agents, log_pb.ACTIVITY_KIND_POST, number=2)
    late = await agents.TriggerPost(asked, timeout=WAIT_SECONDS)
    assert (late.activity, late.HasField("waiting")) == (posted, False)


@contextlib.asynccontextmanager
async def memory_process(folder: Path) -> AsyncIterator[tuple[int, str]]:
    """Run a memory service; its process id, and its address."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.memory",
        env=os.environ | {"PUPPET_MEMORY_PORT": str(port), "PUPPET_MEMORY_DATA_DIR": str(folder)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await is_serving(f"127.0.0.1:{port}"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield process.pid, f"127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        await process.wait()


async def rest(stream: AsyncIterator[object]) -> None:
    """Read a stream to its end."""
    async for _ in stream:
        pass


async def until_health(channel: grpc.aio.Channel, name: str, status: int) -> None:
    """Wait until the health of this name is so."""
    stub = health_pb2_grpc.HealthStub(channel)
    async for answer in stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=WAIT_SECONDS):
        if answer.status == status:
            return


async def test_a_frozen_neighbour_is_named_within_the_deadline_and_in_the_health(serve: Serve, tmp_path: Path) -> None:
    async with memory_process(tmp_path) as (pid, address):
        settings = AgentsSettings(
            port=0, data_dir=tmp_path, memory_target=address, social_target=f"127.0.0.1:{free_port()}"
        )
        async with serve("agents", settings, opener(settings)) as channel:
            names = ("puppet.memory.v1.MemoryService", "puppet.social.v1.SocialService")
            await until_health(channel, names[0], health_pb2.HealthCheckResponse.SERVING)
            await until_health(channel, names[1], health_pb2.HealthCheckResponse.NOT_SERVING)
            os.kill(pid, signal.SIGSTOP)
            seeded = {"id": "ann", "name": "Ann", "initial_memory": {"core_memories": ["the sea"]}}
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await AgentServiceStub(channel).CreateAgent(create(seeded), timeout=4)
            told = Remote(refused.value)
            assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
            assert told.metadata["dependency"] == "memory"
            await until_health(channel, names[0], health_pb2.HealthCheckResponse.NOT_SERVING)
            os.kill(pid, signal.SIGCONT)
            await until_health(channel, names[0], health_pb2.HealthCheckResponse.SERVING)
            await until_health(channel, "", health_pb2.HealthCheckResponse.SERVING)


async def test_a_process_that_is_told_to_stop_says_so_to_who_watches_it(tmp_path: Path) -> None:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.agents",
        env=os.environ | {"PUPPET_AGENTS_PORT": str(port), "PUPPET_AGENTS_DATA_DIR": str(tmp_path)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    address = f"127.0.0.1:{port}"
    async with asyncio.timeout(WAIT_SECONDS):
        while not await is_serving(address):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        async with open_as(address, operator_of(tmp_path)) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            watched = [
                AgentServiceStub(channel).WatchActivity(pb.WatchActivityRequest()),
                health.Watch(health_pb2.HealthCheckRequest()),
            ]
            streams = [aiter(call) for call in watched]
            for stream in streams:
                await anext(stream)
            process.terminate()
            for stream in streams:
                with pytest.raises(grpc.aio.AioRpcError) as ended:
                    await rest(stream)
                told = Remote(ended.value)
                assert (told.code, told.retry_after) == (grpc.StatusCode.UNAVAILABLE, 1.0)
        assert await process.wait() == 0
