"""`python -m benchmarks.gateway`: calls by gRPC and by HTTP side by side, and 200 event streams with a slow reader."""

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from rich.console import Console
from rich.table import Table

from benchmarks.gateway.http import Connection
from benchmarks.start import memory_of
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppetctl.clients import Clients, connected, proof_in
from puppetctl.local.processes import Child, running
from puppetctl.suite import GATEWAY, PRINCIPALS, free_ports, plan_suite
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles

console = Console()

_IDLE_SECONDS = 15.0
_WARM_UP = 50
_AGENT = "odd"
_MEMORIES = 200


@dataclass(frozen=True, slots=True)
class World:
    """A suite with a gateway, and one character in it."""

    address: str
    gateway: Child
    clients: Clients
    token: str


async def main(calls: int, streams: int, events: int) -> None:
    """Measure one thing after the other."""
    with tempfile.TemporaryDirectory() as folder:
        async with world(Path(folder)) as found:
            await asyncio.sleep(_IDLE_SECONDS)
            idle = memory_of(found.gateway.pid)
            console.print(f"idle: {idle.resident:.0f} MiB RSS, {idle.once:.0f} MiB PSS")
            await compare(found, calls)
            for slow in (0, 1):
                await spread(found, streams, slow, events)


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Run a suite on free ports, at the speed of life, in which nothing happens by itself."""
    PrincipalFiles(folder / "auth").prepare(PRINCIPALS)
    environment = {"XDG_CONFIG_HOME": str(folder / "config")}
    suite = plan_suite(environment, folder, free_ports(), 1.0, has_gateway=True)
    async with running(suite.programs, folder / "logs", lambda _name, _what: None) as children:
        await asyncio.gather(*(child.wait_healthy() for child in children))
        where = {child.program.name: child.program.address for child in children}
        gateway = next(child for child in children if child.program.name == GATEWAY)
        operator = Credential.read(PrincipalFiles(folder / "auth").credential_path(OPERATOR))
        async with connected(where, proof_in({}, folder)) as clients:
            request = pb.CreateAgentRequest()
            request.persona.update({"id": _AGENT, "name": "Odd", "description": "A lighthouse keeper."})
            await clients.agents.CreateAgent(request)
            memories = [
                memory_pb.Memory(
                    text=f"Storm number {number} took a shutter, and I wrote it down.",
                    kind=memory_pb.MEMORY_KIND_GENERAL,
                    provenance=memory_pb.PROVENANCE_OPERATOR,
                )
                for number in range(_MEMORIES)
            ]
            await clients.memory.BatchCreateMemories(
                memory_pb.BatchCreateMemoriesRequest(agent_id=_AGENT, memories=memories)
            )
            yield World(where[GATEWAY], gateway, clients, operator.session(GATEWAY, 3600))


async def compare(found: World, count: int) -> None:
    """Show what HTTP adds to a call, which is made by turns in both ways."""
    http = await Connection.open(found.address, found.token)
    agents, memory = found.clients.agents, found.clients.memory
    pairs: dict[str, tuple[Callable[[], Awaitable[object]], Callable[[], Awaitable[object]]]] = {
        "GET /agents/{id}": (
            lambda: agents.GetAgent(pb.GetAgentRequest(id=_AGENT)),
            lambda: http.call("GET", f"/agents/{_AGENT}"),
        ),
        "GET /memory/{id}, a page of 50": (
            lambda: memory.ListMemories(memory_pb.ListMemoriesRequest(agent_id=_AGENT, page_size=50)),
            lambda: http.call("GET", f"/memory/{_AGENT}?limit=50"),
        ),
        "POST /memory/{id}/search": (
            lambda: memory.SearchMemories(memory_pb.SearchMemoriesRequest(agent_id=_AGENT, query="shutter")),
            lambda: http.call("POST", f"/memory/{_AGENT}/search", b'{"query": "shutter"}'),
        ),
        "POST /agents/{id}/mood": (
            lambda: agents.AdjustMood(pb.AdjustMoodRequest(agent_id=_AGENT, push=pb.MoodPush(valence=0.01))),
            lambda: http.call("POST", f"/agents/{_AGENT}/mood", b'{"push": {"valence": 0.01}}'),
        ),
    }
    table = Table("call", title=f"{count} of each, by turns, in ms")
    for title in ("gRPC p50", "HTTP p50", "more", "gRPC p99", "HTTP p99"):
        table.add_column(title, justify="right")
    for name, ways in pairs.items():
        taken: tuple[list[float], list[float]] = ([], [])
        for number in range(count + _WARM_UP):
            for way, seconds in zip(ways, taken, strict=True):
                began = time.perf_counter()
                await way()
                if number >= _WARM_UP:
                    seconds.append(time.perf_counter() - began)
        direct, over = (_percentiles(seconds) for seconds in taken)
        table.add_row(
            name, *(f"{1000 * it:.2f}" for it in (direct[0], over[0], over[0] - direct[0], direct[1], over[1]))
        )
    console.print(table)
    http.close()


async def spread(found: World, count: int, slow: int, events: int) -> None:
    """Show how soon an event reaches all readers, of which some take nothing."""
    readers = [await Connection.open(found.address, found.token) for _ in range(count)]
    for reader in readers:
        await reader.stream("/stream")
    fast = readers[slow:]
    before = memory_of(found.gateway.pid)
    happened = 0.0
    delays: list[float] = []
    seen: list[list[str]] = [[] for _ in fast]
    taken = asyncio.Semaphore(0)

    async def read(reader: Connection, ids: list[str]) -> None:
        async for cursor in reader.ids():
            delays.append(time.perf_counter() - happened)
            ids.append(cursor)
            taken.release()

    tasks = [asyncio.create_task(read(reader, ids)) for reader, ids in zip(fast, seen, strict=True)]
    for _ in range(events):
        happened = time.perf_counter()
        await found.clients.agents.AdjustMood(
            pb.AdjustMoodRequest(agent_id=_AGENT, push=pb.MoodPush(valence=0.001), reason="x" * 200)
        )
        for _ in fast:
            await taken.acquire()
    after = memory_of(found.gateway.pid)
    for task in tasks:
        task.cancel()
    for reader in readers:
        reader.close()
    if any(len(ids) != events or len(set(ids)) != events or ids != seen[0] for ids in seen):
        raise SystemExit("a reader missed an event, or had one twice")
    middle, last = _percentiles(delays)
    console.print(
        f"{count} streams, {slow} of which take nothing, {events} events: each reached a reader after "
        f"{1000 * middle:.1f} ms (p50), {1000 * last:.1f} ms (p99); "
        f"{before.resident:.0f} MiB resident before and {after.resident:.0f} MiB after"
    )


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    cuts = quantiles(seconds, n=100)
    return cuts[49], cuts[98]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--events", type=int, default=300)
    given = parser.parse_args()
    asyncio.run(main(given.calls, given.streams, given.events))
