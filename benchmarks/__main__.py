"""`python -m benchmarks` prints what the suite costs: its start, its memory, and its calls beside a bare echo.

Each table comes when it is measured. `start`, `calls` and the others measure that alone; `--whole` takes minutes: it
starts the suite with the demo's characters too, idles for longer and calls more often.
"""

import argparse
import asyncio
import contextlib
import tempfile
from collections.abc import Collection
from pathlib import Path

import grpc
from rich.console import Console
from rich.table import Table

from benchmarks import authentication, refusals, streams, telemetry
from benchmarks.calls import QUICK_ROUNDS, ROUNDS, Call, Figures, echo, measure, prepared_echo
from benchmarks.start import Memory, Started, measure_floor, measure_start, plan
from puppet.agents.v1 import agent_service_pb2 as agents
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.llm.v1 import llm_service_pb2 as llm
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from puppet.memory.v1 import memory_service_pb2 as memory
from puppet.memory.v1 import relationship_service_pb2 as relationship
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from puppet.social.v1 import social_service_pb2 as social
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1 import trading_service_pb2 as trading
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from puppetctl.clients import proof_in
from puppetctl.local.processes import running
from puppetctl.suite import SERVICES
from services.runtime.rpc.client import open_channel
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles

console = Console()


TABLES = ("start", "calls", "authentication", "telemetry", "refusals", "streams")
QUICK = ("start", "calls", "authentication")


def asked() -> argparse.Namespace:
    """Return which tables to print; without a word those that take a minute together."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"one of {', '.join(TABLES)}")
    parser.add_argument("--whole", action="store_true", help="all of them, with the demo's characters; takes minutes")
    words = parser.parse_args()
    if unknown := set(words.tables) - set(TABLES):
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    words.tables = words.tables or (TABLES if words.whole else QUICK)
    return words


async def main(tables: Collection[str], *, whole: bool) -> None:
    """Measure one thing after the other, and print each at once."""
    if "start" in tables:
        floor = await measure_floor()
        console.print(f"a bare echo, MiB: {_told(floor)}")
        async with contextlib.aclosing(measure_start(whole=whole)) as starts:
            async for title, started in starts:
                show_start(title, started, floor)
    if set(tables) - {"start"}:
        await measure_calls(tables, QUICK_ROUNDS if not whole else ROUNDS)


async def measure_calls(tables: Collection[str], rounds: int) -> None:
    """Start the suite, and print what is measured of its calls."""
    with tempfile.TemporaryDirectory() as folder:
        suite = plan(Path(folder))
        async with (
            running(suite.programs, Path(folder) / "logs", lambda _name, _what: None) as children,
            contextlib.AsyncExitStack() as stack,
        ):
            await asyncio.gather(*(child.wait_healthy() for child in children))
            operator = Credential.read(PrincipalFiles(Path(folder) / "auth").credential_path(OPERATOR))
            calls = {"bare echo": await stack.enter_async_context(echo())}
            channels = {
                child.program.name: await stack.enter_async_context(
                    open_channel(child.program.address, child.program.name, proof_in({}, Path(folder)))
                )
                for child in children
                if child.program.health == "grpc"
            }
            if "calls" in tables:
                calls["the same, over our channel"] = await stack.enter_async_context(prepared_echo(operator))
                calls |= await service_calls(channels)
            measured = await measure(calls, rounds)
            if "calls" in tables:
                show_calls(measured)
            if "authentication" in tables:
                show_authentication(await authentication.measure(), measured["bare echo"])
            if "telemetry" in tables:
                show_telemetry(await telemetry.measure(), measured["bare echo"])
            if "refusals" in tables:
                [memory_at] = [child.program.address for child in children if child.program.name == "memory"]
                show_refusals(await refusals.measure(memory_at, operator))
            if "streams" in tables:
                [pid] = [child.pid for child in children if child.program.name == "agents"]
                show_streams(await streams.measure(AgentServiceStub(channels["agents"]), pid))


async def service_calls(channels: dict[str, grpc.aio.Channel]) -> dict[str, Call]:
    """Return a read of each service; what it reads is made first."""
    memories = MemoryServiceStub(channels["memory"])
    new = memory.Memory(
        agent_id="bench",
        text="The lamp is lit.",
        kind=memory.MEMORY_KIND_GENERAL,
        provenance=memory.PROVENANCE_SELF,
    )
    made = (await memories.CreateMemory(memory.CreateMemoryRequest(memory=new))).memory
    relationships = RelationshipServiceStub(channels["memory"])
    met = relationship.RecordInteractionRequest(agent_id="bench", counterpart="otto", summary="They spoke.")
    await relationships.RecordInteraction(met)
    whose = relationship.GetRelationshipRequest(agent_id="bench", counterpart="otto")
    wallets = TradingServiceStub(channels["trading"])
    wallet = (await wallets.RegisterWallet(trading.RegisterWalletRequest(agent_id="bench"))).wallet
    models, accounts, characters = (
        LlmServiceStub(channels["llm"]),
        SocialServiceStub(channels["social"]),
        AgentServiceStub(channels["agents"]),
    )
    return {
        "llm, a refused Generate": lambda: refused(models.Generate(llm.GenerateRequest())),
        "memory GetMemory": lambda: memories.GetMemory(memory.GetMemoryRequest(agent_id="bench", id=made.id)),
        "memory GetRelationship": lambda: relationships.GetRelationship(whose),
        "memory SearchMemories": lambda: memories.SearchMemories(
            memory.SearchMemoriesRequest(agent_id="bench", query="a light")
        ),
        "trading GetPolicy": lambda: wallets.GetPolicy(trading.GetPolicyRequest(wallet_id=wallet.id)),
        "trading GetWallet": lambda: wallets.GetWallet(trading.GetWalletRequest(id=wallet.id)),
        "social ListAccounts": lambda: accounts.ListAccounts(social.ListAccountsRequest()),
        "agents ListAgents": lambda: characters.ListAgents(agents.ListAgentsRequest()),
    }


async def refused(call: grpc.aio.UnaryUnaryCall[llm.GenerateRequest, llm.GenerateResponse]) -> None:
    """Wait for a call that is refused: what the boundary, the checks and the rich status cost, without any work."""
    with contextlib.suppress(grpc.aio.AioRpcError):
        await call


def show_start(title: str, started: Started, floor: Memory) -> None:
    """Print how long a start took, and the memory of each process when it is idle: RSS, and PSS."""
    table = Table(title=f"{title}: healthy after {started.seconds['all']:.1f} s", title_justify="left")
    for column in ("process", "healthy, s", "RSS, MiB", "PSS, MiB"):
        table.add_column(column, justify="left" if column == "process" else "right")
    for process, held in started.memory.items():
        table.add_row(process, f"{started.seconds[process]:.1f}", f"{held.resident:.0f}", f"{held.once:.0f}")
    together = sum((started.memory[name] for name in SERVICES), Memory(0.0, 0.0))
    table.add_row("the five services", "", f"{together.resident:.0f}", f"{together.once:.0f}")
    table.add_row("x five bare echoes", "", f"{together.resident / (5 * floor.resident):.2f}", "")
    console.print(table)


def _told(memory: Memory) -> str:
    return f"{memory.resident:.0f} RSS, {memory.once:.0f} PSS"


def show_calls(measured: dict[str, Figures]) -> None:
    """Print each call and how it compares with the bare echo."""
    base = measured["bare echo"]
    table = Table(title="unary calls, one at a time and from 32 callers", title_justify="left")
    for column in ("call", "p50, ms", "x echo", "calls/s", "x echo"):
        table.add_column(column, justify="left" if column == "call" else "right")
    for name, figures in measured.items():
        table.add_row(
            name,
            f"{figures.p50_ms:.2f}",
            f"{figures.p50_ms / base.p50_ms:.2f}",
            f"{figures.per_second:.0f}",
            f"{base.per_second / figures.per_second:.2f}",
        )
    console.print(table)


def show_authentication(measured: dict[str, float], echo: Figures) -> None:
    """Print what it costs to know who calls, beside a whole call of the bare echo."""
    table = Table(title="making out the caller, and checking its right", title_justify="left")
    for column in ("with", "ms a call", "x echo"):
        table.add_column(column, justify="left" if column == "with" else "right")
    for name, milliseconds in measured.items():
        table.add_row(name, f"{milliseconds:.3f}", f"{milliseconds / echo.p50_ms:.3f}")
    console.print(table)


def show_telemetry(measured: dict[str, tuple[float, float]], echo: Figures) -> None:
    """Print what it costs to tell of the work, beside a whole call of the bare echo."""
    table = Table(title="traces and metrics, ms: by default / when they are exported", title_justify="left")
    for column in ("of", "by default", "exported", "x echo"):
        table.add_column(column, justify="left" if column == "of" else "right")
    for name, (off, on) in measured.items():
        table.add_row(name, f"{off:.4f}", f"{on:.3f}", f"{on / echo.p50_ms:.3f}")
    console.print(table)


def show_refusals(measured: dict[str, dict[int, refusals.Refused]]) -> None:
    """Print how long refusals take, by the size of the request, and how long health checks took meanwhile."""
    table = Table(title="refused calls, ms: the call / the slowest health check meanwhile", title_justify="left")
    table.add_column("a request with")
    for size in refusals.SIZES:
        table.add_column(f"{size // 1024:,} KiB", justify="right")
    for name, by_size in measured.items():
        table.add_row(name, *(f"{item.call_ms:.0f} / {item.health_ms:.0f}" for item in by_size.values()))
    console.print(table)


def show_streams(measured: streams.StreamFigures) -> None:
    """Print what idle streams cost."""
    console.print(
        f"{streams.STREAMS:,} idle WatchActivity streams: {measured.watched:.1%} of a core; "
        f"none: {measured.alone:.1%} (the schedule goes on)"
    )


if __name__ == "__main__":
    words = asked()
    asyncio.run(main(words.tables, whole=words.whole))
