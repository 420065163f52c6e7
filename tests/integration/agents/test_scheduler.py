"""What is due begins once; what was slept through, by a machine or a character, comes later and not all at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import services.agents
from puppet.agents.v1 import activity_pb2 as log_pb
from services.agents.adapters.sql import SqlRecords
from services.agents.behaviours import Behaviour, Registry
from services.agents.domain.entities import AgentRecord, Hindrance, ScheduleEntry
from services.agents.domain.mood import NEUTRAL
from services.agents.domain.persona import Persona
from services.agents.domain.records import Trigger
from services.agents.domain.schedule import Pauses
from services.agents.domain.tasks import Mention, PostTask, ReplyTask, Task
from services.agents.scheduler import Scheduler
from services.agents.service import Cast, Cooldown
from services.agents.settings import AgentsSettings
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from tests.fakes.agents import World
from tests.fakes.clock import FixedClock
from tests.integration.agents.conftest import OpenWith, create, log_of, next_of
from tests.support.waits import WAIT_SECONDS

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NIGHT = {"quiet_hours": {"from": 23, "to": 7}}


class Posting(Behaviour[Any, Any, Any]):
    """What is begun again and again, of which only the beginning matters here."""

    kind = "post"
    aim = "post"
    task_type = PostTask

    def due(self, _persona: Persona) -> Pauses:
        return Pauses(60, 120, first_low=0, first_high=5)

    def task(self, agent_id: str) -> PostTask:
        return PostTask(agent_id)

    async def propose(self, name: str, task: Any) -> Any: ...

    async def carry_out(self, run: Any, name: str, proposal: Any) -> Any: ...

    def record(self, proposal: Any, effect: Any) -> Any: ...

    async def remember(self, name: str, proposal: Any, effect: Any) -> None: ...


class Started:
    """Workflows, by their ids, that were started; `running` are those that haven't ended."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.running: list[str] = []
        self.refused: set[str] = set()
        """The agents for whom none can be started."""

    async def start(self, workflow_id: str, task: Task) -> None:
        assert workflow_id not in self.tasks
        if task.agent_id in self.refused:
            raise OSError("the disk is full")
        self.tasks[workflow_id] = task
        self.running.append(workflow_id)

    def waiting(self, workflow_id: str) -> None: ...

    def under_way(self) -> list[str]:
        return self.running


class Stage:
    """A schedule on a database, which a clock that stands still goes through."""

    def __init__(self, database: Database, clock: FixedClock) -> None:
        self.clock = clock
        self.store = SqlStore(database, SqlRecords)
        self.started = Started()
        cast = Cast(self.store, clock, 1.0)
        self.scheduler = Scheduler(
            self.store, cast, Registry([Posting()]), self.started, Cooldown(self.store), clock, 1.0
        )

    async def agent(self, agent_id: str, behavior: Mapping[str, Any] = {}) -> None:
        now = self.clock.now()
        async with self.store.writing() as records:
            await records.save(
                AgentRecord(
                    id=agent_id,
                    name=agent_id,
                    description="",
                    is_active=True,
                    persona={"id": agent_id, "name": agent_id, "behavior": dict(behavior)},
                    account_id=f"acc_{agent_id}",
                    valence=NEUTRAL.valence,
                    arousal=NEUTRAL.arousal,
                    dominance=NEUTRAL.dominance,
                    mood_time=now,
                    create_time=now,
                    update_time=now,
                )
            )
            await records.commit()

    async def plan(self, agent_id: str, kind: str, due_time: datetime, key: str = "", task: Task | None = None) -> None:
        async with self.store.writing() as records:
            await records.plan(ScheduleEntry(agent_id=agent_id, kind=kind, key=key, due_time=due_time, task=task))
            await records.commit()

    async def dues(self, agent_id: str) -> list[datetime]:
        async with self.store.reading() as records:
            return [entry.due_time for entry in await records.schedule(agent_id)]

    async def poll(self) -> None:
        """Look at the schedule once, and wait for what that begins."""
        before = asyncio.all_tasks()
        await self.scheduler.poll()
        await asyncio.gather(*(asyncio.all_tasks() - before))


@pytest.fixture
async def stage(database_url: str, clock: FixedClock) -> AsyncIterator[Stage]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield Stage(database, clock)
    await database.close()


def reply(number: int, said: datetime) -> ReplyTask:
    return ReplyTask("wren", Mention(str(number), "stranger", "@wren hello", str(number), said))


async def test_answers_that_a_machine_slept_through_are_spread_and_each_begins_once(stage: Stage) -> None:
    now = stage.clock.now()
    await stage.agent("wren")
    for number in range(20):
        await stage.plan("wren", "reply", now - 8 * HOUR + number * MINUTE, str(number), reply(number, now - 9 * HOUR))
    await stage.poll()
    dues = await stage.dues("wren")
    assert not stage.started.tasks
    assert all(now <= due <= now + 30 * MINUTE for due in dues)
    assert len(set(dues)) == 20
    assert dues[-1] - dues[0] > 15 * MINUTE
    limit, begun = 0, 0
    while await stage.dues("wren"):
        stage.clock.advance(minutes=1)
        await stage.poll()
        limit, begun = max(limit, len(stage.started.tasks) - begun), len(stage.started.tasks)
    assert sorted(stage.started.tasks) == sorted(f"reply/wren/{number}" for number in range(20))
    assert limit <= 5
    assert stage.clock.now() <= now + 31 * MINUTE


async def test_posts_that_a_machine_slept_through_are_begun_anew_and_apart(stage: Stage) -> None:
    now = stage.clock.now()
    for number in range(20):
        await stage.agent(f"agent{number}")
        await stage.plan(f"agent{number}", "post", now - 8 * HOUR)
    await stage.poll()
    dues = {due for number in range(20) for due in await stage.dues(f"agent{number}")}
    assert not stage.started.tasks
    assert len(dues) == 20
    assert all(now <= due <= now + 5 * MINUTE for due in dues)


async def test_nothing_begins_in_the_night_but_what_somebody_has_asked_for(stage: Stage) -> None:
    stage.clock.time = datetime(2026, 11, 22, 23, 5, tzinfo=UTC)
    await stage.agent("wren", NIGHT)
    due = stage.clock.now() - MINUTE
    await stage.plan("wren", "post", due)
    await stage.plan("wren", "reply", due, "1", reply(1, due))
    await stage.plan("wren", "post", due, "asked", PostTask("wren", "owls", trigger=Trigger.REQUEST))
    for _ in range(2):
        await stage.poll()
    assert list(stage.started.tasks) == ["post/wren/asked"]
    morning = datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert all(morning <= due <= morning + HOUR for due in await stage.dues("wren"))
    stage.clock.time = morning + HOUR
    await stage.poll()
    assert {name.split("/")[0] for name in stage.started.tasks} == {"post", "reply"}


async def test_a_plan_that_a_changed_persona_would_sleep_through_is_moved_to_its_morning(stage: Stage) -> None:
    await stage.agent("wren", NIGHT)
    stage.clock.time = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    await stage.plan("wren", "post", stage.clock.now() + HOUR)
    await stage.scheduler.mend()
    morning = datetime(2026, 11, 23, 7, tzinfo=UTC)
    [due] = await stage.dues("wren")
    assert morning <= due <= morning + HOUR
    await stage.scheduler.mend()
    assert await stage.dues("wren") == [due]


async def test_the_schedule_is_mended_again_when_the_clock_was_set_back(stage: Stage) -> None:
    await stage.agent("wren")
    now = stage.clock.now()
    stage.clock.time = now + 5 * HOUR
    await stage.scheduler.mend()
    await stage.plan("wren", "post", now + 7 * HOUR)
    await stage.scheduler.mend()
    assert await stage.dues("wren") == [now + 7 * HOUR]
    stage.clock.time = now
    await stage.scheduler.mend()
    [due] = await stage.dues("wren")
    assert now + HOUR <= due <= now + 2 * HOUR


async def test_what_has_failed_waits_until_it_was_told_to_be_tried_again_but_for_what_somebody_has_asked_for(
    stage: Stage,
) -> None:
    now = stage.clock.now()
    until = now + 30 * MINUTE
    # Two agents: whoever is still at a post leaves the next recurring one out.
    for agent_id in ("wren", "ada"):
        await stage.agent(agent_id)
        hindrance = Hindrance(agent_id=agent_id, aim="post", cause="BUDGET", words="", begin_time=now, retry_time=until)
        async with stage.store.writing() as records:
            await records.save(hindrance)
            await records.commit()
    await stage.plan("wren", "post", now)
    await stage.plan("ada", "post", now, "planned", PostTask("ada"))
    await stage.plan("ada", "post", now, "asked", PostTask("ada", "owls", trigger=Trigger.REQUEST))
    await stage.poll()
    assert list(stage.started.tasks) == ["post/ada/asked"]
    for agent_id in ("wren", "ada"):
        [due] = await stage.dues(agent_id)
        assert until <= due <= until + 8 * MINUTE
    stage.started.running.clear()
    stage.clock.time = until + 8 * MINUTE
    await stage.poll()
    assert sorted(task.agent_id for task in stage.started.tasks.values()) == ["ada", "ada", "wren"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_service_that_slept_answers_what_is_not_too_old_once_and_passes_over_the_rest(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: dict[str, Any]
) -> None:
    persona["solana_integration"]["trading_enabled"] = False
    async with open_with(settings) as agents:
        await agents.CreateAgent(create(persona))
    database, now = Database(settings.sql_url("agents")), datetime.now(UTC)
    stage = Stage(database, FixedClock(now))
    for number in range(5):
        said = now - (60 if number == 4 else 8) * HOUR
        mention = Mention(str(number), f"stranger{number}", "@wren_handle is the gate open?", f"talk{number}", said)
        await stage.plan("wren", "reply", said, str(number), ReplyTask("wren", mention))
    # Half an hour of its own time is years of ours: it is planned, and nothing begins.
    async with open_with(settings.model_copy(update={"speed": 1e-5})) as agents:
        async with asyncio.timeout(WAIT_SECONDS):
            while min(await stage.dues("wren")) < datetime.now(UTC):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert len(set(await stage.dues("wren"))) == len(await stage.dues("wren"))
        assert await log_of(agents) == []
    async with stage.store.writing() as records:
        for entry in await records.schedule("wren"):
            await records.move_all([(entry, datetime.now(UTC))])
        await records.commit()
    await database.close()
    async with open_with(settings) as agents:
        replied, passed = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS
        done = await next_of(agents, replied, passed, number=5)
    outcomes = {one.workflow_id: one.kind for one in done}
    assert outcomes == {f"reply/wren/{number}": passed if number == 4 else replied for number in range(5)}
    assert "too long ago" in next(one.reason for one in done if one.kind == passed)
    assert len(world.social.answers()) == 4


async def test_what_more_is_due_than_can_run_waits_its_turn_and_holds_no_other_kind_up(stage: Stage) -> None:
    now = stage.clock.now()
    for number in range(60):
        await stage.agent(f"agent{number:02}")
        await stage.plan(f"agent{number:02}", "post", now - (60 - number) * timedelta(seconds=1))
    await stage.plan("agent00", "reply", now, "1", reply(1, now))
    for _ in range(3):
        await stage.poll()
    begun = [name.split("/")[1] for name in stage.started.tasks if name.startswith("post/")]
    assert sorted(begun) == [f"agent{number:02}" for number in range(len(begun))]
    assert 10 <= len(begun) < 60
    assert "reply/agent00/1" in stage.started.tasks
    while stage.started.running:
        stage.started.running.clear()
        await stage.poll()
    assert len(stage.started.tasks) == 61


async def test_whoever_is_still_at_the_last_one_leaves_the_next_one_out(stage: Stage) -> None:
    now = stage.clock.now()
    await stage.agent("wren")
    await stage.plan("wren", "post", now)
    await stage.poll()
    [due] = await stage.dues("wren")
    stage.clock.time = due
    await stage.poll()
    assert len(stage.started.tasks) == 1
    [due] = await stage.dues("wren")
    assert due > stage.clock.now()
    stage.started.running.clear()
    stage.clock.time = due
    await stage.poll()
    assert len(stage.started.tasks) == 2


async def test_of_what_is_due_together_one_that_cannot_begin_holds_no_other_up_and_is_tried_again(stage: Stage) -> None:
    now = stage.clock.now()
    for agent_id in ("ada", "otto", "wren"):
        await stage.agent(agent_id)
        await stage.plan(agent_id, "post", now)
    stage.started.refused = {"otto"}
    await stage.poll()
    assert {task.agent_id for task in stage.started.tasks.values()} == {"ada", "wren"}
    assert (await stage.dues("otto"))[0] == now < min(await stage.dues("ada") + await stage.dues("wren"))
    stage.started.refused.clear()
    await stage.poll()
    assert {task.agent_id for task in stage.started.tasks.values()} == {"ada", "otto", "wren"}
    assert (await stage.dues("otto"))[0] > now
