"""Channels to other services."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest

from puppet.llm.v1 import llm_service_pb2 as llm_pb
from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import memory_service_pb2_grpc as pb_grpc
from services.runtime.rpc import client
from services.runtime.rpc.boundary import deadline
from services.runtime.rpc.server import Lifecycle, Mounted, serving
from services.runtime.settings import ServiceSettings
from tests.support.channels import operator_of
from tests.support.http import free_port

LLM = llm_pb.DESCRIPTOR.services_by_name["LlmService"]
MEMORY = pb.DESCRIPTOR.services_by_name["MemoryService"]


class Recorder:
    """A memory service that remembers how it was called."""

    def __init__(self) -> None:
        self.requests: list[pb.CreateMemoryRequest] = []
        self.time_left: list[float] = []

    async def CreateMemory(self, request: pb.CreateMemoryRequest, context: grpc.aio.ServicerContext) -> object:  # type: ignore[type-arg]  # noqa: N802
        self.requests.append(request)
        self.time_left.append(context.time_remaining())
        if len(self.requests) == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "restarting")
        return pb.CreateMemoryResponse()


@contextlib.asynccontextmanager
async def recorder(settings: ServiceSettings) -> AsyncIterator[SimpleNamespace]:
    seen = Recorder()

    def add(_servicer: object, server: grpc.aio.Server) -> None:
        handler = grpc.unary_unary_rpc_method_handler(
            seen.CreateMemory, pb.CreateMemoryRequest.FromString, pb.CreateMemoryResponse.SerializeToString
        )
        handlers = {"CreateMemory": handler}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(MEMORY.full_name, handlers),))

    @contextlib.asynccontextmanager
    async def open_service(_lifecycle: Lifecycle) -> AsyncIterator[list[Mounted]]:
        yield [Mounted(MEMORY, add, seen)]

    async with serving("memory", settings, open_service) as address:
        yield SimpleNamespace(seen=seen, address=address)


async def test_a_mutation_is_repeated_with_the_same_request_id(tmp_path: Path) -> None:
    async with recorder(ServiceSettings(data_dir=tmp_path)) as server:
        async with client.open_channel(
            server.address, "memory", client.Proof(operator_of(tmp_path)), MEMORY
        ) as channel:
            await pb_grpc.MemoryServiceStub(channel).CreateMemory(pb.CreateMemoryRequest())
        first, second = server.seen.requests
        assert first.request_id.startswith("req_")
        assert second == first


async def test_a_call_gets_a_deadline_and_never_more_than_what_is_left(tmp_path: Path) -> None:
    async with recorder(ServiceSettings(data_dir=tmp_path)) as server:
        async with client.open_channel(
            server.address, "memory", client.Proof(operator_of(tmp_path)), MEMORY
        ) as channel:
            stub = pb_grpc.MemoryServiceStub(channel)
            await stub.CreateMemory(pb.CreateMemoryRequest())
            token = deadline.set(asyncio.get_running_loop().time() + 2)
            try:
                await stub.CreateMemory(pb.CreateMemoryRequest())
            finally:
                deadline.reset(token)
        assert server.seen.time_left[0] == pytest.approx(client.DEFAULT_DEADLINE_SECONDS, abs=2)
        assert server.seen.time_left[-1] == pytest.approx(2, abs=0.5)


async def test_a_service_that_comes_back_is_found_again(tmp_path: Path) -> None:
    settings = ServiceSettings(data_dir=tmp_path, port=free_port())
    async with client.open_channel(settings.address, "memory", client.Proof(operator_of(tmp_path)), MEMORY) as channel:
        call = pb_grpc.MemoryServiceStub(channel).CreateMemory(pb.CreateMemoryRequest(), wait_for_ready=True)
        async with recorder(settings):
            assert await call == pb.CreateMemoryResponse()


def test_only_reads_and_mutations_with_a_request_id_are_repeated() -> None:
    config = client._service_config([LLM])
    assert set(LLM.methods_by_name) - {name["method"] for name in config["methodConfig"][0]["name"]} == {
        "Generate",
        "StreamGenerate",
        "Embed",
    }
    config = client._service_config([MEMORY])
    assert {name["method"] for name in config["methodConfig"][0]["name"]} == set(MEMORY.methods_by_name)
