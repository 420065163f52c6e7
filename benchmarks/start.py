"""How long the suite takes from start to health, and how much memory each process holds when it has idled since.

What counts as the suite's idle memory is the sum of the five services' RSS on empty data. Beside it stands the sum of
their PSS, in which what several processes share is counted once.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.calls import echo_process
from puppetctl.characters.personas import persona_files, read_personas
from puppetctl.characters.provision import Sandboxes, provision
from puppetctl.clients import connected, proof_in
from puppetctl.datadir import sandbox_token
from puppetctl.local.processes import running
from puppetctl.suite import SERVICES, Suite, free_ports, plan_suite
from services.runtime.rpc.principals import PrincipalFiles

IDLE_SECONDS, QUICK_SECONDS = 45.0, 12.0
"""Long enough for what rests, and for what is given back at rest; and for the latter alone."""
_PERSONAS = Path(__file__).parents[1] / "personas"


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a process and all its children, in MiB."""

    resident: float
    """With what it shares with other processes: of five that have a library loaded each has all of it."""
    once: float
    """With its part of what it shares (PSS): a library that five have loaded counts a fifth in each."""

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.resident + other.resident, self.once + other.once)


@dataclass(frozen=True, slots=True)
class Started:
    """What was measured of one start, by process."""

    seconds: dict[str, float]
    """From the start of all to the health of one."""
    memory: dict[str, Memory]


def plan(folder: Path, speed: float | None = None) -> Suite:
    """Return the embedded suite, on free ports, with its data and keys in this folder."""
    PrincipalFiles(folder / "auth").prepare(SERVICES)
    return plan_suite({"XDG_CONFIG_HOME": str(folder / "config")}, folder, free_ports(), speed)


async def measure_start(*, whole: bool) -> AsyncGenerator[tuple[str, Started], None]:
    """Start the suite on empty data and, if `whole`, with the demo's characters, and with these again.

    At the speed of life the characters have nothing to do in these seconds, and no model is called.
    """
    idle_seconds = IDLE_SECONDS if whole else QUICK_SECONDS
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryDirectory() as lived_in:
        yield f"on empty data, idle for {idle_seconds:.0f} s", await _measured(Path(empty), idle_seconds, create=False)
        if whole:
            yield "with the demo's characters", await _measured(Path(lived_in), idle_seconds, create=True)
            yield "these, started again", await _measured(Path(lived_in), idle_seconds, create=False)


async def measure_floor() -> Memory:
    """Return the memory of the bare echo: Python and gRPC, and nothing else."""
    async with echo_process() as (process, _):
        return memory_of(process)


async def _measured(folder: Path, idle_seconds: float, *, create: bool) -> Started:
    suite = plan(folder, speed=1.0)
    started = time.perf_counter()
    async with running(suite.programs, folder / "logs", lambda _name, _what: None) as children:
        await asyncio.gather(*(child.wait_healthy() for child in children))
        whole = time.perf_counter() - started
        if create:
            await _create(suite, folder)
        await asyncio.sleep(idle_seconds)
        seconds = {child.program.name: child.healthy_after or 0.0 for child in children}
        return Started(seconds | {"all": whole}, {child.program.name: memory_of(child.pid) for child in children})


async def _create(suite: Suite, folder: Path) -> None:
    personas, _ = read_personas(persona_files(_PERSONAS))
    where = {name: address for name in SERVICES if (address := suite.address(name))}
    token = sandbox_token("sandbox.x", folder, {})
    sandboxes = Sandboxes(suite.address("sandbox.x"), suite.address("sandbox.solana"), token)
    async with connected(where, proof_in({}, folder)) as clients:
        await provision(clients, personas, sandboxes)


def memory_of(pid: int) -> Memory:
    """Return the memory of a process and all its children."""
    root = psutil.Process(pid)
    found = [process.memory_full_info() for process in (root, *root.children(recursive=True))]
    return Memory(sum(item.rss for item in found) / 2**20, sum(item.pss for item in found) / 2**20)
