"""Vectors from a model of any provider, at the llm service."""

import asyncio
import re
from collections.abc import Iterable, Sequence

import grpc
from typing_extensions import override

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.memory.adapters.cosines import cosines
from services.memory.domain.vectors import EmbedderDown, TextsRefused
from services.memory.ports.embedder import Embedder, Embedders
from services.runtime.rpc.status import Remote

_NAME = re.compile(r"llm/([^/]+)/(.+)/(\d+)")
_PURPOSE = "embed"
_DEADLINE_SECONDS = 60.0
_BATCH = 100
"""How many texts the llm service takes at once."""
_OF_THE_TEXTS = frozenset({"INVALID_REQUEST", "PROVIDER_REFUSED"})
"""The refusals that may be for one of the texts."""
_BUDGET_EXHAUSTED = "BUDGET_EXHAUSTED"


def name_of(provider: str, model: str, dimensions: int) -> str:
    """Return the name of a model's vectors, which are never compared with any others."""
    return f"llm/{provider}/{model}/{dimensions}"


class LlmEmbedders(Embedders):
    """The models of all providers that the llm service has, by their names."""

    def __init__(self, llm: LlmServiceStub) -> None:
        self._llm = llm

    @override
    async def open(self, model: str) -> Embedder | None:
        """Return a model; None when the name is none of `name_of`. Nothing is asked for."""
        if (named := _NAME.fullmatch(model)) is None:
            return None
        return LlmEmbedder(self._llm, named[1], named[2], int(named[3]))


class LlmEmbedder(Embedder):
    """A model of one provider. It costs the agent for whom it's asked, and the usage shows it by its purpose."""

    is_instant = False
    batch = _BATCH

    def __init__(self, llm: LlmServiceStub, provider: str, model: str, dimensions: int) -> None:
        self.model = name_of(provider, model, dimensions)
        self._llm = llm
        self._provider = provider
        self._model = model
        self._dimensions = dimensions
        self._is_shortened = False
        """Whether its vectors are usually of another length: not every model can be told one."""

    @override
    async def embed(self, texts: Sequence[str], agent_id: str = "") -> list[bytes]:
        vectors = await self._made(texts, agent_id)
        if not self._is_shortened and self._lengths(vectors) != {self._dimensions}:
            self._is_shortened = True
            vectors = await self._made(texts, agent_id)
        if len(vectors) != len(texts) or self._lengths(vectors) != {self._dimensions}:
            lengths = ", ".join(map(str, sorted(self._lengths(vectors)))) or "no"
            self._is_shortened = False
            raise EmbedderDown(
                f"{self._provider}: for {len(texts)} texts there are {len(vectors)} vectors of {lengths} dimensions, "
                f"and not of {self._dimensions}"
            )
        return await asyncio.to_thread(_of_unit_length, vectors)

    @override
    async def familiarity(self, text: str) -> float:
        # What a provider sells as a model of vectors knows words of many languages.
        return 1.0

    @override
    async def similarities(self, vector: bytes, others: Sequence[bytes]) -> list[float]:
        return await cosines(vector, others)

    async def _made(self, texts: Sequence[str], agent_id: str) -> Sequence[pb.Vector]:
        request = pb.EmbedRequest(
            agent_id=agent_id,
            provider=self._provider,
            model=self._model,
            texts=texts,
            dimensions=self._dimensions if self._is_shortened else None,
            labels=pb.Labels(purpose=_PURPOSE),
        )
        try:
            answer = await self._llm.Embed(request, timeout=_DEADLINE_SECONDS)
        except grpc.aio.AioRpcError as error:
            remote = Remote(error)
            told = f"{remote.reason or remote.code.name}: {remote.message}"
            if remote.reason in _OF_THE_TEXTS:
                raise TextsRefused(told) from error
            # A budget that isn't the agent's own is everybody's.
            whose = remote.metadata.get("agent_id", "") if remote.reason == _BUDGET_EXHAUSTED else ""
            raise EmbedderDown(told, remote.retry_after or 1.0, agent_id=whose) from error
        return answer.vectors

    def _lengths(self, vectors: Iterable[pb.Vector]) -> set[int]:
        return {len(vector.values) for vector in vectors}


def _of_unit_length(vectors: Sequence[pb.Vector]) -> list[bytes]:
    # Imported here, as NumPy takes 10 MB, and nothing may be embedded for long.
    import numpy as np

    rows = np.array([vector.values for vector in vectors], "<f4")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    lengths[lengths == 0] = 1.0
    rows /= lengths
    return [row.tobytes() for row in rows]
