"""What is of no use any more is removed in batches, and what is still needed stays."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import services.agents
from services.agents.adapters.sql import SqlRecords
from services.agents.domain.entities import ActivityRecord, ConversationCount, ExternalConversation, Reservation
from services.agents.domain.events import EventRecord, EventState, EventTarget, ScheduledPost, SeenItem
from services.agents.domain.prompt_records import PromptRecord
from services.agents.domain.prompts import PromptParts, Sampling
from services.agents.domain.records import NO_GROUNDS, ActivityKind, Posted, Trigger
from services.agents.service import Cast, Prompts, Tidying
from services.runtime.db import Database
from services.runtime.idempotency import RequestRecord
from services.runtime.sql import SqlStore
from tests.fakes.clock import FixedClock

KEPT, MENTION_AGE = timedelta(days=90), timedelta(days=2)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield database
    await database.close()


def tidying(
    database: Database,
    clock: FixedClock,
    *,
    speed: float = 1.0,
    age: timedelta = MENTION_AGE,
    activities: timedelta | None = None,
) -> Tidying:
    store = SqlStore(database, SqlRecords)
    return Tidying(store, Cast(store, clock, speed), KEPT, age, activities)


async def count(database: Database, time: datetime, *scopes: str) -> None:
    async with SqlStore(database, SqlRecords).writing() as records:
        for scope in scopes:
            await records.count("wren", scope, "x:1", 9, time)
        await records.commit()


async def kept(database: Database, column: Any) -> list[str]:
    async with database.read() as transaction:
        return sorted((await transaction.connection.execute(sa.select(column))).scalars())


async def test_counts_of_conversations_stay_until_nobody_is_answered_in_them_any_more(
    database: Database, clock: FixedClock
) -> None:
    await count(database, clock.now() - KEPT - timedelta(seconds=1), "old", "renewed")
    await count(database, clock.now() - KEPT, "new", "renewed")
    await tidying(database, clock).tidy()
    assert await kept(database, ConversationCount.conversation_id) == ["new", "renewed"]


async def test_a_mention_that_may_still_be_answered_keeps_its_conversation(
    database: Database, clock: FixedClock
) -> None:
    old = clock.now() - timedelta(days=400)
    async with SqlStore(database, SqlRecords).writing() as records:
        await records.mark_external("talk", old)
        await records.commit()
    await count(database, old, "talk")
    await tidying(database, clock, age=timedelta(days=400)).tidy()
    assert await kept(database, ConversationCount.conversation_id) == ["talk"]
    assert await kept(database, ExternalConversation.conversation_id) == ["talk"]
    await tidying(database, clock).tidy()
    assert await kept(database, ConversationCount.conversation_id) == []
    assert await kept(database, ExternalConversation.conversation_id) == []


@pytest.mark.parametrize("speed", [1.0, 0.001, 600.0])
async def test_the_counts_of_a_day_stay_as_long_as_the_day_however_long_that_is(
    database: Database, clock: FixedClock, speed: float
) -> None:
    day = Cast(SqlStore(database, SqlRecords), clock, speed).day()
    old = clock.now() - timedelta(days=200)
    await count(database, old, f"day/{day}", f"calls/{day}", f"day/{day - 7}", f"calls/{day - 7}")
    await tidying(database, clock, speed=speed).tidy()
    assert await kept(database, ConversationCount.conversation_id) == [f"calls/{day}", f"day/{day}"]


async def test_a_conversation_that_a_stranger_goes_on_with_stays_marked(database: Database, clock: FixedClock) -> None:
    async with SqlStore(database, SqlRecords).writing() as records:
        for conversation, days in (("quiet", 91), ("lively", 400), ("lively", 3)):
            await records.mark_external(conversation, clock.now() - timedelta(days=days))
        await records.commit()
    await tidying(database, clock).tidy()
    assert await kept(database, ExternalConversation.conversation_id) == ["lively"]


async def test_words_stay_reserved_for_a_day(database: Database, clock: FixedClock) -> None:
    async with SqlStore(database, SqlRecords).writing() as records:
        for words, hours in (("old", 25), ("new", 23)):
            await records.reserve("wren", words, "post/1", clock.now() - timedelta(hours=hours))
        await records.commit()
    await tidying(database, clock).tidy()
    assert await kept(database, Reservation.fingerprint) == ["new"]


async def test_requests_go_in_batches_and_those_that_may_be_repeated_stay(
    database: Database, clock: FixedClock
) -> None:
    def request(name: str, time: datetime) -> dict[str, object]:
        key = {"principal": "", "method": "Hear", "request_id": name}
        return {**key, "fingerprint": "", "resource_id": "", "create_time": time}

    rows = [request(f"old {number:04}", clock.now() - KEPT - timedelta(seconds=1)) for number in range(1_201)]
    rows += [request("new", clock.now() - KEPT)]
    async with database.write() as transaction:
        await transaction.connection.execute(sa.insert(RequestRecord), rows)
        await transaction.commit()
    store = SqlStore(database, SqlRecords)
    async with store.writing() as records:
        assert await records.forget_requests(clock.now() - KEPT, 500) == 500
        await records.commit()
    await tidying(database, clock).tidy()
    assert await kept(database, RequestRecord.request_id) == ["new"]


async def log(database: Database, days_ago: Iterable[int], now: datetime) -> None:
    rows = [
        {
            "workflow_id": f"post/{number}",
            "step": "end",
            "agent_id": "wren",
            "agent_name": "Wren",
            "kind": ActivityKind.POST,
            "behaviour": "post",
            "trigger": Trigger.SCHEDULE,
            "event": Posted("Rain."),
            "grounds": NO_GROUNDS,
            "create_time": now - timedelta(days=days),
        }
        for number, days in enumerate(days_ago)
    ]
    async with database.write() as transaction:
        await transaction.connection.execute(sa.insert(ActivityRecord), rows)
        await transaction.commit()


async def places(database: Database) -> list[int]:
    async with database.read() as transaction:
        query = sa.select(ActivityRecord.seq).order_by(ActivityRecord.seq)  # type: ignore[call-overload]
        return list((await transaction.connection.execute(query)).scalars())


async def test_activities_go_after_so_many_days_in_batches_and_cursors_stay_good(
    database: Database, clock: FixedClock
) -> None:
    await log(database, [*[101] * 1_201, 99, 1], clock.now())
    await tidying(database, clock).tidy()
    assert len(await places(database)) == 1_203
    await tidying(database, clock, activities=timedelta(days=100)).tidy()
    assert await places(database) == [1_202, 1_203]
    store = SqlStore(database, SqlRecords)
    async with store.reading() as records:
        # From a cursor that is older it goes on with the oldest that is there.
        assert [row.seq for row in await records.activities_after([], 7, 10)] == [1_202, 1_203]
        assert (await records.counts("wren")) == {ActivityKind.POST: 2}
    clock.advance(days=200)
    await tidying(database, clock, activities=timedelta(days=100)).tidy()
    # The newest says where the log ends: a cursor that was given out is never beyond it.
    assert await places(database) == [1_203]
    await log(database, [0], clock.now())
    assert await places(database) == [1_203, 1_204]


async def test_a_prompt_goes_after_the_last_activity_that_names_it(database: Database, clock: FixedClock) -> None:
    store = SqlStore(database, SqlRecords)
    ids = {}
    for asked in ("gates", "rain"):
        prompt = PromptParts("", (), (), (), (), asked, (), "topic", "post", Sampling(0.7, 1.0), 6)
        # Kept twice, as by two replicas, it stands there once.
        ids[asked] = await Prompts(store, clock).keep(prompt)
        assert await Prompts(store, clock).keep(prompt) == ids[asked]
    clock.advance(days=50)
    async with store.writing() as records:
        await records.use_prompts([ids["gates"]], clock.now())
        await records.commit()
    clock.advance(days=60)
    await tidying(database, clock).tidy()
    assert await kept(database, PromptRecord.id) == sorted(ids.values())
    await tidying(database, clock, activities=timedelta(days=100)).tidy()
    assert await kept(database, PromptRecord.id) == [ids["gates"]]
    async with store.reading() as records:
        found = await records.prompts([*ids.values(), "none"])
    assert found[ids["gates"]].parts.input == "gates"
    assert found.keys() == {ids["gates"]}


@pytest.mark.parametrize(("age", "left"), [(MENTION_AGE, [2, 3]), (timedelta(days=120), [1, 2, 3])])
async def test_activities_stay_as_long_as_what_they_answer_may_be_repeated(
    database: Database, clock: FixedClock, age: timedelta, left: list[int]
) -> None:
    await log(database, [110, 80, 1], clock.now())
    await tidying(database, clock, age=age, activities=timedelta(days=1)).tidy()
    assert await places(database) == left


async def test_events_that_are_over_go_with_all_of_theirs(database: Database, clock: FixedClock) -> None:
    old, new = clock.now() - KEPT - timedelta(seconds=1), clock.now() - KEPT
    events = {
        "evt_over": (old, EventState.DELIVERED),
        "evt_cancelled": (old, EventState.CANCELLED),
        "evt_daily": (old, EventState.SCHEDULED),
        "evt_new": (new, EventState.DELIVERED),
    }
    async with SqlStore(database, SqlRecords).writing() as records:
        for event_id, (time, state) in events.items():
            await records.save(
                EventRecord(
                    id=event_id,
                    content=ScheduledPost(),
                    start_time=time,
                    create_time=time,
                    end_time=None if state is EventState.SCHEDULED else time,
                    state=state,
                )
            )
            await records.add_targets(event_id, ["wren"])
            await records.see_items(event_id, ["item"], clock.now())
        await records.commit()
    await tidying(database, clock).tidy()
    for column in (EventRecord.id, EventTarget.event_id, SeenItem.event_id):
        assert await kept(database, column) == ["evt_daily", "evt_new"]
