"""A server's life: health, reflection, and an end that finishes what is under way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

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


REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")


async def ask(
    channel: grpc.aio.Channel, name: str, request: reflection_pb2.ServerReflectionRequest
) -> reflection_pb2.ServerReflectionResponse:
    """Ask one question by one of the names of reflection; their messages are the same."""
    call = channel.stream_stream(
        f"/{name}/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    answers = [answer async for answer in call(iter([request]))]
    assert len(answers) == 1
    return answers[0]


@pytest.mark.parametrize("name", REFLECTION)
async def test_reflection_lists_the_services(channel: grpc.aio.Channel, name: str) -> None:
    answer = await ask(channel, name, reflection_pb2.ServerReflectionRequest(list_services=""))
    listed = [service.name for service in answer.list_services_response.service]
    assert {NAME, "grpc.health.v1.Health", *REFLECTION} <= set(listed)


@pytest.mark.parametrize("name", REFLECTION)
async def test_reflection_describes_itself_under_both_of_its_names(channel: grpc.aio.Channel, name: str) -> None:
    for symbol in REFLECTION:
        answer = await ask(channel, name, reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol))
        [data] = answer.file_descriptor_response.file_descriptor_proto
        file = FileDescriptorProto.FromString(data)
        pool = DescriptorPool()
        pool.Add(file)
        method = pool.FindMethodByName(f"{symbol}.ServerReflectionInfo")
        assert method.input_type.full_name == f"{symbol.removesuffix('ServerReflection')}ServerReflectionRequest"


@pytest.mark.parametrize("name", REFLECTION)
async def test_reflection_says_what_it_does_not_know(channel: grpc.aio.Channel, name: str) -> None:
    answer = await ask(channel, name, reflection_pb2.ServerReflectionRequest(file_containing_symbol="puppet.Nobody"))
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


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
