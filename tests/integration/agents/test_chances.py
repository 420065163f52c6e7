"""What a persona lets happen by chance happens once for each draw, with replicas and restarts, and ends with it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import services.agents
from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import event_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from services.agents.adapters.feeds import HttpFeeds
from services.agents.adapters.sql import SqlRecords
from services.agents.domain.entities import AgentRecord, ScheduleEntry
from services.agents.domain.events import EventPriority, EventRecord, MoodShift, News, ScheduledPost
from services.agents.domain.mood import MoodChange
from services.agents.domain.persona import read_persona
from services.agents.domain.tasks import NoticeTask
from services.agents.service import Cast, Events, Tidying
from services.agents.service import events as event_rules
from services.agents.service.chances import put_chances
from services.agents.settings import AgentsSettings
from services.runtime.db import Database
from services.runtime.idempotency import RequestKey
from services.runtime.sql import SqlStore
from tests.fakes.clock import FixedClock
from tests.integration.agents.conftest import OpenChannel, create, next_of, update

Persona = dict[str, Any]
RAIN = {"type": "news", "text": "It rains again", "times_per_day": 2, "post_probability": 0}
NIGHT = {"from": 22, "to": 10}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> SqlStore[SqlRecords]:
    return SqlStore(database, SqlRecords)


def replica(store: SqlStore[SqlRecords], clock: FixedClock) -> Events:
    return Events(store, Cast(store, clock, 1.0), HttpFeeds(allows_http=False, allows_private=False), clock, 1.0)


async def live(store: SqlStore[SqlRecords], clock: FixedClock, agent_id: str, **behavior: Any) -> None:
    """Let an agent live with this behavior."""
    persona = {"id": agent_id, "name": agent_id.title(), "behavior": behavior}
    now = clock.now()
    async with store.writing() as records:
        agent = await records.agent(agent_id) or AgentRecord(
            id=agent_id,
            name=agent_id.title(),
            description="",
            is_active=True,
            persona=persona,
            account_id=f"acc_{agent_id}",
            valence=0,
            arousal=0,
            dominance=0,
            mood_time=now,
            create_time=now,
            update_time=now,
        )
        await records.save(agent)
        await put_chances(records, agent_id, read_persona(persona).behavior, now, 1.0)
        await records.commit()


async def planned(store: SqlStore[SqlRecords], agent_id: str = "wren") -> list[ScheduleEntry]:
    async with store.reading() as records:
        return await records.schedule(agent_id)


async def test_replicas_and_restarts_plan_each_draw_once_and_none_in_the_sleep(
    store: SqlStore[SqlRecords], clock: FixedClock
) -> None:
    await live(store, clock, "wren", random_events=[RAIN], quiet_hours=NIGHT)
    begin = clock.now()
    while clock.now() < begin + timedelta(days=5):
        await asyncio.gather(*(replica(store, clock).poll() for _ in range(3)))
        clock.advance(minutes=10)
    entries = await planned(store)
    assert 8 <= len(entries) <= 11
    assert len({entry.key for entry in entries}) == len(entries)
    assert all(10 <= entry.due_time.hour < 22 for entry in entries)
    assert {entry.task.news.text for entry in entries if isinstance(entry.task, NoticeTask) and entry.task.news} == {
        "It rains again"
    }


async def test_what_a_sleeping_machine_missed_is_not_made_up_for(
    store: SqlStore[SqlRecords], clock: FixedClock
) -> None:
    await live(store, clock, "wren", random_events=[RAIN])
    clock.advance(days=30)
    await replica(store, clock).poll()
    assert len(await planned(store)) <= 1


async def test_a_persona_that_is_taken_in_again_goes_on_and_what_it_has_no_more_ends(
    store: SqlStore[SqlRecords], clock: FixedClock
) -> None:
    await live(store, clock, "wren", random_events=[RAIN])
    async with store.reading() as records:
        [first] = await records.events_of_persona("wren")
    clock.advance(hours=1)
    await live(store, clock, "wren", random_events=[RAIN, {"type": "mood", "mood": {"valence": 0.5}}])
    async with store.reading() as records:
        both = await records.events_of_persona("wren")
    assert first.id in {event.id for event in both}
    assert len(both) == 2
    await live(store, clock, "wren")
    async with store.reading() as records:
        assert await records.events_of_persona("wren") == []
        gone = await records.event(first.id)
    assert gone is not None
    assert (gone.next_time, gone.end_time) == (None, clock.now())


async def test_what_happens_by_chance_is_listed_as_the_personas_and_reaches_the_character(
    open_channel: OpenChannel, settings: AgentsSettings, persona: Persona
) -> None:
    async with open_channel(settings.model_copy(update={"speed": 2_000.0})) as channel:
        agents, events = AgentServiceStub(channel), EventServiceStub(channel)
        often = RAIN | {"times_per_day": 24, "text": "The fog is here"}
        lively = persona | {"behavior": persona["behavior"] | {"random_events": [often]}}
        await agents.CreateAgent(create(lively))
        [listed] = (await events.ListEvents(pb.ListEventsRequest(agent_ids=["wren"]))).events
        assert (listed.principal, listed.state, listed.news.text) == (
            "persona",
            pb.EVENT_STATE_SCHEDULED,
            "The fog is here",
        )
        assert not listed.HasField("recurrence")
        noticed = await next_of(agents, log_pb.ACTIVITY_KIND_EVENT, number=2)
        assert {one.notice.event_id for one in noticed} == {listed.id}
        await agents.UpdateAgent(update(persona))
        after = (await events.GetEvent(pb.GetEventRequest(id=listed.id))).event
        assert after.state == pb.EVENT_STATE_CANCELLED


def happening(content: Any, clock: FixedClock, **more: Any) -> EventRecord:
    return EventRecord(content=content, start_time=clock.now(), create_time=clock.now(), **more)


async def test_what_can_wait_waits_until_a_character_is_awake(store: SqlStore[SqlRecords], clock: FixedClock) -> None:
    await live(store, clock, "wren", quiet_hours=NIGHT)
    clock.time = datetime(2026, 11, 23, 3, tzinfo=UTC)
    events = replica(store, clock)
    news, push = News("It rains", is_external=False), MoodShift(MoodChange(0.5))
    for number, (content, priority) in enumerate(
        [
            (news, EventPriority.NORMAL),
            (push, EventPriority.LOW),
            (news, EventPriority.HIGH),
            (ScheduledPost("gates"), EventPriority.NORMAL),
        ]
    ):
        event = happening(content, clock, priority=priority)
        await events.publish(event, ["wren"], RequestKey.own("Publish", str(number)))
    due = {entry.key.split(".")[0]: entry.due_time for entry in await planned(store)}
    assert [time.hour for _, time in sorted(due.items())] == [10, 10, 3, 3]


async def test_a_broadcast_reaches_everybody_once_in_several_transactions(
    store: SqlStore[SqlRecords], clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"agt_{number}" for number in range(7)]
    for name in names:
        await live(store, clock, name)
    monkeypatch.setattr(event_rules, "_AGENTS_AT_ONCE", 3)
    event = happening(News("It rains", is_external=False), clock, is_broadcast=True)
    await replica(store, clock).publish(event, [], RequestKey.own("Publish", "all"))
    assert sum([len(await planned(store, name)) for name in names]) == 3
    for _ in range(4):
        await asyncio.gather(*(replica(store, clock).poll() for _ in range(2)))
    assert [len(await planned(store, name)) for name in names] == [1] * 7
    told = await replica(store, clock).get(event.id)
    assert (told.occurrences, told.deliveries, told.state, told.reached_id) == (1, 7, "delivered", "")


async def test_what_is_over_is_forgotten_with_its_targets_and_items_and_what_a_feed_still_has_is_not(
    store: SqlStore[SqlRecords], database: Database, clock: FixedClock
) -> None:
    await live(store, clock, "wren")
    events = replica(store, clock)
    over = await events.publish(happening(ScheduledPost("gates"), clock), ["wren"], RequestKey.own("Publish", "one"))
    async with store.writing() as records:
        await records.see_items(over.id, ["a"], clock.now())
        assert await records.see_items("evt_feed", ["gone", "there"], clock.now()) == {"gone", "there"}
        await records.commit()
    tidying = Tidying(store, Cast(store, clock, 1.0), timedelta(days=90), timedelta(days=2), None)
    for day in range(0, 95, 5):
        async with store.writing() as records:
            # Every other time nothing has changed.
            assert await records.see_items("evt_feed", ["there"] if day % 10 else [], clock.now()) == set()
            if day < 40:
                await records.see_items("evt_feed", ["gone"], clock.now())
            await records.commit()
        clock.advance(days=5)
        await tidying.tidy()
    async with database.read() as transaction:
        counts = [
            (await transaction.connection.execute(sa.text(f"SELECT count(*) FROM {table}"))).scalar()  # noqa: S608
            for table in ("event", "event_target")
        ]
        items = await transaction.connection.execute(sa.text("SELECT item_id FROM event_seen_item ORDER BY item_id"))
    assert (counts, list(items.scalars())) == ([0, 0], ["gone", "there"])
    clock.advance(days=91)
    await tidying.tidy()
    async with store.writing() as records:
        assert await records.see_items("evt_feed", ["there"], clock.now()) == {"there"}
