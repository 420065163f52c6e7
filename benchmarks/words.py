"""`python -m benchmarks.words` prints what the llm service adds to a call of the SDK to the same local server.

The server answers at once, so that what is measured is the way alone: without a price, and with one, for which money
is reserved before the call. Rounds alternate, so that a change of the machine's speed hits all alike.
"""

import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import uvicorn
from openai import AsyncOpenAI, OpenAIError
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from puppet.llm.v1 import llm_service_pb2 as pb
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from puppetctl.clients import proof_in
from services.runtime.rpc.client import open_channel

_ROUNDS, _CALLS, _WARM = 5, 100, 30
_USAGE = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
_MESSAGES: list[Any] = [{"role": "user", "content": "rain"}]
_SERVE = "serve"

Call = Callable[[], Awaitable[object]]


def app() -> Starlette:
    """Return a server that answers the same at once, whole or as a stream."""

    async def answer(request: Request) -> Response:
        body = await request.json()
        if not body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": "a quiet day."}, "finish_reason": "stop"}
            return JSONResponse({"model": "small", "choices": [choice], "usage": _USAGE})

        async def events() -> AsyncIterator[str]:
            for word in ("a ", "quiet ", "day."):
                piece = {"model": "small", "choices": [{"index": 0, "delta": {"content": word}}]}
                yield f"data: {json.dumps(piece)}\n\n"
            ending = {"model": "small", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            yield f"data: {json.dumps(ending)}\n\n"
            yield f"data: {json.dumps({'model': 'small', 'choices': [], 'usage': _USAGE})}\n\ndata: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])


async def main() -> None:
    """Measure, and print the medians."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as programs:
        url = f"http://127.0.0.1:{_free_port()}/v1"
        programs.enter_context(_running(["-m", "benchmarks.words", _SERVE, url.split(":")[2].partition("/")[0]], {}))
        port = _free_port()
        programs.enter_context(_running(["-m", "services.llm"], _settings(port, folder, url)))
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as sdk:
            await _served(lambda: sdk.chat.completions.create(model="small", messages=_MESSAGES))
            proof = await _proof(Path(folder))
            async with open_channel(f"127.0.0.1:{port}", "llm", proof) as channel:
                llm = LlmServiceStub(channel)
                await _served(lambda: llm.Generate(_request("free")))
                await _show(sdk, llm)


async def _show(sdk: AsyncOpenAI, llm: LlmServiceStub) -> None:
    whole: dict[str, Call] = {
        "the SDK alone": lambda: sdk.chat.completions.create(model="small", messages=_MESSAGES),
        "the service, free": lambda: llm.Generate(_request("free")),
        "the service, reserved and counted": lambda: llm.Generate(_request("priced")),
    }
    first: dict[str, Call] = {
        "the SDK alone": lambda: _first_piece(sdk),
        "the service, free": lambda: _first_text(llm, "free"),
        "the service, reserved and counted": lambda: _first_text(llm, "priced"),
    }
    table = Table("", "a whole answer, p50 ms", "the first token, p50 ms")
    answers, tokens = await _medians(whole), await _medians(first)
    for name, taken in answers.items():
        table.add_row(name, f"{taken:.2f}", f"{tokens[name]:.2f}")
    Console().print(table)


async def _medians(calls: dict[str, Call]) -> dict[str, float]:
    """Return the median of each call in milliseconds, over all rounds."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(_ROUNDS + 1):
        for name, call in calls.items():
            for _ in range(_CALLS if number else _WARM):
                started = time.perf_counter()
                await call()
                if number:
                    taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(each) * 1000 for name, each in taken.items()}


async def _first_piece(sdk: AsyncOpenAI) -> None:
    async with await sdk.chat.completions.create(model="small", messages=_MESSAGES, stream=True) as stream:
        await anext(aiter(stream))


async def _first_text(llm: LlmServiceStub, provider: str) -> None:
    call = llm.StreamGenerate(pb.StreamGenerateRequest(provider=provider, prompt=pb.Prompt(input="rain")))
    await anext(aiter(call))
    call.cancel()


def _request(provider: str) -> pb.GenerateRequest:
    return pb.GenerateRequest(provider=provider, prompt=pb.Prompt(input="rain"), agent_id="agt_a")


def _settings(port: int, folder: str, url: str) -> dict[str, str]:
    providers = {"FREE": {}, "PRICED": {"USD_PER_MILLION": "0.15,0.60"}}
    settings = {"PORT": str(port), "DATA_DIR": folder, "PROVIDERS": "free,priced", "LOG_LEVEL": "WARNING"}
    for name, more in providers.items():
        own = {"BASE_URL": url, "MODEL": "small", **more}
        settings |= {f"{name}_{field}": value for field, value in own.items()}
    return {f"PUPPET_LLM_{name}": value for name, value in settings.items()}


@contextlib.contextmanager
def _running(arguments: list[str], settings: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, *arguments], env=os.environ | settings)  # noqa: S603 -- our own programs
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def _served(call: Call) -> None:
    """Wait until a call is answered, as its server starts."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(grpc.aio.AioRpcError, OpenAIError):
                await call()
                return
            await asyncio.sleep(0.1)


async def _proof(folder: Path) -> Any:
    async with asyncio.timeout(60):
        while not (folder / "auth" / "credentials" / "operator.json").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return proof_in({}, folder)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


if __name__ == "__main__":
    if sys.argv[1:2] == [_SERVE]:
        uvicorn.run(app(), port=int(sys.argv[2]), log_level="error", access_log=False)
    else:
        asyncio.run(main())
