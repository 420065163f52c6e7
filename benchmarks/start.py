"""How long the suite takes from start to health, and how much memory each process holds then."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from puppetctl.processes import running
from puppetctl.suite import SERVICES, Suite, free_ports, plan_suite
from services.runtime.rpc.principals import PrincipalFiles


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """Seconds from the start of all to the health of one, and its memory then, in MiB: resident, and its alone."""

    seconds: float
    rss_mib: float
    own_mib: float


def plan(folder: Path) -> Suite:
    """Return the embedded suite, on free ports, with its data and keys in this folder."""
    PrincipalFiles(folder / "auth").prepare(SERVICES)
    return plan_suite({"XDG_CONFIG_HOME": str(folder / "config")}, folder, free_ports())


async def measure_start() -> tuple[float, dict[str, ProcessFigures]]:
    """Start the whole suite on empty data; the first value is the seconds until all are healthy."""
    with tempfile.TemporaryDirectory() as folder:
        suite = plan(Path(folder))
        started = time.perf_counter()
        async with running(suite.programs, Path(folder) / "logs", lambda _name, _what: None) as children:
            await asyncio.gather(*(child.wait_healthy() for child in children))
            seconds = time.perf_counter() - started
            figures = {
                child.program.name: ProcessFigures(child.healthy_after or 0.0, *memory_mib(child.pid))
                for child in children
            }
    return seconds, figures


def memory_mib(pid: int) -> tuple[float, float]:
    """Return the memory of a process and all its children, in MiB: what is resident, and what no other process shares.

    What is resident counts a library once for each process that has it loaded.
    """
    root = psutil.Process(pid)
    found = [process.memory_full_info() for process in (root, *root.children(recursive=True))]
    return sum(item.rss for item in found) / 2**20, sum(item.uss for item in found) / 2**20
