"""Real child processes: started, restarted, stopped, and ended with their parent."""

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest

from puppetctl.datadir import locked
from puppetctl.local import processes
from puppetctl.local.processes import answers, running
from puppetctl.suite import SuiteError
from tests.integration.puppetctl.programs import standin
from tests.support.waits import WAIT_SECONDS


class Notices:
    """Keeps what was told, and lets a test wait for it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self._news = asyncio.Event()

    def __call__(self, name: str, words: str) -> None:
        self.told.append((name, words))
        self._news.set()

    async def reach(self, count: int) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.told) < count:
                await self._news.wait()
                self._news.clear()


async def test_programs_start_at_once_and_tell_how_long_they_took(tmp_path: Path) -> None:
    async with running([standin("one"), standin("two")], tmp_path / "logs", Notices()) as children:
        await asyncio.gather(*(child.wait_healthy() for child in children))
        assert all(child.healthy_after and child.healthy_after > 0 for child in children)
        pids = [child.pid for child in children]
    assert not any(map(psutil.pid_exists, pids))


async def test_a_program_that_is_killed_is_started_again(tmp_path: Path) -> None:
    notices = Notices()
    async with running([standin("one")], tmp_path, notices) as [child]:
        await child.wait_healthy()
        first = child.pid
        os.kill(first, signal.SIGKILL)
        await notices.reach(2)
        assert child.pid not in {0, first}
    assert notices.told[0] == ("one", "was ended by SIGKILL, and is started again")
    assert notices.told[1][1].startswith("is healthy again after")


async def test_a_program_that_never_gets_healthy_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text("of another day\n")
    with pytest.raises(SuiteError, match=r"one ended with exit code 1 before[^\n]*\nno ink in the inkwell$"):
        async with running([standin("one", "dies"), standin("two")], tmp_path, Notices()) as children:
            await asyncio.gather(*(child.wait_healthy() for child in children))


async def test_a_program_that_does_not_answer_in_time_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_START_SECONDS", 0.01)
    with pytest.raises(SuiteError, match="one was not healthy after"):
        async with running([standin("one")], tmp_path, Notices()) as [child]:
            await child.wait_healthy()


async def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    program = standin("one")
    refused = pytest.raises(SuiteError, match=f"port {program.port} of one is in use")
    with socket.create_server(("127.0.0.1", program.port)), refused:
        async with running([program], tmp_path / "logs", Notices()):
            pass
    assert not (tmp_path / "logs").exists()


async def test_a_program_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    async with running([standin("one", "stubborn"), standin("two")], tmp_path, Notices()) as children:
        await asyncio.gather(*(child.wait_healthy() for child in children))
        pids, begun = [child.pid for child in children], time.monotonic()
    assert time.monotonic() - begun < 3
    assert not any(map(psutil.pid_exists, pids))


async def test_who_calls_others_ends_before_them(tmp_path: Path) -> None:
    model = standin("sandbox.llm")
    agents = standin("agents", f"asks {model.port}")
    async with running([model, agents], tmp_path, Notices()) as children:
        await asyncio.gather(*(child.wait_healthy() for child in children))
    assert (tmp_path / "agents.log").read_text() == "it answered 200\n"


async def test_a_second_wish_to_stop_does_not_wait(tmp_path: Path) -> None:
    healthy = asyncio.Event()
    pids: list[int] = []

    async def run() -> None:
        async with running([standin("one", "stubborn")], tmp_path, Notices()) as [child]:
            await child.wait_healthy()
            pids.append(child.pid)
            healthy.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await healthy.wait()
    task.cancel()
    await asyncio.sleep(0)
    begun = time.monotonic()
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.05)
    assert time.monotonic() - begun < processes.STOP_SECONDS
    await _ended(pids)


async def test_ctrl_c_of_the_terminal_does_not_reach_the_programs(tmp_path: Path) -> None:
    async with running([standin("one")], tmp_path, Notices()) as [child]:
        await child.wait_healthy()
        assert os.getpgid(child.pid) != os.getpgrp()


async def test_nothing_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "tests.integration.puppetctl.parent", str(tmp_path))
    parent = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pids = [int(pid) for pid in (await parent.stdout.readline()).split()]
    assert len(pids) == 2
    parent.kill()
    await parent.communicate()
    # The folder is free only when its last user has gone.
    with locked(tmp_path):
        pass
    await _ended(pids)


async def _ended(pids: list[int]) -> None:
    """Wait until none of these processes is left; zombies don't count, whose new parent may never ask for them."""
    left = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _, alive = await asyncio.to_thread(psutil.wait_procs, left, timeout=5)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


async def test_a_service_elsewhere_is_waited_for_and_missed_by_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await answers(("llm", f"127.0.0.1:{port}"))
    server.close()
    await server.wait_closed()
    monkeypatch.setattr("puppetctl.local.processes._ELSEWHERE_SECONDS", 0.2)
    with pytest.raises(SuiteError, match=f"PUPPET_AGENTS_LLM_TARGET: nothing answers at 127.0.0.1:{port}"):
        await answers(("llm", f"127.0.0.1:{port}"))
