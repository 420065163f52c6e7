"""The service before the real model of the sandbox, as it stands out of the box."""

import json
from collections.abc import AsyncIterator

import pytest

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.llm.settings import read_provider
from tests.integration.llm.conftest import ServeLlm
from tests.integration.sandbox.llm.conftest import sandbox_url  # noqa: F401 - a fixture

PROMPT = pb.Prompt(
    system="Vesper keeps a lighthouse and posts short, wry notes.",
    examples=[
        pb.Example(input="fog", output="fog again. we had an understanding."),
        pb.Example(input="sleep", output="sleep is a rumour i keep hearing."),
    ],
    input="gulls",
    input_label="topic",
    output_label="post",
)
SAMPLING = pb.Sampling(max_tokens=40, temperature=0.8, seed=7)


@pytest.fixture
async def local(serve_llm: ServeLlm, sandbox_url: str) -> AsyncIterator[LlmServiceStub]:  # noqa: F811
    local = read_provider("local").model_copy(update={"base_url": f"{sandbox_url}/v1"})
    async with serve_llm(local) as stub:
        yield stub


async def test_eight_candidates_differ_and_a_seed_draws_them_again(local: LlmServiceStub) -> None:
    request = pb.GenerateRequest(prompt=PROMPT, sampling=SAMPLING, candidate_count=8)
    first = await local.Generate(request)
    assert len({candidate.text for candidate in first.candidates}) > 4
    assert all("\n" not in candidate.text and candidate.mean_logprob < 0 for candidate in first.candidates)
    assert first.usage.completion_tokens > 16
    again = await local.Generate(request)
    assert [candidate.text for candidate in again.candidates] == [candidate.text for candidate in first.candidates]


async def test_more_candidates_than_the_engine_has_slots_are_written_too(local: LlmServiceStub) -> None:
    request = pb.GenerateRequest(prompt=PROMPT, sampling=SAMPLING, candidate_count=11)
    written = await local.Generate(request)
    assert len(written.candidates) == 11
    assert len({candidate.text for candidate in written.candidates}) > 4


async def test_a_schema_is_kept(local: LlmServiceStub) -> None:
    schema = {"type": "object", "properties": {"mood": {"enum": ["calm", "wild"]}}, "required": ["mood"]}
    request = pb.GenerateRequest(prompt=PROMPT, sampling=SAMPLING, json_schema=json.dumps(schema))
    [candidate] = (await local.Generate(request)).candidates
    assert json.loads(candidate.text)["mood"] in ("calm", "wild")


async def test_a_stream_writes_the_same_as_a_call(local: LlmServiceStub) -> None:
    sampling = pb.Sampling(max_tokens=40, temperature=0)
    [candidate] = (await local.Generate(pb.GenerateRequest(prompt=PROMPT, sampling=sampling))).candidates
    request = pb.StreamGenerateRequest(prompt=PROMPT, sampling=sampling)
    *parts, last = [part async for part in local.StreamGenerate(request)]
    assert "".join(part.text for part in parts) == candidate.text
    assert last.end.usage.completion_tokens > 0


async def test_its_model_is_listed_as_the_default(local: LlmServiceStub) -> None:
    [model] = (await local.ListModels(pb.ListModelsRequest())).models
    assert model.is_default
    assert model.name
