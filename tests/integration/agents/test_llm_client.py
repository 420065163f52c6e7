"""The adapter that speaks to the llm service, with the service itself."""

from pathlib import Path
from typing import cast

import pytest

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.agents.adapters.llm_client import LlmClient
from services.agents.domain.prompts import Exchange, Part, PromptParts, Sampling
from services.agents.ports.neighbours import Refused
from services.llm.bootstrap import opener as open_llm
from services.llm.settings import LlmSettings, ProviderSettings
from tests.conftest import Serve

PROMPT = PromptParts(
    system="Wren walks.",
    background=(Part("Mood now", "calm"),),
    notes=(Part("You remember", "The ferry was late."),),
    conversation=(Part("you", "Late again."),),
    examples=(Exchange("rain", "Rain again.", (Part("memory", "It rained."),)),),
    input="gates",
    context=(Part("memory", "The gate creaks."),),
    input_label="topic",
    output_label="post",
    sampling=Sampling(0.8, 0.9, 40),
    candidate_count=3,
)


async def test_a_prompt_comes_back_as_candidates(serve: Serve, tmp_path: Path) -> None:
    settings = LlmSettings(port=0, data_dir=tmp_path, providers=(ProviderSettings(name="fake"),))
    async with serve("llm", settings, open_llm(settings)) as channel:
        llm = LlmClient(LlmServiceStub(channel))
        written = await llm.generate("wren/post", "wren", PROMPT, "", "", seed=7)
        with pytest.raises(Refused) as refused:
            await llm.generate("wren/post", "wren", PROMPT, "nobody", "", seed=7)
    assert len(written.candidates) == 3
    assert all(candidate.text for candidate in written.candidates)
    assert (written.provider, written.model) == ("fake", "fake")
    assert min(written.prompt_tokens, written.completion_tokens) > 0
    assert refused.value.reason == "PROVIDER_NOT_FOUND"


class Asked:
    """Keeps what it is asked."""

    def __init__(self) -> None:
        self.requests: list[pb.GenerateRequest] = []

    async def Generate(self, request: pb.GenerateRequest, timeout: float) -> pb.GenerateResponse:  # noqa: ASYNC109, N802
        self.requests.append(request)
        return pb.GenerateResponse()


async def test_the_service_is_told_whether_somebody_waits() -> None:
    asked = Asked()
    llm = LlmClient(cast("LlmServiceStub", asked))
    for is_awaited in (False, True):
        await llm.generate("wren/post", "wren", PROMPT, "", "", seed=7, is_awaited=is_awaited)
    assert [request.is_awaited for request in asked.requests] == [False, True]
    assert len({request.request_id for request in asked.requests}) == 2, "one id for two bodies would be refused"
