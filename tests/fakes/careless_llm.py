"""An llm service as somebody may write it who hasn't read the contract to its end."""

# ruff: noqa: N802 - gRPC names the methods of a servicer.
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceServicer, add_LlmServiceServicer_to_server

Context = grpc.aio.ServicerContext[Any, Any]


class CarelessLlm(LlmServiceServicer):
    """Writes one candidate, whatever is asked, and tells nobody why it refuses; it has no streams."""

    async def Generate(self, request: pb.GenerateRequest, context: Context) -> pb.GenerateResponse:
        # It doesn't look at the provider, and doesn't say who wrote.
        return pb.GenerateResponse(candidates=[pb.Candidate(text=f"{request.prompt.input} again.")])

    async def GetProvider(self, request: pb.GetProviderRequest, context: Context) -> pb.GetProviderResponse:
        if request.name not in ("", "mine"):
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such provider")
        return pb.GetProviderResponse(provider=pb.Provider(name="mine"))

    async def StreamGenerate(
        self, request: pb.StreamGenerateRequest, context: Context
    ) -> AsyncIterator[pb.StreamGenerateResponse]:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "there are no streams")
        yield pb.StreamGenerateResponse()

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:
        return pb.EmbedResponse()

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        return pb.ListModelsResponse(models=[pb.Model(provider="mine", name="small", is_default=True)])

    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:
        return pb.GetUsageResponse()

    async def GetBudget(self, request: pb.GetBudgetRequest, context: Context) -> pb.GetBudgetResponse:
        return pb.GetBudgetResponse()

    async def SetBudget(self, request: pb.SetBudgetRequest, context: Context) -> pb.SetBudgetResponse:
        return pb.SetBudgetResponse()


@contextlib.asynccontextmanager
async def careless_llm() -> AsyncIterator[str]:
    """Serve it without health, reflection or tokens; the value is its address."""
    server = grpc.aio.server()
    add_LlmServiceServicer_to_server(CarelessLlm(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
