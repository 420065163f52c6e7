"""What a model of the llm service makes of texts, and of refusals."""

import math
import struct
from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from puppet.llm.v1 import llm_service_pb2 as pb
from services.llm.domain.errors import BudgetExhausted, ProviderNotFound, ProviderRateLimited, ProviderRefused
from services.memory.adapters.embedders import AllEmbedders, WordLlamaEmbedders
from services.memory.adapters.llm_client import LlmEmbedder, LlmEmbedders, name_of
from services.memory.domain.vectors import EmbedderDown, TextsRefused
from services.runtime.errors import PuppetError
from services.runtime.rpc.status import code_of, to_status


class Llm:
    """Answers with vectors of the usual length, or of that which is asked for."""

    def __init__(self, usual: int = 2, *, choosable: bool = True, error: AioRpcError | None = None) -> None:
        self._usual, self._choosable, self._error = usual, choosable, error
        self.requests: list[pb.EmbedRequest] = []

    async def Embed(self, request: pb.EmbedRequest, timeout: float) -> pb.EmbedResponse:  # noqa: ASYNC109, N802
        self.requests.append(request)
        if self._error is not None:
            raise self._error
        length = request.dimensions if request.dimensions and self._choosable else self._usual
        return pb.EmbedResponse(vectors=[pb.Vector(values=[3.0, 4.0, *[0.0] * (length - 2)]) for _ in request.texts])


def embedder(llm: Any, dimensions: int = 2) -> LlmEmbedder:
    return LlmEmbedder(llm, "openai", "text-embedding-3-small", dimensions)


def refusal(error: PuppetError) -> AioRpcError:
    status = to_status(error, "llm.puppet")
    trailers = Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return AioRpcError(code_of(error), Metadata(), trailers, details=status.message)


def floats(vectors: Sequence[bytes]) -> list[list[float]]:
    return [[number for (number,) in struct.iter_unpack("<f", vector)] for vector in vectors]


async def test_vectors_are_of_unit_length_and_paid_for_by_the_agent() -> None:
    llm = Llm()
    [one, two] = floats(await embedder(llm).embed(["rain", "gulls"], "odd"))
    assert one == two == pytest.approx([0.6, 0.8])
    assert llm.requests == [
        pb.EmbedRequest(
            agent_id="odd",
            provider="openai",
            model="text-embedding-3-small",
            texts=["rain", "gulls"],
            labels=pb.Labels(purpose="embed"),
        )
    ]


async def test_a_length_is_asked_for_where_the_usual_one_is_another() -> None:
    llm = Llm(usual=4)
    model = embedder(llm)
    for _ in range(2):
        assert [len(vector) for vector in floats(await model.embed(["rain"]))] == [2]
    assert [request.dimensions for request in llm.requests] == [0, 2, 2]


async def test_vectors_of_another_length_are_none() -> None:
    with pytest.raises(EmbedderDown, match="1 vectors of 4 dimensions, and not of 2"):
        await embedder(Llm(usual=4, choosable=False)).embed(["rain"])


@pytest.mark.parametrize(
    ("error", "whose", "seconds"),
    [
        (BudgetExhausted("odd", "tokens", 7_200.0), "odd", 7_200.0),
        (BudgetExhausted("", "tokens", 7_200.0), "", 7_200.0),
        (ProviderRateLimited("openai", 20.0), "", 20.0),
        (ProviderNotFound("openai"), "", 1.0),
    ],
)
async def test_what_may_not_be_made_now_says_for_whom_and_for_how_long(
    error: PuppetError, whose: str, seconds: float
) -> None:
    with pytest.raises(EmbedderDown) as raised:
        await embedder(Llm(error=refusal(error))).embed(["rain"], "odd")
    assert (raised.value.agent_id, raised.value.retry_after) == (whose, seconds)


async def test_a_refusal_may_be_for_one_of_the_texts() -> None:
    with pytest.raises(TextsRefused, match="PROVIDER_REFUSED: openai: the text is too long"):
        await embedder(Llm(error=refusal(ProviderRefused("openai", "the text is too long")))).embed(["rain"])


async def test_a_service_that_is_not_there_is_no_refusal() -> None:
    gone = AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), details="connection refused")
    with pytest.raises(EmbedderDown, match="UNAVAILABLE: connection refused"):
        await embedder(Llm(error=gone)).embed(["rain"])


async def test_a_model_goes_by_provider_name_and_dimensions() -> None:
    every = AllEmbedders(WordLlamaEmbedders(), LlmEmbedders(Llm()))  # type: ignore[arg-type]
    for name in ("wordllama-64", name_of("openrouter", "openai/text-embedding-3-small", 1536)):
        opened = await every.open(name)
        assert opened is not None
        assert opened.model == name
    assert await every.open("llm/openai/1536") is None


async def test_nearness_is_the_cosine() -> None:
    model = embedder(Llm())
    [vector] = await model.embed(["rain"])
    other = struct.pack("<2f", 1.0, 0.0)
    assert await model.similarities(vector, [vector, other, b""]) == pytest.approx([1.0, 0.6, 0.0])
    assert math.isclose(await model.familiarity("ฝน"), 1.0)
