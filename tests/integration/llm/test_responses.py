"""Providers that are asked by the Responses API."""

import json
from typing import Any

import pytest

from puppet.llm.v1 import llm_service_pb2 as pb
from tests.integration.llm.conftest import ServeLlm, provider
from tests.integration.llm.openai_server import (
    Behaviour,
    OpenAiServer,
    answers,
    output_text,
    response,
    streams,
    text_events,
)
from tests.integration.llm.test_generate import generate
from tests.integration.llm.test_models_differ import DRAWN, always
from tests.integration.llm.test_stream import REQUEST, streamed
from tests.support.refusals import refusal
from tests.support.waits import WAIT_SECONDS

CUT = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
WITHHELD = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
REFUSED = {"type": "refusal", "refusal": "no"}


def speaks(server: OpenAiServer, **fields: Any) -> Any:
    return provider("new", server.base_url, dialect="responses", **fields)


async def test_a_task_is_asked_in_the_fields_that_it_has(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    said = [
        pb.Message(role=pb.ROLE_SYSTEM, text="Be brief."),
        pb.Message(role=pb.ROLE_USER, text="fog?"),
        pb.Message(role=pb.ROLE_ASSISTANT, text="fog."),
        pb.Message(role=pb.ROLE_USER, text="rain?"),
    ]
    request = pb.GenerateRequest(conversation=pb.Conversation(messages=said), sampling=DRAWN)
    async with serve_llm(speaks(first)) as llm:
        [candidate] = (await llm.Generate(request)).candidates
    assert candidate == pb.Candidate(text="a quiet day.", finish_reason=pb.FINISH_REASON_STOP)
    drawn = {"temperature": pytest.approx(0.7), "top_p": pytest.approx(0.9), "max_output_tokens": 40}
    assert first.calls == [
        {
            "model": "small",
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": "fog?"},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "fog."}]},
                {"role": "user", "content": "rain?"},
            ],
            "store": False,
            **drawn,
        }
    ]


async def test_what_it_took_is_told_with_what_was_cached_and_thought(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    async with serve_llm(speaks(first)) as llm:
        answer = await llm.Generate(generate())
    told = pb.Usage(prompt_tokens=11, completion_tokens=9, cached_tokens=4, reasoning_tokens=6)
    assert answer.usage == told


async def test_several_candidates_take_several_calls(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    async with serve_llm(speaks(first, choices=8)) as llm:
        answer = await llm.Generate(generate(candidate_count=3))
    assert len(answer.candidates) == len(first.calls) == 3
    assert answer.usage.prompt_tokens == 33
    assert not [call for call in first.calls if "n" in call]


async def test_a_schema_is_the_format_of_its_text(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    schema = {"type": "object", "required": ["mood"]}
    first.next.append(answers(response(output_text('{"mood": "calm"}'))))
    async with serve_llm(speaks(first, add={"text": {"verbosity": "low"}})) as llm:
        await llm.Generate(generate(json_schema=json.dumps(schema)))
    form = {"type": "json_schema", "name": "answer", "strict": True, "schema": schema}
    assert first.calls[0]["text"] == {"verbosity": "low", "format": form}


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, "low"),
        ({"add": {"reasoning_effort": "high"}}, "high"),
        ({"add": {"reasoning": {"effort": "none"}}}, "none"),
    ],
)
async def test_a_model_that_thinks_has_its_effort_and_room_for_it(
    serve_llm: ServeLlm, first: OpenAiServer, fields: dict[str, Any], effort: str
) -> None:
    async with serve_llm(speaks(first, model="gpt-5-mini", **fields)) as llm:
        await llm.Generate(generate(sampling=DRAWN))
    [call] = first.calls
    assert (call["reasoning"], call["max_output_tokens"]) == ({"effort": effort}, 2_040)
    assert call.keys() == {"model", "instructions", "input", "reasoning", "max_output_tokens", "store"}


@pytest.mark.parametrize("named", ["reasoning.effort", "reasoning"])
async def test_a_field_that_is_refused_by_its_name_is_left_out_from_then_on(
    serve_llm: ServeLlm, first: OpenAiServer, named: str
) -> None:
    first.next.append(answers({"error": {"param": named, "code": "unsupported_parameter"}}, 400))
    first.next.append(answers({"error": {"param": "temperature", "code": "unsupported_parameter"}}, 400))
    async with serve_llm(speaks(first, model="gpt-oss-20b")) as llm:
        for _ in range(2):
            await llm.Generate(generate(sampling=DRAWN))
    assert [call.keys() & {"reasoning", "temperature"} for call in first.calls] == [
        {"reasoning", "temperature"},
        {"temperature"},
        set(),
        set(),
    ]


@pytest.mark.parametrize(
    ("told", "text", "reason"),
    [
        (response(output_text("fog "), output_text("again.")), "fog again.", pb.FINISH_REASON_STOP),
        (response(output_text("fog aga"), **CUT), "fog aga", pb.FINISH_REASON_LENGTH),
        (response(**CUT), "", pb.FINISH_REASON_EMPTY),
        (response(output_text("fog aga"), **WITHHELD), "fog aga", pb.FINISH_REASON_CONTENT_FILTER),
        (response(REFUSED), "", pb.FINISH_REASON_CONTENT_FILTER),
        (response(output_text("fog again. END and so on"), **CUT), "fog again.", pb.FINISH_REASON_STOP),
        ({"output": [{"type": "message", "content": [output_text("fog")]}]}, "fog", pb.FINISH_REASON_UNSPECIFIED),
        (
            response(
                output=[
                    {"type": "message", "phase": "commentary", "content": [output_text("Let me see.")]},
                    {"type": "message", "phase": "final_answer", "content": [output_text("fog again.")]},
                ]
            ),
            "fog again.",
            pb.FINISH_REASON_STOP,
        ),
    ],
)
async def test_a_text_a_cut_one_none_and_a_refusal_are_told_apart(
    serve_llm: ServeLlm, first: OpenAiServer, told: Any, text: str, reason: pb.FinishReason.ValueType
) -> None:
    first.next.append(answers(told))
    async with serve_llm(speaks(first)) as llm:
        [candidate] = (await llm.Generate(generate(sampling=DRAWN))).candidates
    assert candidate == pb.Candidate(text=text, finish_reason=reason)


async def test_a_model_whose_limit_went_into_its_thoughts_has_room_for_them_the_next_time(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    first.next.append(answers(response(**CUT)))
    async with serve_llm(speaks(first, thinking_tokens=500)) as llm:
        for _ in range(2):
            await llm.Generate(generate(sampling=pb.Sampling(max_tokens=40)))
    assert [call["max_output_tokens"] for call in first.calls] == [40, 540]


def failed(code: str) -> dict[str, Any]:
    return {"status": "failed", "output": [], "error": {"code": code, "message": "sorry"}}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (failed("server_error"), "answered with an error (server_error): sorry"),
        (failed("rate_limit_exceeded"), "its rate limit is reached"),
        (failed("invalid_prompt"), "refused the request (error 400, invalid_prompt): sorry"),
        ({"status": "failed", "output": [], "error": None}, "answered with an error (failed)"),
        ({"status": "in_progress", "output": []}, "answered something else than text"),
        ({"choices": [{"message": {"content": "fog"}}]}, "answered something else than text"),
        ("<html>Please sign in</html>", "answered something else than text"),
    ],
)
async def test_an_answer_that_failed_is_told_and_the_next_provider_writes(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer, told: Any, words: str
) -> None:
    always(first, answers(told))
    async with serve_llm(speaks(first), provider("second", second.base_url)) as llm:
        assert (await llm.Generate(generate())).provider == "second"
        alone = await refusal(llm.Generate(generate(provider="new"), timeout=WAIT_SECONDS))
    assert words in alone.message


def ends(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": response(**fields)}


COMMENTARY = [
    {"type": "response.output_item.added", "item": {"type": "message", "id": "msg_0", "phase": "commentary"}},
    {"type": "response.output_text.delta", "item_id": "msg_0", "delta": "Let me see."},
]


@pytest.mark.parametrize(
    ("events", "text", "reason"),
    [
        ([*text_events("fog ", "again."), ends("completed")], "fog again.", pb.FINISH_REASON_STOP),
        ([*COMMENTARY, *text_events("fog ", "again."), ends("completed")], "fog again.", pb.FINISH_REASON_STOP),
        ([*text_events("fog ", "aga"), ends("incomplete", **CUT)], "fog aga", pb.FINISH_REASON_LENGTH),
        ([ends("incomplete", **CUT)], "", pb.FINISH_REASON_EMPTY),
        ([ends("incomplete", **WITHHELD)], "", pb.FINISH_REASON_CONTENT_FILTER),
        (
            [{"type": "response.refusal.delta", "delta": "no"}, ends("completed")],
            "",
            pb.FINISH_REASON_CONTENT_FILTER,
        ),
        (
            [*text_events("fog again.", " E", "ND and so", " on"), ends("completed")],
            "fog again.",
            pb.FINISH_REASON_STOP,
        ),
        ([*text_events("fog", " E"), ends("completed")], "fog E", pb.FINISH_REASON_STOP),
    ],
)
async def test_a_stream_has_its_pieces_its_end_and_what_it_took(
    serve_llm: ServeLlm,
    first: OpenAiServer,
    events: list[dict[str, Any]],
    text: str,
    reason: pb.FinishReason.ValueType,
) -> None:
    first.next.append(streams(events))
    request = pb.StreamGenerateRequest(prompt=REQUEST.prompt, sampling=DRAWN)
    async with serve_llm(speaks(first)) as llm:
        parts = [part async for part in llm.StreamGenerate(request, timeout=WAIT_SECONDS)]
    assert "".join(part.text for part in parts) == text
    assert (parts[-1].end.finish_reason, parts[-1].end.usage.reasoning_tokens) == (reason, 6)
    assert first.calls[0]["stream"] is True
    assert "stream_options" not in first.calls[0]


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ([], "broke off"),
        (
            [{"type": "error", "code": "server_error", "message": "sorry"}],
            "answered with an error (server_error): sorry",
        ),
        ([{"type": "error", "error": {"code": "server_error"}}], "answered with an error (server_error)"),
        (
            [{"type": "response.failed", "response": failed("server_error")}],
            "answered with an error (server_error): sorry",
        ),
        ([{"type": "response.failed", "response": failed("rate_limit_exceeded")}], "its rate limit is reached"),
    ],
)
async def test_a_stream_that_breaks_off_or_fails_ends_with_an_error_after_its_pieces(
    serve_llm: ServeLlm, first: OpenAiServer, last: list[dict[str, Any]], words: str
) -> None:
    first.next.append(streams([*text_events("a ", "quiet "), *last]))
    async with serve_llm(speaks(first)) as llm:
        stream = llm.StreamGenerate(REQUEST, timeout=WAIT_SECONDS)
        assert (await anext(aiter(stream))).text == "a"
        assert (await anext(aiter(stream))).text == " quiet"
        told = await refusal(anext(aiter(stream)))
    assert words in told.message


async def test_a_stream_that_fails_before_its_text_is_followed_by_the_next(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer
) -> None:
    behaviour: Behaviour = streams([{"type": "response.failed", "response": failed("server_error")}])
    first.next.append(behaviour)
    async with serve_llm(speaks(first), provider("second", second.base_url)) as llm:
        text, end = await streamed(llm)
    assert (text, end.provider) == ("a quiet day.", "second")
