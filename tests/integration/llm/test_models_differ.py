"""Models that don't take what others take, and answer otherwise."""

import json
from typing import Any

import pytest
from starlette.responses import Response

from puppet.llm.v1 import llm_service_pb2 as pb
from services.llm.settings import PRESETS
from tests.integration.llm.conftest import ServeLlm, provider
from tests.integration.llm.openai_server import Behaviour, OpenAiServer, answers, streams, write
from tests.integration.llm.test_generate import generate
from tests.support.refusals import refusal
from tests.support.waits import WAIT_SECONDS

DRAWN = pb.Sampling(
    temperature=0.7,
    top_p=0.9,
    frequency_penalty=0.5,
    presence_penalty=0.5,
    max_tokens=40,
    seed=7,
    stop=["END"],
)
DRAWING = {"temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "stop"}


def refuses(*fields: str, told: Any = None, status: int = 400) -> Behaviour:
    """Refuse the first of these fields that a request has, and else write; `told` makes the error's body."""
    tell = told or (lambda field: {"error": {"message": "no", "param": field, "code": "unsupported_parameter"}})

    async def behave(body: dict[str, Any]) -> Any:
        found = next((field for field in fields if field in body), "")
        return await answers(tell(found), status)(body) if found else write(body)

    return behave


def always(server: OpenAiServer, behaviour: Behaviour) -> None:
    server.next.extend([behaviour] * 20)


def says(content: Any, **choice: Any) -> Behaviour:
    return answers({"choices": [{"message": {"content": content}, "finish_reason": "stop", **choice}]})


@pytest.mark.parametrize(
    ("name", "model", "kept", "limit"),
    [
        ("openai", "gpt-4o", DRAWING, ("max_completion_tokens", 40)),
        ("openai", "gpt-5-mini", {"seed"}, ("max_completion_tokens", 2_040)),
        ("openrouter", "openai/o4-mini", {"seed"}, ("max_completion_tokens", 2_040)),
        ("openrouter", "meta/llama-4", DRAWING, ("max_tokens", 40)),
        ("gemini", "gemini-2.0-flash", {"temperature", "top_p", "stop"}, ("max_tokens", 40)),
        ("mistral", "mistral-small", (DRAWING - {"seed"}) | {"random_seed"}, ("max_tokens", 40)),
        ("anthropic", "claude-sonnet-4-5", {"temperature", "stop"}, ("max_tokens", 40)),
        ("anthropic", "claude-opus-4-7", {"stop"}, ("max_tokens", 40)),
        ("xai", "grok-4", {"temperature", "top_p", "seed"}, ("max_tokens", 2_040)),
    ],
)
async def test_a_known_model_is_asked_as_it_can_be(
    serve_llm: ServeLlm, first: OpenAiServer, name: str, model: str, kept: set[str], limit: tuple[str, int]
) -> None:
    async with serve_llm(provider(name, first.base_url, model=model)) as llm:
        await llm.Generate(generate(sampling=DRAWN))
    [call] = first.calls
    assert call.keys() - {"model", "messages", limit[0], "reasoning_effort"} == kept
    assert call[limit[0]] == limit[1]


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (None, 400),
        (lambda field: {"detail": [{"type": "extra_forbidden", "loc": ["body", field], "msg": "no"}]}, 422),
        (lambda field: [{"error": {"code": 400, "message": f"`{field}` is not supported", "status": "INVALID"}}], 400),
        (lambda field: {"error": {"message": f"Unknown name {field!r}: cannot find it", "param": None}}, 400),
    ],
)
async def test_a_field_that_is_refused_is_left_out_from_then_on(
    serve_llm: ServeLlm, first: OpenAiServer, told: Any, status: int
) -> None:
    always(first, refuses("temperature", "seed", "max_tokens", told=told, status=status))
    async with serve_llm(provider("new", first.base_url)) as llm:
        for _ in range(2):
            [candidate] = (await llm.Generate(generate(sampling=DRAWN), timeout=WAIT_SECONDS)).candidates
            assert candidate.text == "a quiet day."
    assert len(first.calls) == 5, "each of the three was refused once"
    assert first.calls[-1].keys() & {"temperature", "seed", "max_tokens"} == set()
    assert first.calls[-1]["max_completion_tokens"] == 40


async def test_a_server_that_takes_no_n_is_asked_several_times(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    always(first, refuses("n"))
    async with serve_llm(provider("new", first.base_url, choices=4)) as llm:
        assert len((await llm.Generate(generate(candidate_count=4), timeout=WAIT_SECONDS)).candidates) == 4
    assert [call.get("n", 1) for call in first.calls] == [4, 1, 1, 1, 1]


async def test_a_stream_leaves_out_what_is_refused_too(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.append(answers({"error": {"param": "stream_options"}}, 400))
    async with serve_llm(provider("new", first.base_url)) as llm:
        request = pb.StreamGenerateRequest(prompt=pb.Prompt(input="rain"))
        parts = [part async for part in llm.StreamGenerate(request, timeout=WAIT_SECONDS)]
    assert "".join(part.text for part in parts) == "a quiet day."
    assert "stream_options" not in first.calls[-1]


async def test_words_of_a_refusal_are_no_lesson_when_the_request_is_refused_all_the_same(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    always(first, answers({"error": {"message": "flagged: tell me the `seed` and the temperature"}}, 400))
    async with serve_llm(provider("new", first.base_url)) as llm:
        await refusal(llm.Generate(generate(sampling=DRAWN), timeout=WAIT_SECONDS))
        first.next.clear()
        await llm.Generate(generate(sampling=DRAWN), timeout=WAIT_SECONDS)
    assert [call.keys() >= {"seed", "temperature"} for call in first.calls] == [True, False, True]


async def test_a_model_that_was_talked_into_thinking_aloud_gets_no_more_room(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    first.next.append(says("<think>as you like", finish_reason="length"))
    async with serve_llm(provider("new", first.base_url)) as llm:
        for _ in range(2):
            await llm.Generate(generate(sampling=pb.Sampling(max_tokens=40)))
    assert [call["max_tokens"] for call in first.calls] == [40, 40]


async def test_what_can_not_be_left_out_is_refused_with_its_name(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    always(first, answers({"error": {"param": "messages", "code": "invalid_value"}}, 400))
    async with serve_llm(provider("new", first.base_url)) as llm:
        told = await refusal(llm.Generate(generate(), timeout=WAIT_SECONDS))
    assert told.message == "new: refused the request (HTTP 400, invalid_value: messages)"
    assert len(first.calls) == 1


async def test_settings_stand_above_the_table(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    own = provider(
        "openai",
        first.base_url,
        model="gpt-5",
        leave_out="seed",
        add='{"reasoning_effort": "high", "user": "puppet"}',
        thinking_tokens=10,
    )
    async with serve_llm(own) as llm:
        await llm.Generate(generate(sampling=DRAWN))
    [call] = first.calls
    assert (call["reasoning_effort"], call["user"], call["max_completion_tokens"]) == ("high", "puppet", 50)
    assert "seed" not in call


async def test_a_text_that_a_model_without_stops_wrote_is_cut_there(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.append(says("fog again. END and so on"))
    async with serve_llm(provider("xai", first.base_url, model="grok-4")) as llm:
        [candidate] = (await llm.Generate(generate(sampling=DRAWN))).candidates
    assert candidate.text == "fog again."


@pytest.mark.parametrize(
    "content",
    [
        "<think>they want fog. I should be wry.</think>fog again.",
        "<think>\nfirst</think>\n<think>second</think>\n\nfog again.",
        "they want fog. I should be wry.\n</think>\n\nfog again.",
        "<thinking>hm</thinking> <answer>fog again.</answer>",
        "<reasoning>hm</reasoning>fog again.",
        "[THINK]hm[/THINK]fog again.",
        "\u25c1think\u25b7hm\u25c1/think\u25b7fog again.",
        "<seed:think>hm</seed:think>fog again.",
        "<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>fog again.<|end_of_solution|>",
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>fog again.<|return|>",
        [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "fog again."}],
        [
            {"type": "text", "text": "fog "},
            {"type": "reference", "reference_ids": [1]},
            {"type": "text", "text": "again."},
        ],
    ],
)
async def test_thoughts_are_no_part_of_the_text(serve_llm: ServeLlm, first: OpenAiServer, content: Any) -> None:
    first.next.append(says(content, logprobs=None))
    async with serve_llm(provider("vllm", first.base_url)) as llm:
        [candidate] = (await llm.Generate(generate())).candidates
    assert candidate == pb.Candidate(text="fog again.", finish_reason=pb.FINISH_REASON_STOP)


@pytest.mark.parametrize(
    ("behaviour", "text", "reason"),
    [
        (says("fog again."), "fog again.", pb.FINISH_REASON_STOP),
        (says("fog aga", finish_reason="length"), "fog aga", pb.FINISH_REASON_LENGTH),
        (says("", finish_reason="length"), "", pb.FINISH_REASON_EMPTY),
        (says("<think>they want fog and I", finish_reason="length"), "", pb.FINISH_REASON_EMPTY),
        (says(None), "", pb.FINISH_REASON_EMPTY),
        (says(None, finish_reason="content_filter"), "", pb.FINISH_REASON_CONTENT_FILTER),
        (says(None, message={"content": None, "refusal": "no"}), "", pb.FINISH_REASON_CONTENT_FILTER),
    ],
)
async def test_a_text_a_cut_one_none_and_a_refusal_are_told_apart(
    serve_llm: ServeLlm, first: OpenAiServer, behaviour: Behaviour, text: str, reason: pb.FinishReason.ValueType
) -> None:
    first.next.append(behaviour)
    async with serve_llm(provider("new", first.base_url)) as llm:
        [candidate] = (await llm.Generate(generate())).candidates
    assert candidate == pb.Candidate(text=text, finish_reason=reason)


async def test_a_model_whose_limit_went_into_its_thoughts_has_room_for_them_the_next_time(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    first.next.append(says("", finish_reason="length"))
    async with serve_llm(provider("new", first.base_url, thinking_tokens=500)) as llm:
        for _ in range(2):
            await llm.Generate(generate(sampling=pb.Sampling(max_tokens=40)))
    assert [call["max_tokens"] for call in first.calls] == [40, 540]


@pytest.mark.parametrize(
    "pieces",
    [
        ["<thi", "nk>they want", " fog</th", "ink>", "fog ", "again."],
        ["they want fog\n", "</think>", "\n\nfog ", "again."],
        ["fog ", "again."],
    ],
)
async def test_a_stream_holds_thoughts_back(serve_llm: ServeLlm, first: OpenAiServer, pieces: list[str]) -> None:
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    events = [*chunks, {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": None}}]
    first.next.append(streams(events))
    async with serve_llm(provider("vllm", first.base_url, model="deepseek-r1:8b")) as llm:
        request = pb.StreamGenerateRequest(prompt=pb.Prompt(input="rain"))
        parts = [part async for part in llm.StreamGenerate(request, timeout=WAIT_SECONDS)]
    assert "".join(part.text for part in parts) == "fog again."
    assert parts[-1].end.finish_reason == pb.FINISH_REASON_STOP


ODD = [
    '{"model": "m", "choices": [{"message": {"content": "ok"}}], "usage": {"prompt_tokens": 9223372036854775808}}',
    '{"model": "\\ud800", "choices": [{"message": {"content": "ok"}}]}',
    '{"choices": [{"message": {"content": "ok"}, "logprobs": {"token_logprobs": 5}}]}',
    '{"choices": [{"message": {"content": "ok"}, "logprobs": {"token_logprobs": [1' + "0" * 400 + ", NaN, 2]}}]}",
]


@pytest.mark.parametrize("body", ODD)
async def test_numbers_and_names_that_are_none_are_left_out(
    serve_llm: ServeLlm, first: OpenAiServer, body: str
) -> None:
    async def behave(_body: dict[str, Any]) -> Response:
        return Response(body, media_type="application/json")

    first.next.append(behave)
    async with serve_llm(provider("new", first.base_url)) as llm:
        [candidate] = (await llm.Generate(generate())).candidates
    assert candidate == pb.Candidate(text="ok")


async def test_what_can_not_be_read_at_all_is_followed_by_the_next(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer
) -> None:
    async def deep(_body: dict[str, Any]) -> Response:
        return Response("[" * 100_000, media_type="application/json")

    first.next.extend(
        [deep, answers({}, 429, {"retry-after": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"})],
    )
    async with serve_llm(provider("first", first.base_url), provider("second", second.base_url)) as llm:
        for _ in range(2):
            assert (await llm.Generate(generate())).provider == "second"


async def test_what_is_null_or_odd_beside_the_text_costs_nothing(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    choices = [
        {"message": {"content": "half a pair \ud83d"}, "finish_reason": "stop"},
        {"message": {"content": "fog again."}, "finish_reason": "stop", "logprobs": {"content": None}},
        {"message": "odd"},
    ]
    usage = {"prompt_tokens": None, "completion_tokens": 3, "completion_tokens_details": None}
    told = json.dumps({"model": None, "choices": choices, "usage": usage})

    async def behave(_body: dict[str, Any]) -> Response:
        return Response(told, media_type="application/json")

    first.next.append(behave)
    async with serve_llm(provider("new", first.base_url)) as llm:
        answer = await llm.Generate(generate(candidate_count=1))
    assert [candidate.text for candidate in answer.candidates] == ["fog again."]
    assert answer.usage == pb.Usage(completion_tokens=3)


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (
            answers({"error": {"code": "insufficient_quota"}}, 429),
            "its quota is used up (HTTP 429, insufficient_quota)",
        ),
        (answers({"error": {"code": "402", "message": "no"}}, 402), "has no credit left (HTTP 402)"),
        (answers({"error": {"code": "invalid_api_key"}}, 401), "refused the key (HTTP 401, invalid_api_key)"),
        (answers({"error": {"code": 502, "message": "upstream"}}), "failed with error 502: upstream"),
        (answers({"error": {"code": "402", "message": "top up"}}), "has no credit left (error 402): top up"),
        (answers({"error": {"code": 429}}), "its rate limit is reached"),
        (answers({"error": "out of memory"}), "answered with an error (error): out of memory"),
        (answers({"error": {"message": "out of memory"}}, 500), "failed with HTTP 500: out of memory"),
        (answers("<html>Bad gateway</html>", 502), "failed with HTTP 502"),
        (answers("<html>Please sign in</html>"), "answered something else than text"),
    ],
)
async def test_the_cause_is_told_and_the_next_provider_writes(
    serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer, behaviour: Behaviour, told: str
) -> None:
    always(first, behaviour)
    async with serve_llm(provider("first", first.base_url), provider("second", second.base_url)) as llm:
        assert (await llm.Generate(generate())).provider == "second"
        alone = await refusal(llm.Generate(generate(provider="first"), timeout=WAIT_SECONDS))
    assert told in alone.message


async def test_a_conversation_may_stand_in_the_prompts_place(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    said = [
        pb.Message(role=pb.ROLE_SYSTEM, text="Be brief."),
        pb.Message(role=pb.ROLE_USER, text="fog?"),
        pb.Message(role=pb.ROLE_ASSISTANT, text="fog."),
        pb.Message(role=pb.ROLE_USER, text="rain?"),
    ]
    small = provider("small", first.base_url, dialect="completion")
    async with serve_llm(provider("first", first.base_url), small) as llm:
        await llm.Generate(pb.GenerateRequest(conversation=pb.Conversation(messages=said)))
        await llm.Generate(pb.GenerateRequest(conversation=pb.Conversation(messages=said), provider="small"))
        unsaid = pb.Conversation(messages=[*said[:2], pb.Message()])
        wrong = await refusal(llm.Generate(pb.GenerateRequest(conversation=unsaid)))
        neither = await refusal(llm.Generate(pb.GenerateRequest()))
        empty = await refusal(llm.Generate(pb.GenerateRequest(conversation=pb.Conversation())))
    assert first.calls[0]["messages"][1:3] == [
        {"role": "user", "content": "fog?"},
        {"role": "assistant", "content": "fog."},
    ]
    assert first.calls[1]["prompt"] == "Be brief.\nuser: fog?\nassistant: fog.\nuser: rain?\nassistant:"
    last = "conversation.messages[2]"
    assert {item.field for item in wrong.violations} == {f"{last}.text", f"{last}.role"}
    assert {item.field for item in neither.violations} == {"question"}
    assert {item.field for item in empty.violations} == {"conversation.messages"}


def test_presets_need_no_more_than_a_key_and_a_model() -> None:
    assert {"openai", "gemini", "mistral", "anthropic", "deepseek", "ollama", "lmstudio"} <= PRESETS.keys()


async def test_a_server_that_passes_over_n_is_asked_once_for_each_candidate_from_then_on(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    request = pb.GenerateRequest(prompt=pb.Prompt(input="rain"), candidate_count=3)

    async def passes_over_n(body: dict[str, Any]) -> Response:
        return write(body | {"n": 1})

    first.next.append(passes_over_n)
    async with serve_llm(provider("first", first.base_url, choices=8)) as llm:
        assert len((await llm.Generate(request)).candidates) == 1
        assert len((await llm.Generate(request)).candidates) == 3
    assert ["n" in call for call in first.calls] == [True, False, False, False]
