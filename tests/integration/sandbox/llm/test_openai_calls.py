"""The language-model sandbox, called by the real OpenAI client."""

import time

import httpx2
import pytest
from openai import APIConnectionError, APITimeoutError, AsyncOpenAI, BadRequestError, RateLimitError

PROMPT = "topic: fog\npost: the fog came in early.\n\ntopic: tea\npost: tea number four.\n\ntopic: rain\npost:"


async def test_the_model_is_listed_by_its_name_and_not_by_its_path(openai: AsyncOpenAI) -> None:
    [model] = [model.id async for model in openai.models.list()]
    assert model.startswith("SmolLM2-135M-Instruct.")


async def test_one_call_gives_several_choices_of_one_line_each(openai: AsyncOpenAI) -> None:
    answer = await openai.completions.create(
        model="local", prompt=PROMPT, n=4, max_tokens=24, temperature=0.9, stop=["\n"]
    )
    texts = [choice.text for choice in answer.choices]
    assert len(set(texts)) > 1
    assert len(texts) == 4
    assert not any("\n" in text for text in texts)


async def test_a_seed_repeats_the_answer(openai: AsyncOpenAI) -> None:
    async def write(seed: int) -> str:
        answer = await openai.completions.create(
            model="local", prompt=PROMPT, seed=seed, max_tokens=16, temperature=1.0, extra_body={"cache_prompt": False}
        )
        return answer.choices[0].text

    assert await write(7) == await write(7)


async def test_log_probabilities_come_with_each_token(openai: AsyncOpenAI) -> None:
    answer = await openai.completions.create(model="local", prompt=PROMPT, max_tokens=4, logprobs=1)
    # llama.cpp answers in the newer shape of the chat API, on which the client's type for completions is silent.
    given = answer.model_dump()["choices"][0]["logprobs"]["content"]
    assert len(given) == 4
    assert all(token["logprob"] <= 0 for token in given)


async def test_a_chat_is_answered(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.create(
        model="local", messages=[{"role": "user", "content": "Say hello."}], max_tokens=12
    )
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 12


async def test_a_stream_arrives_while_it_is_written(openai: AsyncOpenAI) -> None:
    stream = await openai.completions.create(
        model="local", prompt=PROMPT, max_tokens=32, stream=True, extra_body={"ignore_eos": True}
    )
    times = [time.monotonic() async for chunk in stream if chunk.choices]
    assert len(times) >= 32
    # Buffered chunks would all arrive within a few milliseconds; 32 tokens take ten times as long on any machine.
    assert times[-1] - times[0] > 0.05


async def test_a_text_gets_an_embedding(openai: AsyncOpenAI) -> None:
    answer = await openai.embeddings.create(model="local", input=["the sea", "the lamp"])
    assert [len(item.embedding) for item in answer.data] == [576, 576]


async def test_more_choices_than_slots_are_refused_by_name(openai: AsyncOpenAI) -> None:
    with pytest.raises(BadRequestError, match="'n'"):
        await openai.completions.create(model="local", prompt=PROMPT, n=9)


async def test_the_engine_stops_writing_when_the_caller_goes(openai: AsyncOpenAI) -> None:
    async def write(tokens: int, seconds: float) -> None:
        await openai.completions.create(
            model="local", prompt=PROMPT, n=8, max_tokens=tokens, timeout=seconds, extra_body={"ignore_eos": True}
        )

    with pytest.raises(APITimeoutError):
        await write(tokens=900, seconds=0.3)
    # All slots are wanted at once, so this waits for the abandoned call, which would take a minute or more.
    await write(tokens=1, seconds=20)


async def test_a_refusal_can_be_switched_on(openai: AsyncOpenAI, switches: httpx2.AsyncClient) -> None:
    fault = {"kind": "status", "status": 429, "route": "POST /v1/completions", "times": 1, "seconds": 1}
    (await switches.post("/faults", json=fault)).raise_for_status()
    with pytest.raises(RateLimitError):
        await openai.completions.create(model="local", prompt=PROMPT, max_tokens=1)
    assert (await openai.completions.create(model="local", prompt=PROMPT, max_tokens=1)).choices


async def test_an_answer_can_be_lost(openai: AsyncOpenAI, switches: httpx2.AsyncClient) -> None:
    fault = {"kind": "lost_answer", "route": "POST /v1/completions", "times": 1, "seconds": 0}
    (await switches.post("/faults", json=fault)).raise_for_status()
    with pytest.raises(APIConnectionError):
        await openai.completions.create(model="local", prompt=PROMPT, max_tokens=1)
