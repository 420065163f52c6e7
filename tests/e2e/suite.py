"""The whole suite as a user starts it: `puppetctl up` in a process of its own, on free ports and an empty folder."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from puppetctl.datadir import sandbox_token
from services.runtime.rpc.client import Proof
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles

_LINE_SECONDS = 120.0


class Suite:
    """A running `puppetctl up`, what it said so far, and the processes that it started."""

    def __init__(self, process: asyncio.subprocess.Process, data: Path) -> None:
        self.lines: list[str] = []
        self._process = process
        self._data = data
        self._news = asyncio.Event()
        self._listener = asyncio.create_task(self._listen())

    @property
    def said(self) -> str:
        """Everything that it said, for a look when a test fails."""
        return "\n".join(self.lines)

    def address(self, name: str) -> str:
        """Return where a program listens."""
        return str(self._programs()[name]["address"])

    def token(self, name: str) -> str:
        """Return what opens a sandbox's own routes."""
        return sandbox_token(name, self._data, {})

    def pid(self, name: str) -> int:
        """Return the id of a program's present process."""
        return int(self._programs()[name]["pid"])

    def environment(self) -> dict[str, str]:
        """Return the environment in which the command line talks to this suite."""
        named = {f"PUPPET_CTL_{name.upper().replace('.', '_')}": self.address(name) for name in self._programs()}
        return {**os.environ, **named, "PUPPET_CTL_CREDENTIAL": str(self._credential)}

    @property
    def proof(self) -> Proof:
        """What its operator proves itself with."""
        return Proof(Credential.read(self._credential))

    @property
    def _credential(self) -> Path:
        return PrincipalFiles(self._data / "auth").credential_path(OPERATOR)

    def processes(self) -> list[psutil.Process]:
        """Return what runs now because of it."""
        return psutil.Process(self._process.pid).children(recursive=True)

    def kill(self, name: str) -> None:
        """Kill a program's present process."""
        os.kill(self.pid(name), signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to puppetctl itself."""
        self._process.send_signal(number)

    async def says(self, pattern: str, after: int = 0) -> int:
        """Wait for a line that the pattern is found in, and return the index of the line after it."""
        async with asyncio.timeout(_LINE_SECONDS):
            while True:
                for index in range(after, len(self.lines)):
                    if re.search(pattern, self.lines[index]):
                        return index + 1
                after = len(self.lines)
                assert not self._listener.done(), f"it ended, and never said {pattern!r}:\n{self.said}"
                await self._news.wait()
                self._news.clear()

    async def ends(self) -> int:
        """Wait for its end and return the exit code."""
        await self._listener
        return await self._process.wait()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode().rstrip())
            self._news.set()
        self._news.set()

    def _programs(self) -> dict[str, dict[str, Any]]:
        programs: dict[str, dict[str, Any]] = json.loads((self._data / "puppetctl.lock").read_text())["programs"]
        return programs


@contextlib.asynccontextmanager
async def started(data: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> AsyncIterator[Suite]:
    """Start the suite on a data folder; at the end of the block nothing of it is left."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "puppetctl", "up", "--data", str(data), "--ports", "auto", *arguments),
        env=clean_environment() | dict(environment or {}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    suite = Suite(process, data)
    try:
        yield suite
    finally:
        if process.returncode is None:
            process.kill()
        await suite.ends()


def clean_environment() -> dict[str, str]:
    """Return this environment without settings of the suite: a test must never talk to anything real."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PUPPET_")}


async def run(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str]:
    """Run a command of puppetctl to its end, and return its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "puppetctl", *arguments),
        env=environment or clean_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def all_end(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return which of the processes are left after this time; zombies are not."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, timeout=seconds)
    return [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
