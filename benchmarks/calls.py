"""How long a unary call takes, and how many are served a second, beside the bare echo."""

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from benchmarks.echo import METHOD
from services.runtime.rpc.client import Proof, open_channel
from services.runtime.rpc.credentials import Credential

Call = Callable[[], Awaitable[object]]

ROUNDS, QUICK_ROUNDS = 5, 2
SEQUENTIAL = 300
CONCURRENT = 1_200
CALLERS = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of all rounds: milliseconds of one call alone, and calls a second from 32 callers."""

    p50_ms: float
    per_second: float


async def measure(calls: dict[str, Call], rounds: int = ROUNDS) -> dict[str, Figures]:
    """Measure each call in turn, round by round, so that a change of the machine's speed hits all alike."""
    alone: dict[str, list[float]] = {name: [] for name in calls}
    together: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        await sequential(call, 50)
    for _ in range(rounds):
        for name, call in calls.items():
            alone[name].append(statistics.median(await sequential(call, SEQUENTIAL)))
            together[name].append(await concurrent(call))
    return {name: Figures(statistics.median(alone[name]) * 1000, statistics.median(together[name])) for name in calls}


async def sequential(call: Call, times: int) -> list[float]:
    """Return the seconds that each of so many calls takes, one after the other."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await call()
        taken.append(time.perf_counter() - started)
    return taken


async def concurrent(call: Call, times: int = CONCURRENT) -> float:
    """Return how many calls a second are served to 32 callers."""
    left = times

    async def caller() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return times / (time.perf_counter() - started)


@contextlib.asynccontextmanager
async def echo_process() -> AsyncIterator[tuple[int, int]]:
    """Run the bare echo server in a process of its own; the value is its id, and its port."""
    process = subprocess.Popen(  # noqa: ASYNC220  # one line is awaited from it, and it is our own module
        [sys.executable, "-m", "benchmarks.echo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = int(await asyncio.to_thread(process.stdout.readline))
    try:
        yield process.pid, port
    finally:
        process.communicate()


@contextlib.asynccontextmanager
async def echo() -> AsyncIterator[Call]:
    """Call the bare echo server."""
    async with echo_process() as (_, port), grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield _echoed(channel)


@contextlib.asynccontextmanager
async def prepared_echo(credential: Credential) -> AsyncIterator[Call]:
    """Call it over a channel of ours, with the deadline, the trace and the token that every call to a service has."""
    async with echo_process() as (_, port), open_channel(f"127.0.0.1:{port}", "echo", Proof(credential)) as channel:
        yield _echoed(channel)


def _echoed(channel: grpc.aio.Channel) -> Call:
    call = channel.unary_unary(METHOD, StringValue.SerializeToString, StringValue.FromString)
    request = StringValue(value="hello")
    return lambda: call(request)
