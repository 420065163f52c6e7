"""Attempts are written down as sent at once where a slot is free, and just before they go out where none is."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from services.llm import bootstrap
from services.llm.adapters.bounds import MostTokens
from services.llm.adapters.capabilities import Capabilities, Models
from services.llm.adapters.metering import ConcurrencyLimit
from services.llm.adapters.prices import Given
from services.llm.adapters.sql import SqlRecords
from services.llm.domain.budget import AttemptState
from services.llm.domain.generation import Generation
from services.llm.domain.prompt import Prompt, Sampling, Task
from services.llm.ports import Store
from services.llm.service.breaker import Breaking
from services.llm.service.ledger import Ledger
from services.llm.service.metered import Metered
from services.llm.settings import ProviderSettings
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from tests.fakes.llm import ScriptedProvider
from tests.support.waits import until

TASK = Task(Prompt("rain"), Sampling(40))


class OneAtATime(ScriptedProvider):
    """Has one slot, and writes once it may."""

    def __init__(self) -> None:
        super().__init__("one")
        self.slots = ConcurrencyLimit("one", 1)
        self.may_write = asyncio.Event()
        self.is_asked = asyncio.Event()

    async def generate(self, task: Task, seconds: float) -> Generation:
        async with self.slots.slot():
            await task.before_sending()
            self.is_asked.set()
            await self.may_write.wait()
            return await super().generate(task, seconds)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'llm.db'}")
    await database.migrate(Path(bootstrap.__file__).with_name("migrations"))
    yield SqlStore(database, SqlRecords)
    await database.close()


async def states(store: Store) -> list[AttemptState]:
    async with store.reading() as records:
        now = await records.now()
        return sorted(attempt.state for attempt in await records.lapsed_attempts(now.replace(year=now.year + 1)))


async def test_the_first_is_sent_from_its_beginning_and_the_second_when_its_turn_comes(store: Store) -> None:
    one, ledger = OneAtATime(), Ledger(store, 30)
    settings = ProviderSettings(name="one", base_url="http://127.0.0.1:1/v1", concurrency=1)
    bounds = MostTokens(settings, Models("one", Capabilities()), 40)
    metered = Metered(Breaking(one), ledger, Given("PRICES", (Decimal(1), Decimal(1))), bounds)
    first = asyncio.create_task(metered.generate(TASK, 30))
    await one.is_asked.wait()
    assert await states(store) == [AttemptState.SENT]
    second = asyncio.create_task(metered.generate(TASK, 30))

    async def both_are_written_down() -> bool:
        return len(await states(store)) == 2

    await until(both_are_written_down)
    assert await states(store) == [AttemptState.RESERVED, AttemptState.SENT]
    one.may_write.set()
    await asyncio.gather(first, second)
    await ledger.settled()
    assert await states(store) == []
