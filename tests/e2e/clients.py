"""`make clients`: every example client against a suite that runs for it, as a table by language and RPC.

What can't be built on this machine is left out, and why is told. The exit code is 1 when something has a fault.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import grpc

from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.runtime.rpc.probe import is_serving
from tests.conftest import DATA
from tests.e2e.suite import Suite, started
from tests.support import generators, own_llm
from tests.support.channels import open_as
from tests.support.foreign import CHECKS, Foreign, World, cursors_of, remember
from tests.support.waits import WAIT_SECONDS
from tools.languages import GO, LANGUAGES, BuildError, Language, LeftOutError

AGENT, REMEMBERED = "wren", "The lamp goes out when the ferry is late."
_SLOWEST = "0.01"
"""Nobody does anything by themselves."""

OK = "ok"
Row = dict[str, str]


@contextlib.asynccontextmanager
async def _world(folder: Path) -> AsyncIterator[World]:
    """Start a suite with three characters that rest."""
    personas = folder / "personas"
    personas.mkdir()
    content = json.loads((DATA / "persona.json").read_text())
    content["solana_integration"] = {"trading_enabled": False}
    for name in (AGENT, "otto", "pia"):
        personas.joinpath(f"{name}.json").write_text(json.dumps(content | {"id": name, "name": name.title()}))
    arguments = ("--personas", str(personas), "--speed", _SLOWEST, "--plain")
    own = {"XDG_CONFIG_HOME": str(folder / "config")}
    async with started(folder / "data", *arguments, environment=own) as suite, contextlib.AsyncExitStack() as stack:
        await suite.says("Data and logs")
        credential = suite.proof.credential
        assert credential is not None
        opened = {
            name: await stack.enter_async_context(open_as(suite.address(name), credential))
            for name in ("agents", "memory")
        }
        agents = AgentServiceStub(opened["agents"])
        await _until_alive(agents)
        await remember(MemoryServiceStub(opened["memory"]), AGENT, REMEMBERED)
        tokens = {name: credential.token(name) for name in opened}
        yield World(
            suite.address("agents"),
            suite.address("memory"),
            tokens,
            AGENT,
            REMEMBERED,
            lambda: cursors_of(agents, AGENT),
            lambda: _killed(suite),
        )


async def _until_alive(agents: AgentServiceStub) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await cursors_of(agents, AGENT):  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(0.1)


async def _killed(suite: Suite) -> None:
    """Kill the agents service, and return when puppetctl has started it again."""
    before, address = suite.pid("agents"), suite.address("agents")
    suite.kill("agents")
    async with asyncio.timeout(WAIT_SECONDS):
        while suite.pid("agents") in (0, before) or not await is_serving(address):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _tried(language: Language, world: World) -> Row:
    """Return what came of a language's client, by check."""
    try:
        await language.build()
    except LeftOutError as why:
        return {"build": f"left out: {why}"}
    except BuildError as fault:
        return {"build": str(fault)}
    row = {"build": OK}
    for name, check in CHECKS.items():
        try:
            await check(Foreign(language, world))
            row[name] = OK
        except (AssertionError, TimeoutError, grpc.aio.AioRpcError, ValueError) as fault:
            row[name] = f"{type(fault).__name__}: {fault}"
    return row


def _left_out(cell: str) -> bool:
    return cell.startswith("left out")


def _shown(rows: dict[str, Row]) -> str:
    """Return a table by language and check, and below it what isn't fine."""
    columns = ("build", *CHECKS)
    lines = [f"{'':12}" + "".join(f"{column:16}" for column in columns)]
    for language, row in rows.items():
        cells = [row.get(column, "-") for column in columns]
        short = ["left out" if _left_out(cell) else cell if cell in (OK, "-") else "FAULT" for cell in cells]
        lines.append(f"{language:12}" + "".join(f"{cell:16}" for cell in short))
    for language, row in rows.items():
        lines += [f"{language}, {column}: {cell}" for column, cell in row.items() if cell != OK]
    return "\n".join(lines)


async def main(wanted: Sequence[str]) -> int:
    """Try all languages, or those that are named in lower case; return the exit code."""
    languages = [language for language in LANGUAGES if not wanted or language.name.lower() in wanted]
    rows: dict[str, Row] = {}
    with tempfile.TemporaryDirectory(prefix="puppet-clients-") as folder:
        async with _world(Path(folder)) as world:
            for language in languages:
                print(f"{language.name} ...", flush=True)
                rows[language.name] = await _tried(language, world)
    print(f"\n{_shown(rows)}\n", flush=True)
    faults = [cell for row in rows.values() for cell in row.values() if cell != OK and not _left_out(cell)]
    for others in [own_llm.tried] * (GO in languages) + [generators.tried] * (not wanted):
        told, wrong = await others()
        print(*told, *(f"FAULT: {fault}" for fault in wrong), sep="\n", flush=True)
        faults += wrong
    return 1 if faults else 0


if __name__ == "__main__":
    # gRPC itself would tell of each time that a service was killed.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    sys.exit(asyncio.run(main(sys.argv[1:])))
