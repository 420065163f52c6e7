"""A server's life: health, reflection, and an end that finishes what is under way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.runtime.rpc.server import Lifecycle, Mounted, serving
from services.runtime.settings import ServiceSettings
from tests.integration.runtime.conftest import NAME, Caller, Echo, _descriptor
from tests.support.channels import open_as, operator_of

HELLO = StringValue(value="hello").SerializeToString()


async def test_a_server_is_healthy_as_a_whole_and_by_service(channel: grpc.aio.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    for name in ("", NAME):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_the_services(channel: grpc.aio.Channel) -> None:
    async def requests() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    answers = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(requests())
    listed = [service.name async for answer in answers for service in answer.list_services_response.service]
    assert NAME in listed
    assert "grpc.health.v1.Health" in listed


async def test_a_draining_server_finishes_calls_and_tells_streams(echo: Echo, settings: ServiceSettings) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def act() -> str:
        started.set()
        await release.wait()
        return "finished"

    echo.act = lambda _text: act()

    @contextlib.asynccontextmanager
    async def open_service(lifecycle: Lifecycle) -> AsyncIterator[list[Mounted]]:
        echo.lifecycle = lifecycle
        yield [Mounted(_descriptor(), echo.add, echo)]

    server = contextlib.AsyncExitStack()
    address = await server.enter_async_context(serving("test", settings, open_service))
    async with open_as(address, operator_of(settings.data_dir)) as channel:
        under_way = asyncio.create_task(Caller(channel).call("One", HELLO))
        await started.wait()
        stopping = asyncio.create_task(server.aclose())
        await echo.lifecycle.draining.wait()
        release.set()
        assert await under_way == ["finished"]
        await stopping
