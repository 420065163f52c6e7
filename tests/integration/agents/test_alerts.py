"""Alerts: each is told of once for its cause, and once more when that is over."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import services.agents
from services.agents.adapters.sql import SqlRecords
from services.agents.domain.entities import ActivityRecord, AgentRecord, Hindrance
from services.agents.domain.records import ActivityKind, Event, Failed, Grounds, Posted, Trigger, Writing
from services.agents.domain.webhooks import MessageRecord
from services.agents.service import Alerts, Cast, Outbox
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from tests.fakes.clock import FixedClock

Persona = dict[str, Any]
LONGEST = 6
"""Hours between two posts."""


class Silent:
    """A receiver that is never called here: what is stored is looked at."""

    async def send(self, message_id: str, body: str, now: datetime) -> None:
        """Take nothing."""
        raise AssertionError(message_id)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.migrate(Path(services.agents.__file__).with_name("migrations"))
    yield database
    await database.close()


class Watch:
    """The alerts of a process that began when this was made."""

    def __init__(self, database: Database, clock: FixedClock, calls: int = 10) -> None:
        self.database = database
        self.clock = clock
        self.store = SqlStore(database, SqlRecords)
        self.cast = Cast(self.store, clock, 1.0)
        self.alerts = Alerts(self.store, self.cast, Outbox(self.store, Silent(), "", clock), calls, 1.0)

    async def bodies(self) -> list[str]:
        """Return all messages as they are sent."""
        async with self.database.read() as transaction:
            found = await transaction.connection.execute(sa.text("SELECT body FROM webhook_message ORDER BY id"))
            return list(found.scalars())

    async def told(self) -> list[tuple[str, str, str, str]]:
        """Look, and return all messages: type, alert, cause and names."""
        await self.alerts.look()
        bodies = [json.loads(body) for body in await self.bodies()]
        return [(body["type"], body["data"]["alert"], body["data"]["cause"], body["data"]["names"]) for body in bodies]

    async def over(self) -> list[tuple[str, str, str, str]]:
        """Look twice, with the calm between the two."""
        await self.alerts.look()
        self.clock.advance(minutes=6)
        return await self.told()

    async def agent(self, agent_id: str, **persona: Any) -> None:
        hours = {"min_hours_between_posts": 2, "max_hours_between_posts": LONGEST}
        behavior = {"post_frequency": hours, **persona.pop("behavior", {})}
        now = self.clock.now()
        async with self.store.writing() as records:
            await records.save(
                AgentRecord(
                    id=agent_id,
                    name=agent_id.title(),
                    description="",
                    is_active=True,
                    persona={"id": agent_id, "name": agent_id.title(), "behavior": behavior, **persona},
                    account_id=f"acc_{agent_id}",
                    valence=0,
                    arousal=0,
                    dominance=0,
                    mood_time=now,
                    start_time=now,
                    create_time=now,
                    update_time=now,
                )
            )
            await records.commit()

    async def stop(self, agent_id: str) -> None:
        async with self.store.writing() as records:
            agent = await records.agent(agent_id)
            assert agent is not None
            agent.stop(self.clock.now())
            await records.save(agent)
            await records.commit()

    async def delete(self, agent_id: str) -> None:
        """Erase an agent as its deletion does."""
        async with self.store.writing() as records:
            agent = await records.agent(agent_id)
            assert agent is not None
            await self.alerts.forget(records, agent)
            await records.erase(agent_id)
            await records.commit()

    async def hinder(self, agent_id: str, cause: str, aim: str = "post") -> None:
        async with self.store.writing() as records:
            now = self.clock.now()
            await records.save(Hindrance(agent_id=agent_id, aim=aim, cause=cause, words="no", begin_time=now))
            await records.commit()

    async def relieve(self, agent_id: str, aim: str = "post") -> None:
        async with self.store.writing() as records:
            await records.end_hindrance(agent_id, aim)
            await records.commit()

    async def log(
        self, agent_id: str, name: str, step: str = "end", event: Event | None = None, tokens: int = 0
    ) -> None:
        async with self.store.writing() as records:
            happened = event or Posted("Hello")
            await records.log(
                ActivityRecord(
                    workflow_id=name,
                    step=step,
                    agent_id=agent_id,
                    agent_name=agent_id.title(),
                    kind=ActivityKind.FAILURE if event else ActivityKind.POST,
                    behaviour="post",
                    trigger=Trigger.SCHEDULE,
                    event=happened,
                    grounds=Grounds(writing=Writing(prompt_tokens=tokens)),
                    create_time=self.clock.now(),
                )
            )
            await records.commit()


@pytest.fixture
def watch(database: Database, clock: FixedClock) -> Watch:
    return Watch(database, clock)


async def test_a_refused_key_is_told_of_once_whatever_it_keeps_from_and_when_it_is_over(watch: Watch) -> None:
    await watch.agent("wren")
    assert await watch.told() == []
    await watch.hinder("wren", "CREDENTIALS_REFUSED")
    await watch.hinder("wren", "CREDENTIALS_REFUSED", "read its mentions")
    opened = ("alert.opened", "key_refused", "CREDENTIALS_REFUSED", "Wren")
    assert await watch.told() == [opened]
    assert await watch.over() == [opened]
    await watch.relieve("wren")
    assert await watch.over() == [opened]
    await watch.relieve("wren", "read its mentions")
    assert await watch.over() == [opened, ("alert.resolved", *opened[1:])]
    assert await watch.over() == [opened, ("alert.resolved", *opened[1:])]


async def test_what_comes_and_goes_is_told_of_once(watch: Watch) -> None:
    await watch.agent("wren")
    for _ in range(5):
        await watch.hinder("wren", "ACCOUNT_LOCKED")
        assert await watch.told() == [("alert.opened", "account_quiet", "ACCOUNT_LOCKED", "Wren")]
        await watch.relieve("wren")
        await watch.told()
        watch.clock.advance(minutes=2)


async def test_a_key_of_the_whole_suite_is_told_of_once_for_all(watch: Watch) -> None:
    for name in ("wren", "finch", "robin"):
        await watch.agent(name)
        await watch.hinder(name, "PROVIDER_REFUSED")
    [told] = await watch.told()
    assert told == ("alert.opened", "key_refused", "PROVIDER_REFUSED", "Finch, Robin, Wren")


async def test_two_replicas_and_a_restart_tell_of_it_once(watch: Watch, database: Database, clock: FixedClock) -> None:
    await watch.agent("wren")
    await watch.hinder("wren", "ACCOUNT_LOCKED")
    await Watch(database, clock).told()
    assert len(await watch.told()) == 1
    assert len(await Watch(database, clock).told()) == 1


async def test_a_limit_of_a_quarter_of_an_hour_is_nothing_to_tell_of_and_one_of_hours_is(watch: Watch) -> None:
    await watch.agent("wren")
    await watch.hinder("wren", "NETWORK_RATE_LIMITED")
    watch.clock.advance(minutes=59)
    assert await watch.told() == []
    watch.clock.advance(minutes=2)
    assert [told[1] for told in await watch.told()] == ["account_quiet"]


async def test_what_keeps_a_stopped_character_from_something_is_over(watch: Watch) -> None:
    await watch.agent("wren")
    await watch.hinder("wren", "ACCOUNT_LOCKED")
    await watch.told()
    await watch.stop("wren")
    assert [told[0] for told in await watch.told()] == ["alert.opened"]
    assert [told[0] for told in await watch.over()] == ["alert.opened", "alert.resolved"]


async def test_what_was_told_of_a_deleted_character_is_over_and_says_why(watch: Watch) -> None:
    for name in ("wren", "finch"):
        await watch.agent(name)
        await watch.hinder(name, "CREDENTIALS_REFUSED")
    assert len(await watch.told()) == 2
    await watch.delete("wren")
    told = await watch.over()
    assert told[2:] == [("alert.resolved", "key_refused", "CREDENTIALS_REFUSED", "Wren")], "Finch's goes on"
    last = json.loads((await watch.bodies())[-1])
    assert last["data"]["is_deleted"]
    assert last["text"].endswith("It was deleted.")
    await watch.relieve("finch")
    await watch.over()
    last = json.loads((await watch.bodies())[-1])
    assert (last["data"]["names"], last["data"]["is_deleted"]) == ("Finch", False)


async def test_a_deleted_character_is_named_no_more_by_what_concerns_others(watch: Watch) -> None:
    for name in ("wren", "finch"):
        await watch.agent(name)
        await watch.hinder(name, "PROVIDER_REFUSED")
    await watch.told()
    await watch.stop("wren")
    await watch.delete("wren")
    await watch.relieve("finch")
    assert (await watch.over())[-1] == ("alert.resolved", "key_refused", "PROVIDER_REFUSED", "Finch")


async def test_where_only_a_deleted_one_was_named_nobody_is(watch: Watch) -> None:
    await watch.agent("wren")
    await watch.hinder("wren", "PROVIDER_REFUSED")
    await watch.told()
    await watch.delete("wren")
    assert (await watch.over())[-1][3] == "a character that was deleted"


async def test_of_a_budget_four_fifths_are_told_of_and_the_next_day_is_another(watch: Watch) -> None:
    await watch.agent("wren", budget={"llm_tokens_per_day": 1_000})
    await watch.log("wren", "one", "draft", tokens=700)
    await watch.log("wren", "one", "end", tokens=700)
    assert await watch.told() == []
    await watch.log("wren", "two", tokens=100)
    opened = ("alert.opened", "budget_nearly_spent", "LLM_TOKENS", "Wren")
    assert await watch.told() == [opened]
    async with watch.store.writing() as records:
        for _ in range(8):
            await records.count("wren", f"calls/{watch.cast.day()}", "", 10, watch.clock.now())
        await records.commit()
    calls = ("alert.opened", "budget_nearly_spent", "MODEL_CALLS_FOR_STRANGERS", "Wren")
    assert await watch.told() == [opened, calls]
    watch.clock.advance(hours=12)
    await watch.log("wren", "three", tokens=10)
    await watch.told()
    assert {told[0] for told in (await watch.over())[2:]} == {"alert.resolved"}


async def test_a_character_is_silent_after_much_more_than_its_longest_pause_and_until_it_posts(watch: Watch) -> None:
    await watch.agent("wren")
    await watch.log("wren", "one")
    watch.clock.advance(hours=LONGEST)
    # What fails is no sign of life.
    await watch.log("wren", "two", event=Failed("post", "INTERNAL"))
    watch.clock.advance(hours=LONGEST + 1)
    assert await watch.told() == []
    watch.clock.advance(hours=2)
    opened = ("alert.opened", "character_silent", "NO_POST", "Wren")
    assert await watch.told() == [opened]
    assert await Watch(watch.database, watch.clock).over() == [opened]
    await watch.log("wren", "three")
    await watch.told()
    assert await watch.over() == [opened, ("alert.resolved", *opened[1:])]


async def test_a_character_that_sleeps_is_not_silent(watch: Watch) -> None:
    watch.clock.time = datetime(2026, 11, 22, 20, tzinfo=UTC)
    await watch.agent("wren", behavior={"quiet_hours": {"from": 21, "to": 12}})
    await watch.log("wren", "one")
    watch.clock.advance(hours=2 * LONGEST + 3)
    assert await watch.told() == []
    watch.clock.time = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
    assert await watch.told() == []
    watch.clock.time = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
    assert [told[1] for told in await watch.told()] == ["character_silent"]


async def test_a_silence_that_is_explained_is_no_other_alert(watch: Watch) -> None:
    await watch.agent("wren")
    await watch.hinder("wren", "ACCOUNT_LOCKED")
    watch.clock.advance(days=3)
    assert [told[1] for told in await watch.told()] == ["account_quiet"]


async def test_a_service_that_was_away_for_days_calls_nobody_silent_at_once(
    watch: Watch, database: Database, clock: FixedClock
) -> None:
    await watch.agent("wren")
    clock.advance(days=3)
    young = Watch(database, clock)
    assert await young.told() == []
    clock.advance(hours=2 * LONGEST + 3)
    assert [told[1] for told in await young.told()] == ["character_silent"]


def test_an_attempt_never_waits_for_longer_than_three_hours_and_a_half_of_it_more() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    message = MessageRecord(body="{}", attempts=400, create_time=now, expire_time=now + timedelta(days=9))
    message.fail("no", now, 0.0, 1.0)
    assert message.next_time == now + timedelta(hours=4, minutes=30)
