"""What a thousand callers cost who watch the activity log of a suite in which nothing happens."""

import asyncio
import time
from dataclasses import dataclass

import grpc
import psutil

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub

STREAMS, SECONDS = 1_000, 20.0


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """Shares of a core that the service takes: with nobody watching, and with `STREAMS` idle streams."""

    alone: float
    watched: float


async def measure(stub: AgentServiceStub, pid: int) -> StreamFigures:
    """Measure the process of the agents service."""
    alone = await _share(pid)
    calls = [stub.WatchActivity(pb.WatchActivityRequest()) for _ in range(STREAMS)]
    try:
        # The first message says that a stream is open.
        for call in calls:
            await call.read()
        reading = [asyncio.create_task(_drain(call)) for call in calls]
        watched = await _share(pid)
    finally:
        for call in calls:
            call.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    return StreamFigures(alone, watched)


async def _share(pid: int) -> float:
    process = psutil.Process(pid)
    before, started = process.cpu_times(), time.perf_counter()
    await asyncio.sleep(SECONDS)
    after, seconds = process.cpu_times(), time.perf_counter() - started
    return (after.user - before.user + after.system - before.system) / seconds


async def _drain(call: "grpc.aio.UnaryStreamCall[pb.WatchActivityRequest, pb.WatchActivityResponse]") -> None:
    async for _ in call:
        pass
