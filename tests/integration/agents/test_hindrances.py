"""What keeps an agent from looking is logged once, and so is its end; whatever it keeps from, it is felt once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import services.agents
from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.adapters.sql import SqlRecords
from services.agents.domain.entities import AgentRecord, Hindrance
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.mood import NEUTRAL, SocialEvent
from services.agents.domain.records import Failed, Trigger
from services.agents.ports.neighbours import Refused
from services.agents.ports.store import ActivityFilter
from services.agents.service import Cast, Journal, Tail
from services.agents.service.journal import Entry
from services.agents.settings import AgentsSettings
from services.runtime.db import Database
from services.runtime.pages import Page
from services.runtime.sql import SqlStore
from tests.fakes.agents import World
from tests.fakes.clock import FixedClock
from tests.integration.agents.conftest import OpenWith, create, log_of, next_of, until
from tests.support.waits import WAIT_SECONDS

FAILURE, LIFECYCLE, POST = (
    log_pb.ACTIVITY_KIND_FAILURE,
    log_pb.ACTIVITY_KIND_LIFECYCLE,
    log_pb.ACTIVITY_KIND_POST,
)
CREDITS = Refused("social", "CREDITS_USED_UP", "CREDITS_USED_UP: the credits are used up", retry_after=3600)
CAP = Refused("social", "USAGE_CAPPED", "USAGE_CAPPED: the cap is reached", retry_after=21_600)
LIMIT = DependencyUnavailable("social", 900, "can't now: the limit is used up", "NETWORK_RATE_LIMITED")


@pytest.fixture
def listener(persona: dict[str, Any]) -> dict[str, Any]:
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 5_000, "max_hours_between_posts": 5_000}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


async def looked(world: World, times: int = 6) -> None:
    """Wait until so many more looks were begun, and with that all but the last one have ended."""
    before = world.social.looks
    await until(lambda: world.social.looks >= before + times)


async def test_a_look_that_fails_for_a_cause_that_lasts_is_logged_once_and_again_when_it_changes_or_goes(
    open_with: OpenWith, settings: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    world.social.blind = CREDITS
    async with open_with(settings.model_copy(update={"speed": 600.0})) as agents:
        await agents.CreateAgent(create(listener))
        [first] = await next_of(agents, FAILURE)
        await looked(world)
        assert await log_of(agents, FAILURE) == [first]
        world.social.blind = CAP
        second = (await next_of(agents, FAILURE, number=2))[1]
        await looked(world)
        assert await log_of(agents, FAILURE) == [second, first]
        world.social.blind = LIMIT
        third = (await next_of(agents, FAILURE, number=3))[2]
        world.social.blind = None
        over = (await next_of(agents, LIFECYCLE, number=3))[2]
        await looked(world)
        assert len(await log_of(agents, FAILURE)) == 3
        world.social.blind = CREDITS
        fourth = (await next_of(agents, FAILURE, number=4))[3]
    assert [one.summary for one in (first, second, third)] == ["could not read its mentions"] * 3
    assert [one.failure.reason for one in (first, second, fourth)] == [
        "CREDITS_USED_UP",
        "USAGE_CAPPED",
        "CREDITS_USED_UP",
    ]
    assert "credits are used up" in first.reason
    assert f"again before {first.failure.retry_time.ToDatetime():%Y-%m-%d}" in first.reason
    assert third.failure.cause == "NETWORK_RATE_LIMITED"
    assert over.summary == "can read its mentions again"
    assert "limit is used up" in over.reason


async def test_what_a_restart_finds_was_told_is_not_told_again(
    open_with: OpenWith, settings: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    world.social.blind = CREDITS
    busy = settings.model_copy(update={"speed": 600.0})
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        await next_of(agents, FAILURE)
    async with open_with(busy) as agents:
        await looked(world)
        assert len(await log_of(agents, FAILURE)) == 1


async def test_each_post_that_fails_is_logged_and_a_settled_one_ends_the_hindrance(
    open_with: OpenWith, settings: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    async with open_with(settings) as agents:
        await agents.CreateAgent(create(listener))
        moods = []
        for number, withheld in enumerate((CREDITS, CREDITS, None, CREDITS)):
            world.social.withheld = withheld
            asked = pb.TriggerPostRequest(agent_id="wren", request_id=f"post {number}")
            activity = (await agents.TriggerPost(asked, timeout=WAIT_SECONDS)).activity
            assert activity.kind == (FAILURE if withheld else POST)
            mood = (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))).mood
            moods.append(mood.valence)
    # Time hardly passes here, so a mood that isn't moved stays.
    assert moods[1] == pytest.approx(moods[0], abs=1e-4)
    assert moods[3] < moods[2] - 0.05


class Diary:
    """A journal on a database, with one agent."""

    def __init__(self, store: SqlStore[SqlRecords], clock: FixedClock) -> None:
        self.store = store
        self.clock = clock
        self.journal = Journal(store, Cast(store, clock, 1.0), clock, Tail(store, asyncio.Event()))

    async def hinder(self, name: str, aim: str, cause: str, *, is_told_once: bool = False) -> None:
        entry = Entry(Failed(aim, cause), moods=(SocialEvent.FAILED,))
        hindrance = Hindrance(agent_id="wren", aim=aim, cause=cause, words=cause, begin_time=self.clock.now())
        await self.journal.hinder(name, entry, hindrance, is_told_once=is_told_once)

    async def mood(self) -> float:
        async with self.store.reading() as records:
            agent = await records.agent("wren")
        assert agent is not None
        return agent.valence

    async def logged(self) -> list[str]:
        return [row.workflow_id for row in (await self.journal.page(ActivityFilter(), Page(50))).rows][::-1]


@pytest.fixture
async def diary(database_url: str, clock: FixedClock) -> AsyncIterator[Diary]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    diary, now = Diary(SqlStore(database, SqlRecords), clock), clock.now()
    async with diary.store.writing() as records:
        await records.save(
            AgentRecord(
                id="wren",
                name="Wren",
                description="",
                is_active=True,
                persona={"id": "wren", "name": "Wren"},
                valence=NEUTRAL.valence,
                arousal=NEUTRAL.arousal,
                dominance=NEUTRAL.dominance,
                mood_time=now,
                create_time=now,
                update_time=now,
            )
        )
        await records.commit()
    yield diary
    await database.close()


async def test_a_mood_moves_once_for_one_cause_whatever_it_keeps_from(diary: Diary) -> None:
    moods = [await diary.mood()]
    for name, aim, cause in (
        ("a", "read", "CREDITS"),
        ("b", "post", "CREDITS"),
        ("c", "post", "CREDITS"),
        ("d", "read", "CREDITS"),
        ("e", "post", "LOCKED"),
    ):
        await diary.hinder(name, aim, cause)
        moods.append(await diary.mood())
    assert moods[1] < moods[0]
    assert moods[1] == moods[2] == moods[3] == moods[4]
    assert moods[5] < moods[4]
    assert await diary.logged() == ["a", "b", "c", "d", "e"]


async def test_what_is_told_once_is_told_again_when_it_changes_and_when_it_is_over_and_steps_run_twice(
    diary: Diary,
) -> None:
    for name, cause in (("a", "CREDITS"), ("a", "CREDITS"), ("b", "CREDITS"), ("c", "CAP"), ("d", "CREDITS")):
        await diary.hinder(name, "read", cause, is_told_once=True)
    for _ in range(2):
        await diary.journal.relieve("wren", "read", "e", "reply", Trigger.SCHEDULE)
    await diary.hinder("f", "read", "CREDITS", is_told_once=True)
    assert await diary.logged() == ["a", "c", "d", "e", "f"]


async def test_since_when_something_keeps_an_agent_stays_while_its_cause_does(diary: Diary, clock: FixedClock) -> None:
    begun = clock.now()
    for hours, cause in enumerate(("CREDITS", "CREDITS", "CAP")):
        clock.advance(hours=hours)
        await diary.hinder(cause, "read", cause, is_told_once=True)
        async with diary.store.reading() as records:
            row = (await records.hindrances("wren"))["read"]
        assert row.begin_time == (begun if cause == "CREDITS" else begun + timedelta(hours=3))
