"""What holds at every provider: the fake one, the sandbox's, and two servers that nobody here wrote."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
import pytest_asyncio

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.llm.settings import ProviderSettings, read_provider
from tests.integration.llm.conftest import ServeLlm, provider
from tests.integration.sandbox.llm.conftest import sandbox_url  # noqa: F401 - a fixture
from tests.support.model_servers import aimock, llama_cpp
from tests.support.refusals import refusal
from tests.support.waits import WAIT_SECONDS, until
from tools.languages import LeftOutError

PROMPT = pb.Prompt(
    system="Vesper keeps a lighthouse and posts short, wry notes.",
    examples=[pb.Example(input="fog", output="fog again. we had an understanding.")],
    input="gulls",
    input_label="topic",
    output_label="post",
)
SAMPLING = pb.Sampling(max_tokens=24, temperature=0.8)
LONG = pb.Sampling(max_tokens=1_500)
ENDS = (pb.FINISH_REASON_STOP, pb.FINISH_REASON_LENGTH)
SCHEMA = {"type": "object", "properties": {"mood": {"enum": ["calm", "wild"]}}, "required": ["mood"]}


@dataclass(frozen=True)
class Place:
    """A provider as a newcomer would set it up, the model of it that makes vectors, and whether it heeds no schema."""

    settings: ProviderSettings
    vectors_of: str = ""
    passes_over_schemas: bool = False


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def llama_cpp_url() -> AsyncIterator[str]:
    async with llama_cpp() as url:
        yield url


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def aimock_url() -> AsyncIterator[str]:
    try:
        async with aimock() as url:
            yield url
    except LeftOutError as why:
        pytest.skip(f"aimock is left out: {why}")


@pytest.fixture(params=["fake", "local", "llama.cpp", "llama.cpp: responses", "aimock", "aimock: responses"])
def place(request: pytest.FixtureRequest) -> Place:
    match request.param:
        case "fake":
            return Place(read_provider("fake"))
        case "local":
            base_url = f"{request.getfixturevalue('sandbox_url')}/v1"
            return Place(read_provider("local").model_copy(update={"base_url": base_url}))
        case "llama.cpp":
            url = request.getfixturevalue("llama_cpp_url")
            return Place(read_provider("llamacpp").model_copy(update={"base_url": url}))
        case "llama.cpp: responses":
            own = {"base_url": request.getfixturevalue("llama_cpp_url"), "dialect": "responses"}
            return Place(read_provider("llamacpp").model_copy(update=own), passes_over_schemas=True)
        case kind:
            dialect = "responses" if kind.endswith("responses") else "chat"
            url = request.getfixturevalue("aimock_url")
            mine = provider("mine", url, model="gpt-4o", choices=8, dialect=dialect)
            return Place(mine, "text-embedding-3-small")


@pytest.fixture
async def llm(serve_llm: ServeLlm, place: Place) -> AsyncIterator[LlmServiceStub]:
    async with serve_llm(place.settings) as stub:
        yield stub


async def test_candidates_come_with_who_wrote_them_why_they_ended_and_what_they_took(
    llm: LlmServiceStub, place: Place
) -> None:
    answer = await llm.Generate(pb.GenerateRequest(prompt=PROMPT, sampling=SAMPLING))
    [candidate] = answer.candidates
    assert candidate.text
    assert candidate.text == candidate.text.strip()
    assert candidate.finish_reason in ENDS
    assert (answer.provider, bool(answer.model)) == (place.settings.name, True)
    assert min(answer.usage.prompt_tokens, answer.usage.completion_tokens) > 0
    assert answer.attempts == [pb.Attempt(provider=place.settings.name)]


async def test_as_many_candidates_come_as_were_asked_for(llm: LlmServiceStub) -> None:
    request = pb.GenerateRequest(prompt=PROMPT, sampling=SAMPLING, candidate_count=2)
    # A server that takes no `n` shows it the first time.
    await llm.Generate(request)
    assert len((await llm.Generate(request)).candidates) == 2


async def test_a_conversation_is_answered(llm: LlmServiceStub) -> None:
    said = pb.Conversation(messages=[pb.Message(role=pb.ROLE_USER, text="What do gulls say?")])
    [candidate] = (await llm.Generate(pb.GenerateRequest(conversation=said, sampling=SAMPLING))).candidates
    assert candidate.text


async def test_a_stop_text_ends_it_and_is_no_part_of_it(llm: LlmServiceStub) -> None:
    sampling = pb.Sampling(max_tokens=24, temperature=0, stop=["e"])
    [candidate] = (await llm.Generate(pb.GenerateRequest(prompt=PROMPT, sampling=sampling))).candidates
    assert "e" not in candidate.text


async def test_a_stream_has_pieces_and_then_its_end(llm: LlmServiceStub, place: Place) -> None:
    request = pb.StreamGenerateRequest(prompt=PROMPT, sampling=SAMPLING)
    *pieces, last = [part async for part in llm.StreamGenerate(request)]
    assert "".join(piece.text for piece in pieces).strip()
    assert last.end.finish_reason in ENDS
    assert (last.end.provider, last.end.usage.completion_tokens > 0) == (place.settings.name, True)


async def test_with_a_schema_the_answer_fits_or_none_is_given(llm: LlmServiceStub, place: Place) -> None:
    # A grammar lets a small model write blanks between two signs, and twice as many of them if it is unlucky.
    calmly = pb.Sampling(max_tokens=96, temperature=0.2)
    request = pb.GenerateRequest(prompt=PROMPT, sampling=calmly, json_schema=json.dumps(SCHEMA))
    request.prompt.input = "mood"
    if place.passes_over_schemas:
        assert (await refusal(llm.Generate(request))).reason == "SCHEMA_MISMATCH"
        return
    [candidate] = (await llm.Generate(request)).candidates
    assert json.loads(candidate.text)["mood"] in ("calm", "wild")


async def test_each_text_gets_a_vector(llm: LlmServiceStub, place: Place) -> None:
    texts = ["the gulls are loud", "the sea is calm"]
    request = pb.EmbedRequest(texts=texts, provider=place.settings.name, model=place.vectors_of)
    answer = await llm.Embed(request)
    lengths = {len(vector.values) for vector in answer.vectors}
    assert (len(answer.vectors), len(lengths)) == (2, 1)


async def test_its_models_are_listed(llm: LlmServiceStub) -> None:
    listed = await llm.ListModels(pb.ListModelsRequest())
    assert listed.models
    assert not listed.failures


async def test_a_repeated_request_is_answered_once(llm: LlmServiceStub) -> None:
    request = pb.GenerateRequest(prompt=PROMPT, sampling=SAMPLING, request_id="one")
    answer = await llm.Generate(request)
    assert await llm.Generate(request) == answer
    [row] = (await llm.GetUsage(pb.GetUsageRequest())).rows
    assert row.attempt_count == 1


@pytest.mark.parametrize("dialect", ["chat", "responses"])
async def test_a_call_that_is_left_ends_at_the_server(serve_llm: ServeLlm, llama_cpp_url: str, dialect: str) -> None:
    own = {"base_url": llama_cpp_url, "add": {"ignore_eos": True}, "dialect": dialect}
    settings = read_provider("llamacpp").model_copy(update=own)
    root = llama_cpp_url.removesuffix("/v1")
    async with serve_llm(settings) as llm, httpx2.AsyncClient(base_url=root, timeout=WAIT_SECONDS) as engine:
        before = await _tokens_written(engine)
        # As many as the engine has slots, so that what comes after them waits until they are over.
        calls = [llm.Generate(pb.GenerateRequest(prompt=PROMPT, sampling=LONG)) for _ in range(2)]
        leaving = [asyncio.ensure_future(call) for call in calls]

        async def all_are_written() -> bool:
            return all(slot["is_processing"] for slot in (await engine.get("/slots")).json())

        await until(all_are_written)
        for call in calls:
            call.cancel()
        await asyncio.wait(leaving)
        # Until then the engine is asked nothing else: it looks for callers that are gone when a second was quiet.
        await llm.Generate(pb.GenerateRequest(prompt=PROMPT, sampling=pb.Sampling(max_tokens=1)), timeout=WAIT_SECONDS)
        assert await _tokens_written(engine) - before < len(calls) * LONG.max_tokens


async def _tokens_written(engine: httpx2.AsyncClient) -> float:
    lines = (await engine.get("/metrics")).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("llamacpp:tokens_predicted_total "))


FAULTS = {
    "limited": ("RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED", 7),
    "failing": ("UNAVAILABLE", "PROVIDER_UNAVAILABLE", 5),
    "garbled": ("UNAVAILABLE", "PROVIDER_UNAVAILABLE", 5),
    "lost": ("UNAVAILABLE", "PROVIDER_UNAVAILABLE", 5),
    "a thing that it has no answer to": ("UNAVAILABLE", "PROVIDER_UNAVAILABLE", 5),
}


@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_goes_wrong_at_a_server_has_its_status_and_the_next_one_writes(
    serve_llm: ServeLlm, aimock_url: str, fault: str, dialect: str
) -> None:
    code, reason, seconds = FAULTS[fault]
    request = pb.GenerateRequest(prompt=pb.Prompt(input=fault), provider="mine")
    async with serve_llm(provider("mine", aimock_url, dialect=dialect), read_provider("fake")) as llm:
        told = await refusal(llm.Generate(request))
        assert (told.code.name, told.reason, told.retry_after) == (code, reason, seconds)
        request.provider = ""
        assert (await llm.Generate(request)).provider == "fake"


@pytest.mark.parametrize(("dialect", "fault"), [("chat", "halved"), ("responses", "torn")])
async def test_half_a_stream_is_told_as_such_after_its_pieces(
    serve_llm: ServeLlm, aimock_url: str, dialect: str, fault: str
) -> None:
    pieces: list[str] = []

    async def read(llm: LlmServiceStub) -> None:
        async for part in llm.StreamGenerate(pb.StreamGenerateRequest(prompt=pb.Prompt(input=fault))):
            pieces.append(part.text)  # noqa: PERF401 - those before the end are wanted

    async with serve_llm(provider("mine", aimock_url, dialect=dialect), read_provider("fake")) as llm:
        told = await refusal(read(llm))
    assert told.reason == "PROVIDER_UNAVAILABLE"
    assert "one two three four".startswith("".join(pieces))
    assert pieces


@pytest.mark.parametrize("dialect", ["chat", "responses"])
async def test_a_server_that_says_nothing_leaves_time_for_the_next(
    serve_llm: ServeLlm, aimock_url: str, dialect: str
) -> None:
    request = pb.StreamGenerateRequest(prompt=pb.Prompt(input="slow"))
    mine = provider("mine", aimock_url, timeout_seconds=0.5, dialect=dialect)
    async with serve_llm(mine, read_provider("fake")) as llm:
        *_, last = [part async for part in llm.StreamGenerate(request)]
    assert last.end.provider == "fake"
