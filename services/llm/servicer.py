"""The gRPC class of the llm service: check, convert, call, convert back."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1 import llm_service_pb2_grpc as pb_grpc
from services.llm import wire
from services.llm.service.providers import Providers
from services.runtime.rpc.answers import fill
from services.runtime.rpc.boundary import deadline
from services.runtime.rpc.limits import check, page_of

Context = grpc.aio.ServicerContext[Any, Any]


class LlmServicer(pb_grpc.LlmServiceServicer):
    """Serves `puppet.llm.v1.LlmService`."""

    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    async def Generate(self, request: pb.GenerateRequest, context: Context) -> pb.GenerateResponse:
        """Write candidates."""
        task = wire.read_generate(request)
        written = await self._providers.generate(request.agent_id, request.provider, task, deadline.get())
        return wire.write_generation(written)

    async def StreamGenerate(
        self, request: pb.StreamGenerateRequest, context: Context
    ) -> AsyncIterator[pb.StreamGenerateResponse]:
        """Write one candidate, piece by piece."""
        task = wire.read_stream_generate(request)
        stream = self._providers.stream(request.agent_id, request.provider, task, deadline.get())
        async with contextlib.aclosing(stream) as parts:
            async for part in parts:
                for message in wire.write_part(part):
                    yield message

    async def GetProvider(self, request: pb.GetProviderRequest, context: Context) -> pb.GetProviderResponse:
        """Return one provider."""
        check(request)
        found = self._providers.provider(request.name)
        return pb.GetProviderResponse(provider=pb.Provider(name=found.name, background_shown=found.shows_background))

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """List the models of the providers."""
        check(request)
        page = page_of(request, [request.provider], (int, str))
        listed = await self._providers.models(request.provider, page, deadline.get())
        return fill(pb.ListModelsResponse(), listed, wire.write_model, [request.provider])
