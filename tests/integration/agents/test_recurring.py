"""What recurs happens once for each occurrence: with replicas, after restarts, and after a machine has slept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import services.agents
from services.agents.adapters.feeds import HttpFeeds
from services.agents.adapters.sql import SqlRecords
from services.agents.domain.entities import AgentRecord, ScheduleEntry
from services.agents.domain.events import EventPriority, EventRecord, ScheduledPost
from services.agents.domain.recurrence import Recurrence
from services.agents.service import Cast, Events
from services.runtime.db import Database
from services.runtime.idempotency import RequestKey
from services.runtime.sql import SqlStore
from tests.fakes.clock import FixedClock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore[SqlRecords]]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield SqlStore(database, SqlRecords)
    await database.close()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


def events(store: SqlStore[SqlRecords], clock: FixedClock) -> Events:
    """Return a replica."""
    return Events(store, Cast(store, clock, 1.0), HttpFeeds(allows_http=False, allows_private=False), clock, 1.0)


async def publish(store: SqlStore[SqlRecords], clock: FixedClock) -> EventRecord:
    """Let an agent that is started post about gates at every full hour."""
    agent = AgentRecord(
        id="wren",
        name="Wren",
        description="",
        is_active=True,
        persona={"id": "wren", "name": "Wren"},
        account_id="acc_wren",
        valence=0,
        arousal=0,
        dominance=0,
        mood_time=clock.now(),
        create_time=clock.now(),
        update_time=clock.now(),
    )
    async with store.writing() as records:
        await records.save(agent)
        await records.commit()
    event = EventRecord(
        content=ScheduledPost("gates"),
        priority=EventPriority.HIGH,
        start_time=clock.now(),
        recurrence=Recurrence("FREQ=HOURLY;BYMINUTE=30"),
        create_time=clock.now(),
    )
    return await events(store, clock).publish(event, ["wren"], RequestKey.own("Publish", "one"))


async def planned(store: SqlStore[SqlRecords]) -> list[ScheduleEntry]:
    async with store.reading() as records:
        return await records.schedule("wren")


async def test_replicas_that_look_at_once_plan_each_occurrence_once(
    store: SqlStore[SqlRecords], clock: FixedClock
) -> None:
    event = await publish(store, clock)
    assert await planned(store) == []
    for _ in range(3):
        clock.advance(minutes=30)
        replicas = [events(store, clock) for _ in range(4)]
        await asyncio.gather(*(replica.poll() for replica in replicas))
        clock.advance(minutes=30)
    assert [entry.key for entry in await planned(store)] == [f"{event.id}.{number}" for number in range(3)]


async def test_what_a_sleeping_machine_missed_is_made_up_for_at_most_once(
    store: SqlStore[SqlRecords], clock: FixedClock
) -> None:
    event = await publish(store, clock)
    clock.advance(hours=8, minutes=40)
    await events(store, clock).poll()
    [entry] = await planned(store)
    assert entry.due_time == clock.now()
    await events(store, clock).poll()
    assert len(await planned(store)) == 1
    assert (await events(store, clock).get(event.id)).next_time == datetime(2026, 11, 22, 21, 30, tzinfo=UTC)


async def test_what_nobody_would_still_do_is_left_out(store: SqlStore[SqlRecords], clock: FixedClock) -> None:
    await publish(store, clock)
    clock.advance(hours=8, minutes=50)
    await events(store, clock).poll()
    assert await planned(store) == []


async def test_an_end_between_plan_and_commit_leaves_neither_and_it_happens_then(
    store: SqlStore[SqlRecords], clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(store, clock)
    clock.advance(minutes=30)

    async def killed(_: SqlRecords) -> None:
        raise asyncio.CancelledError

    replica = events(store, clock)
    with monkeypatch.context() as patched:
        patched.setattr(SqlRecords, "commit", killed)
        with pytest.raises(asyncio.CancelledError):
            await replica.poll()
    assert await planned(store) == []
    await events(store, clock).poll()
    assert len(await planned(store)) == 1
