"""The store on each database: what two replicas, or a step that runs twice, must not spoil."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import services.agents
from services.agents.adapters.sql import SqlRecords
from services.agents.domain.entities import ActivityRecord, AgentRecord, ScheduleEntry
from services.agents.domain.mood import Mood, TradingMood, baseline
from services.agents.domain.records import ActivityKind, Posted
from services.agents.domain.tasks import ActTask
from services.agents.domain.versions import PersonaVersion
from services.agents.service.allowance import Allowance
from services.agents.service.cast import Cast
from services.agents.service.redacting import redact_stored
from services.agents.service.reserving import Reservations
from services.runtime.db import Database
from services.runtime.pages import Page
from services.runtime.sql import SqlStore
from tests.fakes.clock import FixedClock

Store = SqlStore[SqlRecords]


TIME = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield SqlStore(database, SqlRecords)
    await database.close()


def activity(workflow_id: str, clock: FixedClock, step: str = "end") -> ActivityRecord:
    return ActivityRecord(
        workflow_id=workflow_id,
        step=step,
        agent_id="wren",
        agent_name="Wren",
        kind=ActivityKind.POST,
        event=Posted("The gate is open."),
        create_time=clock.now(),
    )


async def test_a_step_is_logged_once_and_places_are_in_the_order_of_commits(store: Store, clock: FixedClock) -> None:
    added: list[int] = []

    async def log(workflow_id: str) -> bool:
        async with store.writing("activity") as records:
            row = activity(workflow_id, clock)
            is_new = await records.log(row)
            await records.commit()
            if is_new:
                added.append(row.seq or 0)
            return is_new

    results = await asyncio.gather(*(log(f"w{number % 5}") for number in range(10)))
    assert results.count(True) == 5
    assert added == sorted(added)
    async with store.reading() as records:
        assert [row.seq for row in await records.activities_after([], 0, 10)] == added
        assert await records.last_seq() == added[-1]
        assert await records.counts("wren") == {ActivityKind.POST: 5}


async def test_a_row_that_is_read_twice_in_a_transaction_is_one_and_its_changes_are_written(
    store: Store, clock: FixedClock
) -> None:
    async with store.writing() as records:
        await records.save(agent_of_before("wren", clock))
        await records.commit()
    async with store.writing() as records:
        agent, again = await records.agent("wren"), await records.agent("wren")
        assert agent is not None
        assert agent is again
        assert await records.agents_of(["wren"]) == [agent]
        agent.name = "Wren the second"
        await records.save(agent)
        await records.commit()
    async with store.reading() as records:
        found = await records.agent("wren")
        assert found is not None
        assert found.name == "Wren the second"
        assert await records.agent("nobody") is None


async def test_an_entry_moves_only_from_the_time_that_was_read(store: Store, clock: FixedClock) -> None:
    now, later, latest = (clock.now() + timedelta(hours=hours) for hours in range(3))
    async with store.writing() as records:
        await records.save(agent_of_before("wren", clock))
        await records.put_schedule("wren", {"post": now})
        await records.commit()
    async with store.reading() as records:
        [entry] = await records.due(now, 10)
    moved = []
    for due_time in (later, latest):
        async with store.writing() as records:
            moved.append(bool(await records.move_all([(entry, due_time)])))
            await records.commit()
    assert moved == [True, False]
    async with store.reading() as records:
        assert await records.due(now, 10) == []
        assert [row.due_time for row in await records.schedule("wren")] == [later]


async def test_what_several_replicas_plan_at_once_is_planned_once(store: Store, clock: FixedClock) -> None:
    async def plan(number: int) -> None:
        due_time = clock.now() + timedelta(minutes=number)
        task = ActTask("wren", "reflect")
        async with store.writing() as records:
            await records.plan(ScheduleEntry(agent_id="wren", kind="reflect", key="a", due_time=due_time, task=task))
            await records.move_mention_cursor("wren", "", str(number))
            await records.commit()

    await asyncio.gather(*map(plan, range(1, 6)))
    async with store.reading() as records:
        [entry] = await records.schedule("wren")
        cursor = await records.mention_cursor("wren")
    assert entry.task == ActTask("wren", "reflect")
    assert entry.due_time == clock.now() + timedelta(minutes=int(cursor))


async def test_characters_are_found_by_what_they_are_called_in_whatever_case(store: Store, clock: FixedClock) -> None:
    called = {"wren": "Wren", "otto": "ÖTTO", "silent": "Silent"}
    async with store.writing() as records:
        for agent_id, name in called.items():
            agent = agent_of_before(agent_id, clock)
            agent.name, agent.is_active = name, True
            if agent_id != "silent":
                agent.account_id, agent.handle, agent.network_user_id = (
                    f"acc_{agent_id}",
                    f"{agent_id}_X",
                    f"id-{agent_id}",
                )
            await records.save(agent)
        await records.commit()
    async with store.reading() as records:
        for names, found in (
            ({"WREN", "nobody"}, ["wren"]),
            ({"wren_x"}, ["wren"]),
            ({"ÖTTO", "Otto"}, ["otto"]),
            ({"silent"}, []),
            (set[str](), []),
        ):
            assert [agent.id for agent in await records.members_called(names)] == found
        assert [agent.id for agent in await records.members_of({"id-otto", "", "id-nobody"})] == ["otto"]
        assert {(one.id, one.handle) for one in await records.member_names()} == {
            ("wren", "wren_X"),
            ("otto", "otto_X"),
        }
        drawn = [await records.member_at_random("wren", draw) for draw in (0.0, 0.5, 0.999)]
        assert [agent.id for agent in drawn if agent] == ["otto"] * 3
        some = [await records.member_at_random("silent", draw) for draw in (0.0, 0.999)]
        assert [agent.id for agent in some if agent] == ["otto", "wren"]


async def test_words_are_reserved_for_one_workflow_of_an_agent_and_for_a_day(store: Store, clock: FixedClock) -> None:
    reservations = Reservations(store, clock)
    written = ("The gate is open.", "the gate is OPEN!", "\uff34he gate\u200b is open")
    tries = [reservations.reserve("wren", f"reply/{number}", written[number % 3 :]) for number in range(12)]
    assert (await asyncio.gather(*tries)).count(None) == 11
    [owner] = [number for number in range(12) if await reservations.reserve("wren", f"reply/{number}", written[:1])]
    # A step that runs again after a crash finds the words its own.
    assert await reservations.reserve("wren", f"reply/{owner}", written[1:]) == written[1]
    assert await reservations.reserve("otto", "reply/other", written) == written[0]
    assert await reservations.said_elsewhere("wren", "reply/other", [*written, "Shut."]) == set(written)
    assert await reservations.said_elsewhere("wren", f"reply/{owner}", written) == set()
    # The next of several texts is taken when the first is said elsewhere.
    assert await reservations.reserve("wren", "reply/other", (*written, "The gate is shut.")) == "The gate is shut."
    clock.advance(hours=25)
    assert await reservations.said_elsewhere("wren", "reply/other", written) == set()
    assert await reservations.reserve("wren", "reply/other", written) == written[0]


async def test_words_differ_by_the_vowels_that_stand_beside_letters(store: Store, clock: FixedClock) -> None:
    reservations = Reservations(store, clock)
    assert await reservations.reserve("wren", "reply/1", ["\u0915\u0940 \u0930\u093e\u0924\u0964"])
    assert await reservations.reserve("wren", "reply/2", ["\u0915\u093e \u0930\u0940\u0924\u0964"])


async def test_a_cursor_moves_only_from_where_it_was_read(store: Store) -> None:
    for before, after in (("", "5"), ("", "4"), ("5", "6")):
        async with store.writing() as records:
            await records.move_mention_cursor("wren", before, after)
            await records.commit()
    async with store.reading() as records:
        assert await records.mention_cursor("wren") == "6"


def agent_of_before(agent_id: str, clock: FixedClock) -> AgentRecord:
    return AgentRecord(
        id=agent_id,
        name=agent_id.title(),
        description="",
        is_active=True,
        persona={"id": agent_id, "name": "Wren", "personality": {"emotional_range": {"default_mood": "calm"}}},
        valence=0.9,
        arousal=0.9,
        dominance=0.9,
        mood_time=clock.now(),
        create_time=clock.now(),
        update_time=clock.now(),
    )


async def add(database: Database, agent: AgentRecord) -> None:
    """Add an agent to a database of an earlier version, which doesn't have all of its columns yet."""
    async with database.write() as transaction:
        known = await transaction.connection.run_sync(lambda connection: sa.inspect(connection).get_columns("agent"))
        row = {
            name: value for name, value in agent.model_dump().items() if name in {column["name"] for column in known}
        }
        columns = (column for column in sa.inspect(AgentRecord).columns if column.name in row)
        table = sa.table("agent", *(sa.column(column.name, column.type) for column in columns))
        await transaction.connection.execute(sa.insert(table).values(row))
        await transaction.commit()


async def log_before(database: Database, **row: Any) -> None:
    """Log something as version 0.1 did."""
    row = {"step": "end", "agent_name": "Wren", "reason": "", "details": {}, "create_time": TIME} | row
    types: dict[str, Any] = {"details": sa.JSON, "create_time": sa.DateTime(timezone=True)}
    table = sa.table("activity", *(sa.column(name, types.get(name, sa.String)) for name in row))
    async with database.write() as transaction:
        await transaction.connection.execute(sa.insert(table).values(row))
        await transaction.commit()


async def test_an_agent_of_before_trades_by_its_own_mood_and_not_by_the_visible_one(
    database_url: str, clock: FixedClock, tmp_path: Path
) -> None:
    migrations = Path(services.agents.__file__).with_name("migrations")
    (tmp_path / "before").mkdir()
    shutil.copy(migrations / "0001_initial.py", tmp_path / "before")
    database = Database(database_url)
    await database.migrate(tmp_path / "before")
    await add(database, agent_of_before("wren", clock))
    await database.migrate(migrations)
    store = SqlStore(database, SqlRecords)
    met = await Cast(store, clock, 1.0).character("wren")
    assert met.mood == Mood(0.9, 0.9, 0.9)
    assert met.trading_mood == TradingMood(baseline(met.persona.personality.default_mood))
    async with store.writing() as records:
        met.record.put_trading_mood(TradingMood(Mood(0.5, 0.25, 0.75)), clock.now())
        await records.save(met.record)
        await records.commit()
    assert (await Cast(store, clock, 1.0).character("wren")).trading_mood == TradingMood(Mood(0.5, 0.25, 0.75))
    await database.close()


async def test_replies_that_come_at_once_stay_within_the_limit(store: Store, clock: FixedClock) -> None:
    async def reply() -> bool:
        async with store.writing("conversation/wren/talk") as records:
            allowed = await records.count("wren", "talk", "otto", 2, clock.now())
            await records.commit()
            return allowed

    assert (await asyncio.gather(*(reply() for _ in range(5)))).count(True) == 2


async def test_a_conversation_is_marked_once_and_an_acquaintance_is_kept(store: Store, clock: FixedClock) -> None:
    for _ in range(2):
        async with store.writing() as records:
            await records.mark_external("talk", clock.now())
            await records.commit()
    async with store.writing() as records:
        await records.meet("wren", "gatekeeper", "7")
        await records.meet("otto", "gatekeeper", "8")
        await records.commit()
    async with store.reading() as records:
        assert (await records.is_external("talk"), await records.is_external("other")) == (True, False)
        assert await records.acquaintances("wren") == {"gatekeeper": "7"}


async def test_after_an_upgrade_conversations_with_strangers_are_known(
    database_url: str, clock: FixedClock, tmp_path: Path
) -> None:
    migrations = Path(services.agents.__file__).with_name("migrations")
    (tmp_path / "before").mkdir()
    for path in migrations.glob("000[1-4]_*.py"):
        shutil.copy(path, tmp_path / "before")
    database = Database(database_url)
    await database.migrate(tmp_path / "before")
    agent = agent_of_before("otto", clock)
    agent.account_id, agent.handle, agent.network_user_id = "acc_otto", "otto", "12"
    await add(database, agent)
    counts = [("talk", "otto"), ("talk", "x:7"), ("quiet", "otto"), ("old", "somebody"), ("day/7", "x:7")]
    names = ("agent_id", "conversation_id", "counterpart", "replies")
    counted = sa.table("conversation_count", *map(sa.column, names))
    async with database.write() as transaction:
        for conversation_id, counterpart in counts:
            row = dict(zip(names, ("wren", conversation_id, counterpart, 1), strict=True))
            await transaction.connection.execute(sa.insert(counted).values(row))
        await transaction.commit()
    await database.migrate(migrations)
    async with SqlStore(database, SqlRecords).reading() as records:
        marked = {name for name in ("talk", "quiet", "old", "day/7") if await records.is_external(name)}
        [kept] = await records.members_of({"12"})
    await database.close()
    assert marked == {"talk", "old"}
    assert (kept.handle, kept.handle_time, kept.network_user_id) == ("otto", None, "12")


async def test_after_an_upgrade_what_was_done_is_found_by_what_came_of_it(
    database_url: str, clock: FixedClock, tmp_path: Path
) -> None:
    migrations = Path(services.agents.__file__).with_name("migrations")
    (tmp_path / "before").mkdir()
    for path in [*migrations.glob("000*.py"), *migrations.glob("001[0-3]_*.py")]:
        shutil.copy(path, tmp_path / "before")
    database = Database(database_url)
    await database.migrate(tmp_path / "before")
    swap = {"trade_id": "trd_1", "signature": "4LvH"}
    events = {
        "post/1": {"type": "posted", "value": {"text": "Rain.", "post_id": "pst_1", "network_post_id": "77"}},
        "reply/1": {"type": "replied", "value": {"text": "Yes.", "post_id": "pst_2", "network_post_id": "78"}},
        "trade/1": {"type": "traded", "value": {"swap": swap, "scores": {}}},
        "post/2": {"type": "passed", "value": {"reason": "stopped"}},
    }
    names = ("workflow_id", "step", "agent_id", "agent_name", "kind", "behaviour", "trigger", "create_time")
    table = sa.table("activity", *map(sa.column, names), sa.column("event", sa.JSON), sa.column("grounds", sa.JSON))
    rest = ("end", "wren", "Wren", "post", "", "unknown", clock.now())
    async with database.write() as transaction:
        for workflow_id, event in events.items():
            row = dict(zip(names, (workflow_id, *rest), strict=True))
            row |= {"event": event, "grounds": {"type": "grounds", "value": {}}}
            await transaction.connection.execute(sa.insert(table).values(row))
        await transaction.commit()
    await database.migrate(migrations)
    async with SqlStore(database, SqlRecords).reading() as records:
        known = "SELECT workflow_id, effect_id, network_effect_id FROM activity ORDER BY seq"
        found = (await records._connection.execute(sa.text(known))).all()
    await database.close()
    assert found == [
        ("post/1", "pst_1", "77"),
        ("reply/1", "pst_2", "78"),
        ("trade/1", "trd_1", "4LvH"),
        ("post/2", "", ""),
    ]


async def test_calls_for_strangers_are_counted_once_for_their_names_and_stay_within_the_limit(
    store: Store, clock: FixedClock
) -> None:
    replicas = [Allowance(store, Cast(store, clock, 1.0), calls_a_day=3, at_once=1) for _ in range(2)]
    names = [f"reply/{number % 5}" for number in range(10)]
    taken = await asyncio.gather(*(replicas[at % 2].take("wren", name) for at, name in enumerate(names)))
    allowed = {name for name, is_taken in zip(names, taken, strict=True) if is_taken}
    assert len(allowed) == 3
    # A step that runs again takes the same calls, on another day, too.
    clock.advance(seconds=86_400)
    for name in sorted(allowed):
        assert await replicas[0].take("wren", name)
    assert await replicas[1].take("otto", "reply/9")
    fresh = [await replicas[0].take("wren", f"reply/{number}") for number in range(10, 15)]
    assert fresh == [True, True, True, False, False]


async def test_after_an_upgrade_who_was_stopped_is_known(database_url: str, clock: FixedClock, tmp_path: Path) -> None:
    migrations = Path(services.agents.__file__).with_name("migrations")
    (tmp_path / "before").mkdir()
    for path in migrations.glob("000[1-5]_*.py"):
        shutil.copy(path, tmp_path / "before")
    database = Database(database_url)
    await database.migrate(tmp_path / "before")
    for name in ("stopped", "fresh", "running"):
        agent = agent_of_before(name, clock)
        agent.is_active = name == "running"
        await add(database, agent)
    for name, summary in (("stopped", "was stopped"), ("fresh", "was created"), ("running", "was stopped")):
        await log_before(database, workflow_id=name, agent_id=name, kind="lifecycle", summary=summary)
    await database.migrate(migrations)
    async with SqlStore(database, SqlRecords).reading() as records:
        agents = [await records.agent(name) for name in ("stopped", "fresh", "running")]
    await database.close()
    assert {agent.id: agent.stop_time for agent in agents if agent} == {
        "stopped": clock.now(),
        "fresh": None,
        "running": None,
    }


async def test_a_character_whose_file_would_be_refused_today_lives_on(store: Store, clock: FixedClock) -> None:
    agent = agent_of_before("wren", clock)
    agent.persona["personality"] |= {"traits": "grumpy"}
    async with store.writing() as records:
        await records.save(agent)
        await records.commit()
    assert (await Cast(store, clock, 1.0).character("wren")).persona.personality.traits == ("grumpy",)


async def test_what_is_stored_of_an_agent_of_before_is_its_first_version_redacted_as_it_is(
    database_url: str, clock: FixedClock, tmp_path: Path
) -> None:
    migrations = Path(services.agents.__file__).with_name("migrations")
    before = tmp_path / "before"
    shutil.copytree(migrations, before, ignore=shutil.ignore_patterns("0009*", "001*", "__pycache__"))
    database = Database(database_url)
    await database.migrate(before)
    agent = agent_of_before("wren", clock)
    agent.persona["aura"] = "s3cr3t"
    await add(database, agent)
    await database.migrate(migrations)
    store = SqlStore(database, SqlRecords)
    assert await redact_stored(store) == 1
    assert await redact_stored(store) == 0
    async with store.reading() as records:
        found = await records.agent("wren")
        [version] = (await records.persona_versions("wren", Page(9, None))).rows
    await database.close()
    assert found is not None
    assert found.persona_version == version.number == 1
    assert version.persona == found.persona
    assert version.persona["aura"] == "[redacted]"
    assert (version.etag, version.principal, version.changed_paths) == (found.etag, "", [])


async def test_the_newest_versions_of_a_persona_are_kept(store: Store, clock: FixedClock) -> None:
    async with store.writing() as records:
        for number in range(1, 6):
            row = PersonaVersion(
                agent_id="wren",
                number=number,
                etag=str(number),
                persona={},
                changed_paths=["name"],
                principal="operator",
                create_time=clock.now(),
            )
            await records.save(row)
        await records.forget_persona_versions("wren", 3)
        await records.forget_persona_versions("otto", 5)
        await records.commit()
    async with store.reading() as records:
        kept = (await records.persona_versions("wren", Page(9, None))).rows
        assert [version.number for version in kept] == [5, 4]
        assert await records.persona_version("wren", 3) is None
        assert await records.persona_version("wren", 4) is not None
