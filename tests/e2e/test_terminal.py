"""`puppetctl up` in a terminal, where a person presses Ctrl-C."""

import asyncio
import os
import pty
import sys
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from puppetctl.suite import DEFAULT_PORTS
from tests.e2e.suite import all_end, clean_environment
from tests.support.waits import WAIT_SECONDS

CTRL_C = b"\x03"


class Terminal:
    """The screen and the keys of a process that believes it is used by a person."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process = process
        self.shown = b""
        self._master = master
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    async def shows(self, words: bytes) -> None:
        """Wait until these words were shown."""
        async with asyncio.timeout(WAIT_SECONDS):
            while words not in self.shown:
                await self._news.wait()
                self._news.clear()

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._master, key)

    def close(self) -> None:
        """Let go of the terminal."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)

    def _read(self) -> None:
        try:
            self.shown += os.read(self._master, 65_536)
        except OSError:  # the process at the other end has gone
            asyncio.get_running_loop().remove_reader(self._master)
        self._news.set()


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "puppetctl", "up", "--data", str(tmp_path), "--ports", "auto"),
        env={**clean_environment(), "TERM": "xterm-256color", "COLUMNS": "80"},
        preexec_fn=partial(os.login_tty, slave),
    )
    os.close(slave)
    terminal = Terminal(process, master)
    yield terminal
    if process.returncode is None:
        process.kill()
    await process.wait()
    terminal.close()


async def test_ctrl_c_while_everything_starts_leaves_nothing_behind(terminal: Terminal) -> None:
    await terminal.shows(b"starting: sandbox")
    processes = psutil.Process(terminal.process.pid).children(recursive=True)
    begun = time.monotonic()
    terminal.press(CTRL_C)
    assert await terminal.process.wait() == 0
    assert time.monotonic() - begun < 5
    assert await all_end(processes, seconds=0) == []
    await terminal.shows(b"Stopped after")


async def test_the_status_line_says_what_is_waited_for_and_then_what_was_done(terminal: Terminal) -> None:
    await terminal.shows(b"starting: ")
    await terminal.shows(b"Try, from another terminal")
    await terminal.shows(b"nothing yet")
    shown = terminal.shown.decode()
    assert all(name in shown for name in (*DEFAULT_PORTS, "Basil", "@unit_7", "2.000 SOL", "Ctrl-C stops"))
    terminal.press(CTRL_C)
    assert await terminal.process.wait() == 0
