"""A small service with an RPC of each shape, served by the runtime."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.wrappers_pb2 import StringValue

from puppet.options.v1 import access_pb2
from services.runtime.rpc.server import Lifecycle, Mounted
from services.runtime.settings import ServiceSettings
from tests.conftest import Serve

NAME = "test.v1.EchoService"
SHAPES = {"One": (False, False), "GetMany": (False, True), "Collect": (True, False), "Chat": (True, True)}


def _descriptor() -> ServiceDescriptor:
    file = descriptor_pb2.FileDescriptorProto(name="test/v1/echo_service.proto", package="test.v1", syntax="proto3")
    file.dependency.extend(["google/protobuf/wrappers.proto", "puppet/options/v1/access.proto"])
    service = file.service.add(name="EchoService")
    for method, (streams_in, streams_out) in SHAPES.items():
        made = service.method.add(
            name=method,
            input_type=".google.protobuf.StringValue",
            output_type=".google.protobuf.StringValue",
            client_streaming=streams_in,
            server_streaming=streams_out,
        )
        made.options.Extensions[access_pb2.access].callers.append(access_pb2.CALLER_OPERATOR)
    pool = descriptor_pool.Default()
    with contextlib.suppress(TypeError):
        pool.Add(file)
    return pool.FindServiceByName(NAME)


@dataclass
class Echo:
    """Answers with what `act` makes of each text; `act` may raise or wait."""

    act: Callable[[str], Any] = lambda text: text
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    calls: int = 0
    upload_ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def one(self, request: StringValue, context: Any) -> StringValue:
        self.calls += 1
        made = self.act(request.value)
        return StringValue(value=await made if asyncio.iscoroutine(made) else made)

    async def many(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:
        for _ in range(3):
            yield await self.one(request, context)

    async def collect(self, requests: AsyncIterator[StringValue], context: Any) -> StringValue:
        try:
            return StringValue(value=",".join([(await self.one(item, context)).value async for item in requests]))
        finally:
            self.upload_ended.set()

    async def chat(self, requests: AsyncIterator[StringValue], context: Any) -> AsyncIterator[StringValue]:
        async for item in requests:
            yield await self.one(item, context)

    def add(self, _servicer: object, server: grpc.aio.Server) -> None:
        coding: Any = {
            "request_deserializer": StringValue.FromString,
            "response_serializer": StringValue.SerializeToString,
        }
        handlers: dict[str, Any] = {
            "One": grpc.unary_unary_rpc_method_handler(self.one, **coding),
            "GetMany": grpc.unary_stream_rpc_method_handler(self.many, **coding),
            "Collect": grpc.stream_unary_rpc_method_handler(self.collect, **coding),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat, **coding),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(
        data_dir=tmp_path, max_concurrent_calls=4, max_open_streams=6, default_deadline_seconds=5, drain_seconds=2
    )


@pytest.fixture
async def channel(serve: Serve, echo: Echo, settings: ServiceSettings) -> AsyncIterator[grpc.aio.Channel]:
    @contextlib.asynccontextmanager
    async def open_service(lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        echo.lifecycle = lifecycle
        yield [Mounted(_descriptor(), echo.add, echo)]

    async with serve("test", settings, open_service) as opened:
        yield opened


class Caller:
    """Calls each RPC of the echo service with raw bytes, so that bytes which are no protobuf can be sent too."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    async def call(self, method: str, *payloads: bytes, **options: Any) -> list[str]:
        path = f"/{NAME}/{method}"
        streams_in, streams_out = SHAPES.get(method, (False, False))
        opened: Any = {
            (False, False): self._channel.unary_unary,
            (False, True): self._channel.unary_stream,
            (True, False): self._channel.stream_unary,
            (True, True): self._channel.stream_stream,
        }[streams_in, streams_out](path, response_deserializer=StringValue.FromString)
        call = opened(iter(payloads) if streams_in else payloads[0], **options)
        if streams_out:
            return [item.value async for item in call]
        return [(await call).value]


@pytest.fixture
def caller(channel: grpc.aio.Channel) -> Caller:
    return Caller(channel)
