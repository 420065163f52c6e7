"""Runs programs as child processes: starts them at once, waits until they are healthy, and restarts what dies."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path

from puppetctl import web
from puppetctl.local.rotation import keep_small
from puppetctl.suite import CALLERS, Health, Program, SuiteError, port_in_use, target_setting
from services.runtime.private import make_folder
from services.runtime.rpc.client import UNIX
from services.runtime.rpc.probe import is_serving
from services.runtime.waiting import poll

STOP_SECONDS = 4.0
"""How long programs have to end after SIGTERM, first those that call, then the others: services drain for three."""

_START_SECONDS = 90.0
_ELSEWHERE_SECONDS = 10.0
_PROBE_EVERY_SECONDS = 0.05
_DIAL_SECONDS = 2.0
_STEADY_SECONDS = 20.0
_LAST_BYTES, _LAST_LINES = 8192, 8
_BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)

Notice = Callable[[str, str], None]
"""Is told a program's name, and what became of it."""


class Child:
    """One program: its process, and the task that starts it again when it ends."""

    def __init__(self, program: Program, log: Path, inherited: Sequence[int], notice: Notice) -> None:
        self.program = program
        self.healthy_after: float | None = None
        """Seconds from the first start to the first sign of health; None before that."""
        self._log = log
        self._log_begins = 0
        self._inherited = inherited
        self._notice = notice
        self._process: asyncio.subprocess.Process | None = None
        self._begun = time.monotonic()
        self._settled = asyncio.Event()
        self._failure = ""

    @property
    def pid(self) -> int:
        """The id of the present process; 0 when there is none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def run(self) -> None:
        """Keep the program running; end only when it dies before it was ever healthy."""
        failures = 0
        while True:
            started = time.monotonic()
            process = await self._spawn()
            probe = asyncio.create_task(self._tell_when_healthy(started))
            try:
                code = await process.wait()
            finally:
                probe.cancel()
            ending = _in_words(code)
            if self.healthy_after is None:
                self._failure = f"{self.program.name} {ending} before it was healthy.{self._log_tail()}"
                self._settled.set()
                return
            self._notice(self.program.name, f"{ending}, and is started again")
            failures = 0 if time.monotonic() - started > _STEADY_SECONDS else failures
            await asyncio.sleep(_BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)])
            failures += 1

    async def wait_healthy(self) -> None:
        """Return when the program is healthy. Raises SuiteError, with the end of its log, when it won't be."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._settled.wait()
        except TimeoutError:
            self._failure = f"{self.program.name} was not healthy after {_START_SECONDS:.0f} s.{self._log_tail()}"
        if self._failure:
            raise SuiteError(self._failure)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the present process, if there is one."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def ended(self) -> None:
        """Wait for the end of the present process."""
        if self._process is not None:
            await self._process.wait()

    async def _spawn(self) -> asyncio.subprocess.Process:
        with os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            self._log_begins = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "puppetctl.local.child", self.program.module),
                env=self.program.environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=self._inherited,
                # Ctrl-C reaches the whole foreground group of a terminal: only puppetctl may be in it.
                start_new_session=True,
            )
        return self._process

    async def _tell_when_healthy(self, started: float) -> None:
        while True:
            if await is_healthy(self.program.address, self.program.health):
                break
            await asyncio.sleep(_PROBE_EVERY_SECONDS)
        now = time.monotonic()
        if self.healthy_after is None:
            self.healthy_after = now - self._begun
            self._settled.set()
        else:
            self._notice(self.program.name, f"is healthy again after {now - started:.1f} s")

    def _log_tail(self) -> str:
        """Return the end of what the present process has logged."""
        with self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            # It may have been emptied since.
            log.seek(max(self._log_begins if self._log_begins <= end else 0, end - _LAST_BYTES))
            words = log.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
        return f" The end of {self._log}:\n" + "\n".join(words) if words else f" Nothing stands in {self._log}."


@contextlib.asynccontextmanager
async def running(
    programs: Sequence[Program], logs: Path, notice: Notice, inherited: Sequence[int] = ()
) -> AsyncIterator[list[Child]]:
    """Run the programs until the block ends; then stop them, in twice `STOP_SECONDS` at most.

    Their output is appended to `logs/<name>.log`; a few full ones are kept. Raises SuiteError when a port is in use.
    """
    for program in programs:
        if port_in_use(program.port):
            raise SuiteError(
                f"port {program.port} of {program.name} is in use: stop what listens there, or start with --ports auto "
                '(`make run ARGS="--ports auto"`)'
            )
    await asyncio.to_thread(make_folder, logs)
    children = [Child(program, logs / f"{program.name}.log", inherited, notice) for program in programs]
    keepers = [asyncio.create_task(child.run(), name=child.program.name) for child in children]
    rotation = asyncio.create_task(keep_small([logs / f"{program.name}.log" for program in programs]), name="rotation")
    try:
        yield children
    finally:
        rotation.cancel()
        for keeper in keepers:
            keeper.cancel()
        await _stop(children, keepers)


async def _stop(children: Sequence[Child], keepers: Sequence[asyncio.Task[None]]) -> None:
    """Stop those that call others first: what they are at is then put off, and doesn't fail for want of an answer."""
    callers = [child for child in children if child.program.name in CALLERS]
    called = [child for child in children if child not in callers]
    try:
        await asyncio.gather(*keepers, return_exceptions=True)
        for together in (callers, called):
            for child in together:
                child.send(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await asyncio.gather(*(child.ended() for child in together))
    finally:
        # Also when a second wish to stop interrupts the waiting.
        for child in children:
            child.send(signal.SIGKILL)
    await asyncio.gather(*(child.ended() for child in children))


async def is_healthy(address: str, health: Health) -> bool:
    """Tell whether what listens at `host:port` answers as a healthy program does that is asked in this way."""
    if not await listens(address):
        return False
    return await is_serving(address) if health == "grpc" else await web.is_well(address, health)


async def answers(replaced: tuple[str, str]) -> None:
    """Return when something listens where another service is to be. Raises SuiteError when nothing does for long."""
    name, target = replaced
    found = poll(partial(listens, target), bool, timeout_seconds=_ELSEWHERE_SECONDS, poll_seconds=_PROBE_EVERY_SECONDS)
    if not await found:
        raise SuiteError(f"{target_setting(name)}: nothing answers at {target}")


async def listens(address: str) -> bool:
    """Tell whether anything listens at `host:port`, or on a socket of this machine: `unix:path`."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(_DIAL_SECONDS):
            if address.startswith(UNIX):
                _, writer = await asyncio.open_unix_connection(address.removeprefix(UNIX))
            else:
                _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, ValueError):
        return False
    writer.close()
    return True


def _in_words(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
