"""The gRPC class of the llm service: check, convert, call, convert back."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1 import llm_service_pb2_grpc as pb_grpc
from services.llm.service.ledger import Ledger
from services.llm.service.providers import Providers
from services.llm.service.repeats import Repeats
from services.llm.wire import budgets, embedding, generation
from services.runtime.protobuf import request_key
from services.runtime.rpc.answers import fill
from services.runtime.rpc.boundary import deadline
from services.runtime.rpc.limits import check, page_of

Context = grpc.aio.ServicerContext[Any, Any]


class LlmServicer(pb_grpc.LlmServiceServicer):
    """Serves `puppet.llm.v1.LlmService`."""

    def __init__(self, providers: Providers, ledger: Ledger, repeats: Repeats) -> None:
        self._providers = providers
        self._ledger = ledger
        self._repeats = repeats

    async def Generate(self, request: pb.GenerateRequest, context: Context) -> pb.GenerateResponse:
        """Write candidates, once for a request_id."""
        task, until, key = generation.read_generate(request), deadline.get(), request_key(request)

        async def written() -> pb.GenerateResponse:
            return generation.write_generation(await self._providers.generate(request.provider, task, until))

        async def kept() -> bytes:
            return (await written()).SerializeToString()

        if not key.request_id:
            return await written()
        return pb.GenerateResponse.FromString(await self._repeats.answer(key, kept))

    async def StreamGenerate(
        self, request: pb.StreamGenerateRequest, context: Context
    ) -> AsyncIterator[pb.StreamGenerateResponse]:
        """Write one candidate, piece by piece."""
        task = generation.read_stream_generate(request)
        stream = self._providers.stream(request.provider, task, deadline.get())
        async with contextlib.aclosing(stream) as parts:
            async for part in parts:
                for message in generation.write_part(part):
                    yield message

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:
        """Make vectors of texts."""
        task = embedding.read_embed(request)
        return embedding.write_embedding(await self._providers.embed(request.provider, task, deadline.get()))

    async def GetProvider(self, request: pb.GetProviderRequest, context: Context) -> pb.GetProviderResponse:
        """Return one provider."""
        check(request)
        found = self._providers.provider(request.name)
        return pb.GetProviderResponse(provider=generation.write_provider(found))

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        """List the models of the providers."""
        check(request)
        page = page_of(request, [request.provider], (int, str))
        listed = await self._providers.models(request.provider, page, deadline.get())
        return fill(pb.ListModelsResponse(), listed, generation.write_model, [request.provider])

    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:
        """Say what was spent."""
        check(request)
        query = budgets.read_usage_query(request, (await self._ledger.today()).date())
        return budgets.write_usage_rows(await self._ledger.usage(query, budgets.MAX_ROWS + 1))

    async def GetBudget(self, request: pb.GetBudgetRequest, context: Context) -> pb.GetBudgetResponse:
        """Return a budget."""
        check(request)
        return pb.GetBudgetResponse(budget=budgets.write_budget(*await self._ledger.account(request.agent_id)))

    async def SetBudget(self, request: pb.SetBudgetRequest, context: Context) -> pb.SetBudgetResponse:
        """Set the limits of a budget."""
        nanos, tokens = budgets.read_limits(request)
        await self._ledger.limit(request.agent_id, nanos, tokens, request.etag, request_key(request))
        return pb.SetBudgetResponse(budget=budgets.write_budget(*await self._ledger.account(request.agent_id)))
