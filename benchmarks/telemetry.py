"""What it costs a call, and an action of a character, that they are told: in the process, sending apart."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import grpc
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from services.runtime import telemetry
from services.runtime.rpc.instrumentation import ClientCall, ServerCall
from services.runtime.telemetry.sdk import collecting

ROUNDS, TIMES = 5, 2_000
STEPS = 7
"""So many steps has a post, and each of them calls about one other service."""

_METHOD = "/puppet.memory.v1.MemoryService/GetMemory"


class _Nowhere(SpanExporter):
    """Takes everything, at once."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


class _Ended:
    """A call that has its answer."""

    async def code(self) -> Any:
        return grpc.StatusCode.OK


async def measure() -> dict[str, tuple[float, float]]:
    """Return milliseconds without and with telemetry, by what is done: the medians of several rounds."""
    kinds: dict[str, Callable[[], Awaitable[None]]] = {
        "a served call": _serve,
        "a call made": _call,
        f"an action of {STEPS} steps": _act,
    }
    off: dict[str, list[float]] = {name: [] for name in kinds}
    on: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, work in kinds.items():
            off[name].append(await _each(work))
            with collecting("bench", [BatchSpanProcessor(_Nowhere())], [InMemoryMetricReader()]):
                on[name].append(await _each(work))
    return {name: (statistics.median(off[name]), statistics.median(on[name])) for name in kinds}


async def _each(work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    for _ in range(TIMES):
        await work()
    return (time.perf_counter() - started) / TIMES * 1000


async def _serve() -> None:
    ServerCall(_METHOD, {telemetry.TRACE_KEY: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}).tell()


async def _call() -> None:
    if telemetry.is_exported():
        made = ClientCall(_METHOD)
        _send(made.header)
        made.watch(_Ended())
        await asyncio.sleep(0)
    else:
        _send(telemetry.trace_parent())


def _send(header: str) -> None:
    """Do nothing with it: what gRPC does with a header isn't measured here."""


async def _act() -> None:
    telemetry.begin_trace("post/bench/2026-01-01T00:00:00+00:00")
    with telemetry.span("workflow", puppet__agent__id="bench"):
        for _ in range(STEPS):
            with telemetry.span("step"):
                await _call()
