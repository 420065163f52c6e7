"""A small OpenAI-compatible server that really listens, and fails in the ways in which such servers fail."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.support.http import listening

Behaviour = Callable[[dict[str, Any]], Awaitable[Response]]

WORDS = ("a ", "quiet ", "day.")
USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


class OpenAiServer:
    """Writes `a quiet day.` unless `next` holds something else to do; `calls` and `keys` are what it was asked."""

    def __init__(self) -> None:
        self.base_url = ""
        self.calls: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.next: deque[Behaviour] = deque()
        self.model_names: Sequence[str] = ("small", "large")
        self.at_once = self.most_at_once = 0
        self.left = asyncio.Event()
        """Set when a caller went away before a stream was over."""

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/completions", self._call, methods=["POST"]),
                Route("/v1/chat/completions", self._call, methods=["POST"]),
                Route("/v1/responses", self._call, methods=["POST"]),
                Route("/v1/embeddings", self._call, methods=["POST"]),
            ]
        )

    async def _models(self, _request: Request) -> Response:
        if self.next:
            return await self.next.popleft()({})
        return JSONResponse({"object": "list", "data": [{"id": name} for name in self.model_names]})

    async def _call(self, request: Request) -> Response:
        body = await request.json()
        self.calls.append(body)
        self.keys.append(request.headers["authorization"])
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            # Lets the other calls that were sent at once arrive.
            await asyncio.sleep(0.01)
            if self.next:
                return await self.next.popleft()(body)
            return self._usual(request.url.path, body)
        finally:
            self.at_once -= 1

    def _usual(self, path: str, body: dict[str, Any]) -> Response:
        if path.endswith("/embeddings"):
            return embed(body)
        if path.endswith("/responses"):
            return respond_in_events(body) if body.get("stream") else respond(body)
        return stream(body) if body.get("stream") else write(body)

    async def endless(self, _body: dict[str, Any]) -> Response:
        """Stream until the caller goes away."""

        async def events() -> AsyncIterator[str]:
            try:
                while True:
                    yield _event({"model": "small", "choices": [{"delta": {"content": "on and "}}]})
                    await asyncio.sleep(0.005)
            finally:
                self.left.set()

        return StreamingResponse(events(), media_type="text/event-stream")


@asynccontextmanager
async def openai_server() -> AsyncIterator[OpenAiServer]:
    """Serve on a free port; a call that hangs is not waited for, and a stream that breaks off is no news."""
    openai = OpenAiServer()
    async with listening(openai.app(), at_once=True, log_level="critical") as url:
        openai.base_url = f"{url}/v1"
        yield openai


def write(body: dict[str, Any]) -> Response:
    """Answer with `n` candidates, as OpenAI does; a completion has llama.cpp's kind of probabilities."""
    choices: list[dict[str, Any]] = []
    for index in range(body.get("n", 1)):
        text = " " + "".join(WORDS)
        choice: dict[str, Any] = {"index": index, "finish_reason": "stop"}
        choice |= {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
        if body.get("logprobs"):
            choice["logprobs"] = {"content": [{"token": word, "logprob": -0.5} for word in WORDS]}
        choices.append(choice)
    return JSONResponse({"model": body.get("model", "small"), "choices": choices, "usage": USAGE})


def response(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return what the Responses API answers with: one message of these parts, after its thoughts."""
    message = {"type": "message", "role": "assistant", "content": list(parts)}
    usage = {
        "input_tokens": 11,
        "output_tokens": 9,
        "input_tokens_details": {"cached_tokens": 4},
        "output_tokens_details": {"reasoning_tokens": 6},
    }
    output = [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, message]
    return {"status": "completed", "model": "small", "error": None, "output": output, "usage": usage, **fields}


def output_text(text: str) -> dict[str, Any]:
    """Return a part of a message of the Responses API."""
    return {"type": "output_text", "text": text, "annotations": []}


def respond(_body: dict[str, Any]) -> Response:
    """Answer as the Responses API does."""
    return JSONResponse(response(output_text("".join(WORDS))))


def text_events(*words: str) -> list[dict[str, Any]]:
    """Return the events of a text of the Responses API before its end."""
    created = {"type": "response.created", "response": {"status": "in_progress", "model": "small", "error": None}}
    added = {"type": "response.output_item.added", "item": {"type": "message", "id": "msg_1", "content": []}}
    pieces = [{"type": "response.output_text.delta", "item_id": "msg_1", "delta": word} for word in words]
    return [created, added, *pieces, {"type": "response.output_text.done", "text": "".join(words)}]


def respond_in_events(_body: dict[str, Any]) -> Response:
    """Answer piece by piece, as the Responses API does."""
    done = {"type": "response.completed", "response": response(output_text("".join(WORDS)))}
    return _streaming([*text_events(*WORDS), done])


def embed(body: dict[str, Any]) -> Response:
    """Answer with a vector for each text, of three dimensions unless others are asked for."""
    count = body.get("dimensions", 3)
    rows = [{"index": at, "embedding": [float(len(text))] * count} for at, text in enumerate(body["input"])]
    return JSONResponse({"model": body.get("model", "small"), "data": rows, "usage": {"prompt_tokens": 11}})


def stream(body: dict[str, Any]) -> Response:
    """Answer piece by piece."""
    return _streaming([*_pieces(body), {"choices": [{"finish_reason": "stop"}]}, {"choices": [], "usage": USAGE}])


def answers(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Behaviour:
    """Answer with this JSON, or with HTML when it is a text."""

    async def behave(_body: dict[str, Any]) -> Response:
        if isinstance(content, str):
            return HTMLResponse(content, status, headers)
        return JSONResponse(content, status, headers)

    return behave


def streams(events: Sequence[dict[str, Any]]) -> Behaviour:
    """Stream these events."""

    async def behave(_body: dict[str, Any]) -> Response:
        return _streaming(events)

    return behave


def breaks_off(*, politely: bool = False, error: bool = False) -> Behaviour:
    """Stream the text without its end: the connection is cut, ends as if all were well, or reports an error."""

    async def behave(body: dict[str, Any]) -> Response:
        events: list[dict[str, Any]] = _pieces(body)
        if error:
            events.append({"error": {"message": "out of memory", "code": "oom"}})
        return _streaming(events, cut=not politely and not error)

    return behave


async def hangs(_body: dict[str, Any]) -> Response:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


def _pieces(body: dict[str, Any]) -> list[dict[str, Any]]:
    chat = "messages" in body
    return [{"model": "small", "choices": [{"delta": {"content": word}} if chat else {"text": word}]} for word in WORDS]


def _streaming(events: Sequence[dict[str, Any]], *, cut: bool = False) -> Response:
    async def body() -> AsyncIterator[str]:
        for event in events:
            yield _event(event)
        if not cut:
            yield "data: [DONE]\n\n"

    # A promised length that isn't kept is what a caller sees of a connection that is cut.
    headers = {"content-length": "100000"} if cut else None
    return StreamingResponse(body(), media_type="text/event-stream", headers=headers)


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"
