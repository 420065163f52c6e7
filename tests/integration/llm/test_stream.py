"""Text piece by piece through the wire."""

import asyncio
from typing import Any

import grpc
import pytest

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from tests.integration.llm.conftest import ServeLlm, provider
from tests.integration.llm.openai_server import Behaviour, OpenAiServer, answers, breaks_off, hangs, streams
from tests.support.refusals import refusal
from tests.support.waits import WAIT_SECONDS

REQUEST = pb.StreamGenerateRequest(agent_id="agt_a", prompt=pb.Prompt(input="rain"))
END = pb.StreamEnd(
    finish_reason=pb.FINISH_REASON_STOP,
    model="small",
    usage=pb.Usage(prompt_tokens=11, completion_tokens=3),
    cost_usd="0",
    budget_state=pb.BUDGET_STATE_FINE,
)


async def streamed(llm: LlmServiceStub) -> tuple[str, pb.StreamEnd]:
    parts = [part async for part in llm.StreamGenerate(REQUEST, timeout=WAIT_SECONDS)]
    assert all(part.text for part in parts[:-1])
    return "".join(part.text for part in parts), parts[-1].end


@pytest.mark.parametrize("dialect", ["chat", "completion"])
async def test_the_pieces_come_first_and_the_usage_last(serve_llm: ServeLlm, first: OpenAiServer, dialect: str) -> None:
    async with serve_llm(provider("first", first.base_url, dialect=dialect)) as llm:
        text, end = await streamed(llm)
    assert text == "a quiet day."
    attempts = [pb.Attempt(provider="first")]
    told = {field.name: value for field, value in END.ListFields()}
    assert end == pb.StreamEnd(provider="first", attempts=attempts, **told)
    assert first.calls[0]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("failure", [answers({}, 503), answers("<html>502</html>", 502), answers("<html></html>")])
async def test_before_the_first_piece_the_next_provider_is_asked(
    llm: LlmServiceStub, first: OpenAiServer, failure: Behaviour
) -> None:
    first.next.append(failure)
    text, end = await streamed(llm)
    assert (text, end.provider) == ("a quiet day.", "second")


async def test_a_stream_that_never_begins_leaves_time_for_the_next(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(hangs)
    parts = [part async for part in llm.StreamGenerate(REQUEST, timeout=6)]
    assert parts[-1].end.provider == "second"


@pytest.mark.parametrize(
    ("cut", "told_of"),
    [
        (breaks_off(), "broke off"),
        (breaks_off(politely=True), "broke off"),
        (breaks_off(error=True), "answered with an error (oom): out of memory"),
    ],
)
async def test_a_stream_that_breaks_off_ends_with_an_error_after_its_pieces(
    llm: LlmServiceStub, first: OpenAiServer, second: OpenAiServer, cut: Behaviour, told_of: str
) -> None:
    first.next.append(cut)
    stream = llm.StreamGenerate(REQUEST, timeout=WAIT_SECONDS)
    pieces = [(await anext(aiter(stream))).text for _ in range(3)]
    told = await refusal(anext(aiter(stream)))
    assert "".join(pieces) == "a quiet day."
    assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert told_of in told.message
    assert second.calls == []


async def test_a_stream_ends_at_a_stop_text_that_its_model_goes_on_after(
    serve_llm: ServeLlm, first: OpenAiServer
) -> None:
    pieces: list[dict[str, Any]] = [{"choices": [{"delta": {"content": word}}]} for word in ("fog E", "N", "D and on")]
    first.next.append(streams([*pieces, {"choices": [{"finish_reason": "length"}]}]))
    request = pb.StreamGenerateRequest(prompt=REQUEST.prompt, sampling=pb.Sampling(stop=["END"]))
    async with serve_llm(provider("xai", first.base_url, model="grok-4")) as llm:
        parts = [part async for part in llm.StreamGenerate(request, timeout=WAIT_SECONDS)]
    assert "".join(part.text for part in parts) == "fog"
    assert parts[-1].end.finish_reason == pb.FINISH_REASON_STOP


async def test_a_refusal_in_pieces_is_one(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    pieces: list[dict[str, Any]] = [{"choices": [{"delta": {"refusal": word}}]} for word in ("I ", "won't")]
    first.next.append(streams([*pieces, {"choices": [{"finish_reason": "stop"}]}]))
    async with serve_llm(provider("first", first.base_url)) as llm:
        text, end = await streamed(llm)
    assert (text, end.finish_reason) == ("", pb.FINISH_REASON_CONTENT_FILTER)


async def test_a_caller_that_leaves_ends_the_provider_s_stream(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(first.endless)
    stream = llm.StreamGenerate(REQUEST)
    async for part in stream:
        assert part.text
        stream.cancel()
        break
    async with asyncio.timeout(WAIT_SECONDS):
        await first.left.wait()


async def test_a_caller_whose_time_is_up_ends_the_provider_s_stream(llm: LlmServiceStub, first: OpenAiServer) -> None:
    first.next.append(first.endless)
    stream = llm.StreamGenerate(REQUEST, timeout=3)
    with pytest.raises(grpc.aio.AioRpcError):
        async for _ in stream:
            pass
    async with asyncio.timeout(WAIT_SECONDS):
        await first.left.wait()


async def test_a_limit_of_the_provider_holds_for_streams_too(serve_llm: ServeLlm, first: OpenAiServer) -> None:
    first.next.append(first.endless)
    async with serve_llm(provider("first", first.base_url, concurrency=1)) as llm:
        busy = llm.StreamGenerate(REQUEST)
        await anext(aiter(busy))
        with pytest.raises(grpc.aio.AioRpcError):
            await llm.Generate(pb.GenerateRequest(prompt=REQUEST.prompt), timeout=0.3)
        assert len(first.calls) == 1
        busy.cancel()
        await llm.Generate(pb.GenerateRequest(prompt=REQUEST.prompt), timeout=WAIT_SECONDS)
