"""`python -m benchmarks` prints what the suite costs: its start, its memory, and its calls beside a bare echo."""

import asyncio
import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path

import grpc
from rich.console import Console
from rich.table import Table

from benchmarks import authentication, refusals, streams, telemetry
from benchmarks.calls import Call, Figures, echo, measure, prepared_echo
from benchmarks.start import IDLE_SECONDS, Memory, Started, measure_floor, measure_start, plan
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


async def main() -> None:
    """Measure everything, one thing after the other."""
    show_start(await measure_start(), await measure_floor())
    with tempfile.TemporaryDirectory() as folder:
        suite = plan(Path(folder))
        async with (
            running(suite.programs, Path(folder) / "logs", lambda _name, _what: None) as children,
            contextlib.AsyncExitStack() as stack,
        ):
            await asyncio.gather(*(child.wait_healthy() for child in children))
            operator = Credential.read(PrincipalFiles(Path(folder) / "auth").credential_path(OPERATOR))
            calls = {
                "bare echo": await stack.enter_async_context(echo()),
                "the same, over our channel": await stack.enter_async_context(prepared_echo(operator)),
            }
            channels = {
                child.program.name: await stack.enter_async_context(
                    open_channel(child.program.address, child.program.name, proof_in({}, Path(folder)))
                )
                for child in children
                if child.program.health == "grpc"
            }
            calls |= await service_calls(channels)
            measured = await measure(calls)
            show_calls(measured)
            show_authentication(await authentication.measure(), measured["bare echo"])
            show_telemetry(await telemetry.measure(), measured["bare echo"])
            [memory_at] = [child.program.address for child in children if child.program.name == "memory"]
            show_refusals(await refusals.measure(memory_at, operator))
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


def show_start(measured: Mapping[str, Started], floor: Memory) -> None:
    """Print how long each start took, and the memory of each process when it is idle: resident, and its own."""
    titles = {
        "empty": "on empty data",
        "first start": "the demo's characters",
        "started again": "these, started again",
    }
    table = Table(
        title=f"seconds to health / idle for {IDLE_SECONDS:.0f} s: RSS, MiB / of its own, MiB", title_justify="left"
    )
    table.add_column("process")
    for name in measured:
        table.add_column(f"{titles[name]}: {measured[name].seconds['all']:.1f} s", justify="right")
    for process in next(iter(measured.values())).memory:
        cells = [(item.seconds[process], item.memory[process]) for item in measured.values()]
        table.add_row(process, *(f"{seconds:.1f} / {_told(memory)}" for seconds, memory in cells))
    together = [sum((item.memory[name] for name in SERVICES), Memory(0.0, 0.0)) for item in measured.values()]
    table.add_row("the five services", *map(_told, together))
    table.add_row("x five bare echoes", *(f"{item.resident / (5 * floor.resident):.2f}" for item in together))
    console.print(table)
    console.print(f"a bare echo: {_told(floor)}")


def _told(memory: Memory) -> str:
    return f"{memory.resident:.0f} / {memory.own:.0f}"


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
    asyncio.run(main())
