"""Looks after the services that a service calls, and tells of each by its name in its own health."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.background import repeating
from services.runtime.rpc.health import Health

log = logging.getLogger(__name__)

_LOOK_SECONDS, _ANSWER_SECONDS = 5.0, 2.0
"""How often each is looked at, and how long it has to answer."""


@contextlib.asynccontextmanager
async def watching(
    channels: Mapping[str, grpc.aio.Channel], health: Health, seconds: float = _LOOK_SECONDS
) -> AsyncIterator[None]:
    """Say in a health, until the block ends, which of these services (`package.Service`) answer that they serve."""
    missing: set[str] = set()
    health.tell(channels, serves=False)

    async def look() -> None:
        found = await asyncio.gather(*(_serves(name, channel) for name, channel in channels.items()))
        gone = {name for name, serves in zip(channels, found, strict=True) if not serves}
        if gone != missing:
            log.info("dependencies", extra={"missing": ", ".join(sorted(gone))})
            health.tell(gone, serves=False)
            missing.clear()
            missing.update(gone)
        health.tell(channels.keys() - gone, serves=True)

    async with repeating("dependencies", seconds, look):
        yield


async def _serves(name: str, channel: grpc.aio.Channel) -> bool:
    request = health_pb2.HealthCheckRequest(service=name)
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=_ANSWER_SECONDS)
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
