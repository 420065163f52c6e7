"""Candidates through the wire."""

import asyncio
from decimal import Decimal
from typing import Any

import grpc
import pytest
from starlette.responses import Response

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.llm.adapters.openai import open_client
from tests.integration.llm.conftest import KEY, ServeLlm, provider
from tests.integration.llm.openai_server import Behaviour, OpenAiServer, answers, hangs, write
from tests.support.refusals import reason_of, refusal
from tests.support.waits import WAIT_SECONDS, until

PROMPT = pb.Prompt(
    system="You are Vesper.",
    examples=[pb.Example(input="fog", output="fog again.")],
    input="rain",
    input_label="topic",
    output_label="post",
)


def generate(**fields: object) -> pb.GenerateRequest:
    return pb.GenerateRequest(agent_id="agt_a", prompt=PROMPT, **fields)  # type: ignore[arg-type]


async def test_a_chat_model_gets_messages_the_sampling_and_the_key(llm: LlmServiceStub, first: OpenAiServer) -> None:
    answer = await llm.Generate(generate(sampling=pb.Sampling(temperature=0, seed=7)))
    assert answer == pb.GenerateResponse(
        candidates=[pb.Candidate(text="a quiet day.", finish_reason=pb.FINISH_REASON_STOP)],
        provider="first",
        model="small",
        usage=pb.Usage(prompt_tokens=11, completion_tokens=3),
        background_shown=True,
        cost_usd="0",
        attempts=[pb.Attempt(provider="first")],
        budget_state=pb.BUDGET_STATE_FINE,
    )
    [call] = first.calls
    assert call == {
        "model": "small",
        "messages": [
            {"role": "system", "content": "You are Vesper."},
            {"role": "user", "content": "fog"},
            {"role": "assistant", "content": "fog again."},
            {"role": "user", "content": "rain"},
        ],
        "max_tokens": 512,
        "temperature": 0,
        "seed": 7,
    }
    assert first.keys == [f"Bearer {KEY}"]


async def test_a_completion_model_gets_a_few_shot_text_and_writes_all_candidates_in_one_call(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    small = provider("small", first.base_url, dialect="completion", choices=8, logprobs=True, model="", api_key="")
    async with serve_llm(small) as llm:
        answer = await llm.Generate(generate(candidate_count=8))
    [call] = first.calls
    assert call["prompt"] == "You are Vesper.\n\ntopic: fog\npost: fog again.\n\ntopic: rain\npost:"
    assert (call["n"], call["stop"]) == (8, ["\n"])
    assert "model" not in call
    assert [candidate.text for candidate in answer.candidates] == ["a quiet day."] * 8
    assert {candidate.mean_logprob for candidate in answer.candidates} == {-0.5}
    assert not answer.background_shown
    assert answer.usage.completion_tokens == 24, "a server that counts one choice is corrected by the probabilities"


async def test_a_provider_without_n_is_asked_several_times_at_once_within_its_concurrency(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    async with serve_llm(provider("groq", first.base_url, concurrency=2, choices=2)) as llm:
        answer = await llm.Generate(generate(candidate_count=7, sampling=pb.Sampling(seed=10)))
    assert len(answer.candidates) == 7
    assert sorted((call.get("n", 1), call["seed"]) for call in first.calls) == [(1, 16), (2, 10), (2, 12), (2, 14)]
    assert first.most_at_once == 2
    assert answer.usage == pb.Usage(prompt_tokens=44, completion_tokens=12)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_call_that_somebody_waits_for_is_sent_before_one_that_came_earlier(
    serve_llm: ServeLlm, first: OpenAiServer, is_stream: bool
) -> None:
    may_write = asyncio.Event()

    async def held(body: dict[str, Any]) -> Response:
        await may_write.wait()
        return write(body)

    first.next.append(held)
    # What costs something is reserved just before it stands in line.
    priced = provider("first", first.base_url, concurrency=1, usd_per_million=(Decimal(1), Decimal(1)))
    async with serve_llm(priced) as llm:

        async def is_sent() -> bool:
            return bool(first.calls)

        async def is_reserved(agent_id: str) -> bool:
            return bool((await llm.GetBudget(pb.GetBudgetRequest(agent_id=agent_id))).budget.reserved_tokens)

        busy = llm.Generate(pb.GenerateRequest(prompt=pb.Prompt(input="busy")))
        await until(is_sent)
        scheduled = llm.Generate(pb.GenerateRequest(prompt=pb.Prompt(input="scheduled"), agent_id="agt_a"))
        await until(lambda: is_reserved("agt_a"))
        asked: dict[str, Any] = {"prompt": pb.Prompt(input="asked"), "agent_id": "agt_b", "is_awaited": True}
        awaited = asyncio.create_task(_all_of(llm, asked) if is_stream else _one(llm, asked))
        await until(lambda: is_reserved("agt_b"))
        may_write.set()
        await asyncio.gather(busy, scheduled, awaited)
    assert [call["messages"][-1]["content"] for call in first.calls] == ["busy", "asked", "scheduled"]


async def _one(llm: LlmServiceStub, fields: dict[str, Any]) -> None:
    await llm.Generate(pb.GenerateRequest(**fields))


async def _all_of(llm: LlmServiceStub, fields: dict[str, Any]) -> None:
    assert [part async for part in llm.StreamGenerate(pb.StreamGenerateRequest(**fields))]


@pytest.mark.parametrize(
    "failure",
    [
        answers({"error": {"message": "overloaded"}}, 503),
        answers("<html><h1>502 Bad Gateway</h1></html>", 502),
        answers("<html>Welcome to the portal</html>"),
        answers({"choices": []}),
        answers({"choices": [{"message": "hello"}]}),
        answers([1, 2]),
        answers({"error": {"message": "request timeout"}}, 408),
    ],
)
async def test_a_provider_that_fails_is_followed_by_the_next(
    llm: LlmServiceStub, first: OpenAiServer, second: OpenAiServer, failure: Behaviour
) -> None:
    first.next.append(failure)
    answer = await llm.Generate(generate())
    assert answer.provider == "second"
    assert len(first.calls) == len(second.calls) == 1, "nothing is repeated"


async def test_a_provider_that_hangs_leaves_time_for_the_next(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(hangs)
    answer = await llm.Generate(generate(), timeout=6)
    assert answer.provider == "second"


async def test_a_provider_has_a_time_of_its_own(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.append(hangs)
    async with serve_llm(provider("first", first.base_url, timeout_seconds=0.1)) as llm:
        told = await refusal(llm.Generate(generate(), timeout=WAIT_SECONDS))
    assert (told.reason, told.message) == (
        "PROVIDER_UNAVAILABLE",
        "no provider answered: first: did not answer in time",
    )


async def test_a_provider_that_does_not_listen_is_followed_by_the_next(
    serve_llm: ServeLlm, second: OpenAiServer
) -> None:
    # Port 9 is "discard": nothing listens there.
    async with serve_llm(provider("off", "http://127.0.0.1:9/v1"), provider("on", second.base_url)) as llm:
        assert (await llm.Generate(generate())).provider == "on"
        told = await refusal(llm.Generate(generate(provider="off"), timeout=WAIT_SECONDS))
    assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert told.retry_after == 5


async def test_a_server_on_this_machine_is_never_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, first: OpenAiServer
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with open_client(first.base_url, KEY) as client:
        assert (await client.get("/models", cast_to=object)) is not None


async def test_when_all_fail_the_refusal_tells_why_and_when_to_come_back(
    llm: LlmServiceStub, first: OpenAiServer, second: OpenAiServer
) -> None:
    first.next.append(answers({}, 500))
    second.next.append(answers({}, 503, {"retry-after": "3"}))
    told = await refusal(llm.Generate(generate(), timeout=WAIT_SECONDS))
    assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert told.message == "no provider answered: first: failed with HTTP 500; second: failed with HTTP 503"
    assert told.retry_after == 3


async def test_a_rate_limit_says_when_to_come_back_and_is_kept(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(answers({"error": {"message": "slow down"}}, 429, {"retry-after": "7"}))
    for _ in range(2):
        told = await refusal(llm.Generate(generate(provider="first"), timeout=WAIT_SECONDS))
        assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED")
        assert told.retry_after == 7
        assert told.metadata == {"provider": "first"}
    assert len(first.calls) == 1


async def test_a_configured_provider_is_known_by_its_name(llm: LlmServiceStub, first: OpenAiServer) -> None:
    assert (await llm.GetProvider(pb.GetProviderRequest(name="first"))).provider.name == "first"
    assert await reason_of(llm.GetProvider(pb.GetProviderRequest(name="third"))) == "PROVIDER_NOT_FOUND"
    assert (await llm.GetProvider(pb.GetProviderRequest())).provider.name == "first"
    assert first.calls == []


async def test_a_refusal_is_told_with_what_the_server_said(llm: LlmServiceStub, first: OpenAiServer) -> None:
    said = "This model's maximum context length is 8192 tokens.\nYour messages have 9001."
    first.next.append(answers({"error": {"message": said, "code": "context_length_exceeded"}}, 400))
    told = await refusal(llm.Generate(generate(provider="first"), timeout=WAIT_SECONDS))
    assert told.message == (
        "first: refused the request (HTTP 400, context_length_exceeded): "
        "This model's maximum context length is 8192 tokens. Your messages have 9001."
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("said", [f"Incorrect API key: {KEY}", "Incorrect key: ****cret", "Incorrect: {prompt}"])
async def test_a_refusal_that_repeats_the_key_or_the_prompt_is_told_by_its_code(
    llm: LlmServiceStub, first: OpenAiServer, caplog: pytest.LogCaptureFixture, status: int, said: str
) -> None:
    said = said.format(prompt="the night after the long storm")
    first.next.append(answers({"error": {"message": said, "code": "invalid_api_key"}}, status))
    request = generate(provider="first")
    request.prompt.input = "They sang in the night\nafter the long storm."
    told = await refusal(llm.Generate(request, timeout=WAIT_SECONDS))
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PROVIDER_REFUSED")
    assert f"(HTTP {status}, invalid_api_key)" in told.message
    logged = "".join(str(vars(record)) for record in caplog.records)
    assert "invalid_api_key" in logged
    for text in (told.message, str(told.metadata), logged):
        assert "Incorrect" not in text
        assert KEY not in text


async def test_a_call_that_fails_costs_its_own_candidates_and_not_those_that_are_paid_for(
    llm: LlmServiceStub, first: OpenAiServer
) -> None:
    first.next.append(answers({}, 500))
    assert len((await llm.Generate(generate(candidate_count=4), timeout=WAIT_SECONDS)).candidates) == 3


async def test_what_a_slow_provider_has_written_by_the_end_of_its_time_is_kept(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer
) -> None:
    first.next.append(hangs)
    slow = provider("first", first.base_url, timeout_seconds=1.0)
    async with serve_llm(slow, provider("second", second.base_url)) as llm:
        answer = await llm.Generate(generate(candidate_count=4), timeout=WAIT_SECONDS)
    assert (answer.provider, len(answer.candidates)) == ("first", 3)


async def test_a_named_provider_and_model_are_used_and_have_no_fallback(
    llm: LlmServiceStub, first: OpenAiServer, second: OpenAiServer
) -> None:
    answer = await llm.Generate(generate(provider="second", model="large"))
    assert (answer.provider, answer.model) == ("second", "large")
    second.next.append(answers({}, 500))
    assert await reason_of(llm.Generate(generate(provider="second"), timeout=WAIT_SECONDS)) == "PROVIDER_UNAVAILABLE"
    assert first.calls == []
    told = await refusal(llm.Generate(generate(provider="third"), timeout=WAIT_SECONDS))
    assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "PROVIDER_NOT_FOUND")


async def test_a_withheld_text_is_told_as_such(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(answers({"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]}))
    [candidate] = (await llm.Generate(generate())).candidates
    assert candidate == pb.Candidate(finish_reason=pb.FINISH_REASON_CONTENT_FILTER)


async def test_a_wrong_request_is_refused_with_every_field_named(llm: LlmServiceStub, first: OpenAiServer) -> None:
    request = pb.GenerateRequest(
        model="large",
        prompt=pb.Prompt(
            system="x" * 32_001,
            examples=[pb.Example(input="a", context=[pb.Part(label="a\nb", text="a")])],
            input=" ",
            input_label="a\nb",
            context=[pb.Part(label="output", text="a"), pb.Part(label="memory", text="a")],
            background=[pb.Part(label="output", text="")],
        ),
        sampling=pb.Sampling(temperature=float("nan"), top_p=0, max_tokens=0, stop=["\n", ""], presence_penalty=3),
        candidate_count=17,
        json_schema="[" * 20_000,
    )
    told = await refusal(llm.Generate(request, timeout=WAIT_SECONDS))
    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {violation.field for violation in told.violations} == {
        "provider",
        "prompt.system",
        "prompt.examples[0].output",
        "prompt.input",
        "prompt.input_label",
        "prompt.examples[0].context[0].label",
        "prompt.context[0].label",
        "prompt.background[0].text",
        "sampling.temperature",
        "sampling.top_p",
        "sampling.max_tokens",
        "sampling.stop[1]",
        "sampling.presence_penalty",
        "candidate_count",
        "json_schema",
    }
    assert first.calls == []


async def test_the_fake_provider_answers_the_same_each_time(serve_llm: ServeLlm) -> None:
    async with serve_llm(provider("fake", "")) as llm:
        answer = await llm.Generate(generate(candidate_count=3))
        assert answer == await llm.Generate(generate(candidate_count=3))
    assert len({candidate.text for candidate in answer.candidates}) == 3
