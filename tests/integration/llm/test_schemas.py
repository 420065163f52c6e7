"""Answers that have to fit a JSON Schema, over a real channel: what doesn't is asked for once more."""

import json
from decimal import Decimal
from typing import Any

import grpc
import pytest

from puppet.llm.v1 import llm_errors_pb2 as errors_pb
from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from tests.integration.llm.conftest import ServeLlm, provider
from tests.integration.llm.openai_server import USAGE, Behaviour, OpenAiServer, answers, hangs
from tests.support.refusals import fields_of, refusal
from tests.support.waits import WAIT_SECONDS

SCHEMA = {
    "type": "object",
    "properties": {"mood": {"enum": ["calm", "wild"]}},
    "required": ["mood"],
    "additionalProperties": False,
}
FITS = '{"mood": "calm"}'
PRICES = (Decimal(10), Decimal(20))
COST = Decimal("0.00017")


def generate(schema: object = SCHEMA, **fields: Any) -> pb.GenerateRequest:
    return pb.GenerateRequest(
        **{"agent_id": "agt_a", "prompt": pb.Prompt(input="rain"), "json_schema": json.dumps(schema), **fields}
    )


def writes(*texts: str, reason: str = "stop") -> Behaviour:
    choices = [{"message": {"content": text}, "finish_reason": reason} for text in texts]
    return answers({"choices": choices, "usage": USAGE})


def texts(answer: pb.GenerateResponse) -> list[str]:
    return [candidate.text for candidate in answer.candidates]


async def test_what_fits_is_passed_on_and_the_schema_is_asked_for(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(writes(FITS))
    assert texts(await llm.Generate(generate())) == [FITS]
    [call] = first.calls
    assert call["response_format"]["json_schema"]["schema"] == SCHEMA


MISFITS = {
    "prose": ("a quiet day.", "it is no JSON"),
    "a value that isn't allowed": ('{"mood": "x"}', 'at mood: "x" is not one of'),
    "a field too few": ("{}", '"mood" is a required property'),
    "a field too many": ('{"mood": "calm", "note": 1}', "'note' was unexpected"),
    "a number that JSON hasn't": ('{"mood": NaN}', "NaN is no number of JSON"),
    "half a character": ('{"mood": "\\ud800"}', "it is no JSON"),
    "very many brackets": ("[" * 100_000, "it is no JSON"),
}


@pytest.mark.parametrize("kind", MISFITS)
async def test_what_does_not_fit_is_asked_for_once_more_with_what_is_wrong(
    llm: LlmServiceStub, first: OpenAiServer, kind: str
) -> None:
    wrote, wrong = MISFITS[kind]
    first.next.extend([writes(wrote), writes(FITS)])
    assert texts(await llm.Generate(generate())) == [FITS]
    asked, told = first.calls[1]["messages"][-2:]
    assert (asked["role"], told["role"]) == ("assistant", "user")
    assert wrong in told["content"]
    assert json.dumps(SCHEMA) in told["content"]


async def test_a_fence_of_markdown_is_no_misfit(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(writes(f"```json\n{FITS}\n```"))
    assert texts(await llm.Generate(generate())) == [FITS]


async def test_of_several_candidates_those_that_fit_are_passed_on(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.append(writes("fog", FITS, "{}"))
    async with serve_llm(provider("first", first.base_url, choices=3)) as llm:
        assert texts(await llm.Generate(generate(candidate_count=3))) == [FITS]
    assert len(first.calls) == 1


async def test_both_calls_are_paid_for_and_told(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.extend([writes("fog"), writes(FITS)])
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        answer = await llm.Generate(generate())
        [row] = (await llm.GetUsage(pb.GetUsageRequest())).rows
    assert Decimal(answer.cost_usd) == Decimal(row.cost_usd) == 2 * COST
    assert (answer.usage.prompt_tokens, row.attempt_count, row.failed_count) == (22, 2, 0)


async def test_what_never_fits_has_a_reason_of_its_own_and_says_nothing_that_was_written(
    serve_llm: ServeLlm, first: OpenAiServer, caplog: pytest.LogCaptureFixture
) -> None:
    first.next.extend([writes("fog"), writes('{"mood": "furious"}')])
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        told = await refusal(llm.Generate(generate()))
        [row] = (await llm.GetUsage(pb.GetUsageRequest())).rows
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SCHEMA_MISMATCH")
    assert "properties/mood/enum" in told.message
    assert len(first.calls) == 2
    assert Decimal(row.cost_usd) == 2 * COST
    assert "furious" not in told.message + "".join(str(vars(record)) for record in caplog.records)


async def test_the_next_provider_is_asked_after_one_that_does_not_know_schemas(
    llm: LlmServiceStub, first: OpenAiServer, second: OpenAiServer
) -> None:
    second.next.append(writes(FITS))
    answer = await llm.Generate(generate())
    assert (texts(answer), answer.provider) == ([FITS], "second")
    assert answer.attempts[0].reason == errors_pb.ERROR_REASON_SCHEMA_MISMATCH


@pytest.mark.parametrize("fault", [answers({}, 503), answers({}, 429), hangs])
async def test_a_repair_that_fails_ends_with_what_was_wrong(
    serve_llm: ServeLlm, first: OpenAiServer, fault: Behaviour
) -> None:
    first.next.extend([writes("fog"), fault])
    async with serve_llm(provider("first", first.base_url, timeout_seconds=0.5)) as llm:
        told = await refusal(llm.Generate(generate(), timeout=WAIT_SECONDS))
    assert told.reason == "SCHEMA_MISMATCH"
    assert "it is no JSON, and asked again: first: " in told.message


async def test_a_repair_is_held_to_the_budget(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.append(writes("fog"))
    async with serve_llm(provider("first", first.base_url, usd_per_million=PRICES)) as llm:
        limits = pb.SetBudgetRequest(agent_id="agt_a", usd_per_day="0.02")
        await llm.SetBudget(limits)
        told = await refusal(llm.Generate(generate(sampling=pb.Sampling(max_tokens=600))))
    assert told.reason == "SCHEMA_MISMATCH"
    assert "the day's budget of agt_a" in told.message
    assert len(first.calls) == 1


async def test_an_answer_that_was_cut_is_asked_to_be_shorter(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.extend([writes('{"mood": "ca', reason="length"), writes(FITS)])
    await llm.Generate(generate())
    assert "it has to be shorter" in first.calls[1]["messages"][-1]["content"]


async def test_what_a_completion_model_wrote_stands_in_its_text_with_what_is_wrong(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    choices = [[{"text": text, "finish_reason": "stop"}] for text in ("fog\nagain", FITS)]
    first.next.extend([answers({"choices": each}) for each in choices])
    async with serve_llm(provider("first", first.base_url, dialect="completion")) as llm:
        assert texts(await llm.Generate(generate())) == [FITS]
    lines = first.calls[1]["prompt"].splitlines()
    assert lines[-3] == "output: fog again"
    assert lines[-2].startswith("wrong: it is no JSON")
    assert lines[-1] == "output:"


@pytest.mark.parametrize("nothing", [writes(""), writes("", reason="content_filter")])
async def test_who_wrote_nothing_is_not_asked_again(
    serve_llm: ServeLlm, first: OpenAiServer, nothing: Behaviour
) -> None:
    first.next.append(nothing)
    async with serve_llm(provider("first", first.base_url)) as llm:
        assert (await refusal(llm.Generate(generate()))).reason == "SCHEMA_MISMATCH"
    assert len(first.calls) == 1


@pytest.mark.parametrize(
    "schema", [{"type": "weather"}, {"$ref": "http://127.0.0.1:9/away"}, {"$ref": "#/nowhere"}, {"pattern": "("}]
)
async def test_what_is_no_schema_or_lies_elsewhere_is_refused_by_its_name(
    llm: LlmServiceStub, first: OpenAiServer, schema: dict[str, Any]
) -> None:
    assert await fields_of(llm.Generate(generate(schema))) == {"json_schema"}
    assert first.calls == []


async def test_a_pattern_that_goes_back_for_ever_is_given_up(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.extend([writes(json.dumps("a" * 40 + "b"))] * 2)
    told = await refusal(
        llm.Generate(generate({"pattern": "^(?=(a+)+$)(a|a)*$"}, provider="first"), timeout=WAIT_SECONDS)
    )
    assert told.reason == "SCHEMA_MISMATCH"
