"""Replicas as processes of their own on one Postgres: killed, frozen and stopped."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

import services.agents
from services.agents.adapters.sql_leases import SqlLeases
from services.agents.settings import AgentsSettings
from services.runtime.db import Database
from tests.integration.agents.conftest import until
from tests.integration.agents.replica_process import Orders, starter

_SECONDS = 60.0


class Fleet:
    """Replicas, each by its name, and what they have noted."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._settings = AgentsSettings(data_dir=folder, database_url=database_url)
        self._notes = folder / "notes"
        self._notes.touch()
        self._start = starter()
        self._running: dict[str, tuple[ForkServerProcess, Connection]] = {}

    async def start(self, *names: str, thought_seconds: float = 0.1) -> None:
        """Start replicas, and wait until they serve."""
        dbos_url = self._settings.dbos_url()
        for name in names:
            orders = Orders(self._settings.database_url, dbos_url, name, self._notes, thought_seconds)
            self._running[name] = self._start(orders)
        for name in names:
            await self._answer(name)

    async def begin(self, name: str, *workflow_ids: str) -> None:
        """Have a replica start workflows."""
        for workflow_id in workflow_ids:
            self._running[name][1].send(workflow_id)
            assert await self._answer(name) == workflow_id

    async def leave(self, name: str) -> None:
        """Let a replica come to its end."""
        self._running[name][1].send(None)
        assert await self._answer(name) == "left"

    def send(self, number: signal.Signals, *names: str) -> None:
        for name in names:
            pid = self._running[name][0].pid
            assert pid
            os.kill(pid, number)

    async def ended(self, name: str) -> None:
        """Wait for the end of a replica's process."""
        await asyncio.to_thread(self._running[name][0].join, _SECONDS)
        assert self._running.pop(name)[0].exitcode is not None

    def noted(self) -> list[str]:
        return self._notes.read_text().splitlines()

    def count(self, words: str) -> int:
        return self.noted().count(words)

    def ends(self) -> Counter[str]:
        """Return how often each workflow came to its end."""
        return Counter(line.split()[2] for line in self.noted() if " ends " in line)

    async def _answer(self, name: str) -> str:
        pipe = self._running[name][1]
        assert await asyncio.to_thread(pipe.poll, _SECONDS)
        answer: str = pipe.recv()
        return answer

    def close(self) -> None:
        for process, _ in self._running.values():
            process.kill()
            process.join()


@pytest.fixture
def database_url(postgres_server: Callable[[str], str]) -> str:
    return postgres_server("replicas")


@pytest.fixture
async def leases(database_url: str) -> AsyncIterator[SqlLeases]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield SqlLeases(database)
    await database.close()


@pytest.fixture
def fleet(leases: SqlLeases, database_url: str, tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(database_url, tmp_path)
    yield fleet
    fleet.close()


async def test_one_of_the_others_adopts_what_a_killed_one_had_and_repeats_no_step_that_was_done(fleet: Fleet) -> None:
    await fleet.start("one", "two", "three")
    await fleet.begin("one", "a", "b")
    await until(lambda: fleet.count("one thinks") >= 2 and fleet.count("one decides") == 2)
    fleet.send(signal.SIGKILL, "one")
    await until(lambda: fleet.ends() == {"a": 1, "b": 1})
    # Decided once, and thought about once more by whoever adopted it: 40 thoughts each.
    assert fleet.count("one decides") == 2
    assert fleet.count("two decides") + fleet.count("three decides") == 2
    assert fleet.count("two thinks") + fleet.count("three thinks") == 80


async def test_one_that_was_frozen_does_nothing_more_of_what_was_adopted_meanwhile(fleet: Fleet) -> None:
    await fleet.start("one", "two")
    await fleet.begin("one", "a")
    await until(lambda: fleet.count("one thinks") >= 2)
    fleet.send(signal.SIGSTOP, "one")
    await until(lambda: fleet.count("two thinks") >= 2)
    thoughts = fleet.count("one thinks")
    fleet.send(signal.SIGCONT, "one")
    await fleet.ended("one")
    assert fleet.count("one thinks") == thoughts
    await until(lambda: fleet.ends() == {"a": 1})
    assert fleet.count("two thinks") == 40


async def test_one_that_comes_to_its_end_leaves_its_work_to_the_others_at_once(fleet: Fleet) -> None:
    await fleet.start("one", "two")
    await fleet.begin("one", "a")
    await until(lambda: fleet.count("one thinks") >= 2)
    await fleet.leave("one")
    await until(lambda: fleet.ends() == {"a": 1})
    assert fleet.count("two thinks") == 40


async def test_one_of_another_name_adopts_what_was_left_when_all_were_gone(fleet: Fleet) -> None:
    await fleet.start("one")
    await fleet.begin("one", "a")
    await until(lambda: fleet.count("one thinks") >= 2)
    fleet.send(signal.SIGKILL, "one")
    await fleet.ended("one")
    await fleet.start("two")
    await until(lambda: fleet.ends() == {"a": 1})


async def test_those_that_were_all_away_at_once_take_nobody_for_dead(fleet: Fleet, leases: SqlLeases) -> None:
    await fleet.start("one", "two")
    fleet.send(signal.SIGSTOP, "one", "two")
    lapsed: list[str] = []
    async with asyncio.timeout(_SECONDS):
        while len(lapsed) < 2:
            lapsed = await leases.lapsed()
    fleet.send(signal.SIGCONT, "one", "two")
    await fleet.begin("one", "a")
    await fleet.begin("two", "b")
    await until(lambda: fleet.ends() == {"a": 1, "b": 1})
    assert await leases.ended() == []
