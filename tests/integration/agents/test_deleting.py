"""Deleting agents: everything goes, whatever fails or dies on the way, and the id is free again."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1 import event_service_pb2 as events_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.agents.v1.event_service_pb2_grpc import EventServiceStub
from services.agents.settings import AgentsSettings
from services.runtime.db import Database
from tests.fakes.agents import World
from tests.integration.agents.conftest import Open, OpenChannel, create, log_of, until
from tests.support.refusals import refusal
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]
LIFECYCLE = log_pb.ACTIVITY_KIND_LIFECYCLE


async def rows_of(settings: AgentsSettings, agent_id: str) -> dict[str, int]:
    """Return how many rows each table of agents has of one; those without any are left out."""
    database = Database(settings.sql_url("agents"))
    try:
        async with database.read() as transaction:
            names = await transaction.connection.run_sync(lambda connection: sa.inspect(connection).get_table_names())
            found = {}
            for table in SQLModel.metadata.sorted_tables:
                own = table.c.get("agent_id") if table.name != "agent" else table.c.id
                if own is None or table.name not in names:
                    continue
                count = sa.select(sa.func.count()).select_from(table).where(own == agent_id)
                if number := await transaction.connection.scalar(count):
                    found[table.name] = number
        return found
    finally:
        await database.close()


async def delete(agents: AgentServiceStub, agent_id: str = "wren", **fields: Any) -> pb.DeleteAgentResponse:
    return await agents.DeleteAgent(pb.DeleteAgentRequest(id=agent_id, **fields), timeout=WAIT_SECONDS)


async def until_gone(agents: AgentServiceStub) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await gone(agents):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def gone(agents: AgentServiceStub, agent_id: str = "wren") -> bool:
    return not [one for one in (await agents.ListAgents(pb.ListAgentsRequest())).agents if one.id == agent_id]


async def test_a_deleted_agent_leaves_nothing_but_the_line_of_the_log_that_says_so(
    agents: AgentServiceStub, world: World, persona: Persona, settings: AgentsSettings
) -> None:
    await agents.CreateAgent(create(persona))
    await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
    await agents.AdjustMood(pb.AdjustMoodRequest(agent_id="wren", levels=pb.MoodLevels(valence=0.5), reason="rain"))
    world.trading.lamports = 0
    before = await rows_of(settings, "wren")
    assert before.keys() >= {"agent", "activity", "mood", "persona_version", "schedule", "reservation"}
    assert (await delete(agents)).is_done
    assert await rows_of(settings, "wren") == {"activity": 1}
    assert [entry.summary for entry in await log_of(agents, LIFECYCLE)] == ["was deleted"]
    assert (world.social.accounts, world.social.posts, world.trading.wallets) == ({}, {}, {})
    assert (world.memory.of("wren"), world.memory.views) == ([], {})


async def test_the_id_of_a_deleted_agent_can_be_used_again(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona, "birth"))
    first = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
    world.trading.lamports = 0
    assert (await delete(agents, request_id="end")).is_done
    await agents.CreateAgent(create(persona, "birth"))
    assert {memory.text for memory in world.memory.of("wren")} >= {"The round is six miles."}
    again = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
    assert again.activity.cursor != first.activity.cursor
    assert len(world.social.published("acc_wren")) == 1
    # The request that deleted the first one doesn't delete the second.
    assert (await delete(agents, request_id="end")).is_done
    assert not await gone(agents)


async def test_a_wallet_that_holds_something_keeps_its_agent_from_being_deleted(
    agents: AgentServiceStub, world: World, persona: Persona, settings: AgentsSettings
) -> None:
    await agents.CreateAgent(create(persona))
    told = await refusal(delete(agents))
    assert told.reason == "WALLET_NOT_EMPTY"
    assert told.metadata["balances"] == "2000000000 of So11111111111111111111111111111111111111112"
    assert "holds 2 SOL: " in told.message
    status = await agents.GetAgent(pb.GetAgentRequest(id="wren"))
    assert status.agent.is_active
    assert not status.agent.HasField("delete_time")
    assert (await delete(agents, is_wallet_kept=True)).is_done
    assert list(world.trading.wallets) == ["wren"]
    [entry] = await log_of(agents, LIFECYCLE)
    assert entry.reason == "its operator asked for it; its wallet wal_wren stays"


@pytest.mark.usefixtures("answers_early")
async def test_a_service_that_is_down_is_waited_for_and_nothing_can_be_done_to_the_agent_meanwhile(
    agents: AgentServiceStub, world: World, persona: Persona, settings: AgentsSettings
) -> None:
    await agents.CreateAgent(create(persona))
    world.trading.lamports = 0
    world.memory.line.failures = 10**6
    # Whoever asks again is told how far it is by then.
    async with asyncio.timeout(WAIT_SECONDS):
        while not (answer := await delete(agents)).waiting.reason:
            assert not answer.is_done
    assert answer.waiting.step == "memories"
    assert answer.waiting.reason == "DEPENDENCY_UNAVAILABLE"
    agent = (await agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent
    assert agent.HasField("delete_time")
    assert not agent.is_active
    for call in (
        agents.StartAgent(pb.StartAgentRequest(id="wren")),
        agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="two")),
    ):
        assert (await refusal(call)).reason == "AGENT_BEING_DELETED"
    world.memory.line.failures = 0
    await until_gone(agents)
    assert await rows_of(settings, "wren") == {"activity": 1}


async def test_a_deletion_is_not_bound_to_the_deadline_of_the_call_that_asked_for_it(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    lines = world.social.line, world.memory.line
    assert all(line.deadline is not None for line in lines)
    world.trading.lamports = 0
    assert (await delete(agents)).is_done
    assert [line.deadline for line in lines] == [None, None]


@pytest.mark.usefixtures("answers_early")
async def test_a_deletion_goes_on_when_the_service_starts_again(
    reopen: Open, world: World, persona: Persona, settings: AgentsSettings
) -> None:
    world.trading.lamports = 0
    async with reopen() as agents:
        await agents.CreateAgent(create(persona))
        world.social.line.failures = 10**6
        assert not (await delete(agents)).is_done
    world.social.line.failures = 0
    async with reopen() as agents:
        await until_gone(agents)
    assert await rows_of(settings, "wren") == {"activity": 1}
    assert world.social.accounts == {}


@pytest.mark.usefixtures("answers_early")
async def test_what_an_agent_has_begun_ends_before_it_goes_and_leaves_nothing(
    agents: AgentServiceStub, world: World, persona: Persona, settings: AgentsSettings
) -> None:
    await agents.CreateAgent(create(persona))
    world.trading.lamports = 0
    world.social.sending = asyncio.Event()
    post = agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
    await until(lambda: bool(world.social.posts))
    answer = await delete(agents)
    assert (answer.is_done, answer.waiting.step) == (False, "workflows")
    assert world.memory.of("wren")
    world.social.sending.set()
    await post
    await until_gone(agents)
    assert world.memory.of("wren") == []
    assert await rows_of(settings, "wren") == {"activity": 1}


async def test_a_post_that_is_held_back_is_taken_back_and_never_sent(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.trading.lamports = 0
    world.social.held = 1_000
    asyncio.ensure_future(  # noqa: RUF006 - it ends with the service
        agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
    )
    await until(lambda: bool(world.social.holding))
    assert (await delete(agents)).is_done
    assert world.social.posts == {}


async def test_an_agent_that_is_not_there_is_refused_unless_that_is_allowed(agents: AgentServiceStub) -> None:
    assert (await refusal(delete(agents, "nobody"))).reason == "AGENT_NOT_FOUND"
    assert (await delete(agents, "nobody", allow_missing=True)).is_done


async def test_an_agent_that_has_changed_since_is_not_deleted(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    agent = (await agents.CreateAgent(create(persona))).agent
    world.trading.lamports = 0
    await agents.StopAgent(pb.StopAgentRequest(id="wren"))
    assert (await refusal(delete(agents, etag=agent.etag))).reason == "ETAG_MISMATCH"
    current = (await agents.GetAgent(pb.GetAgentRequest(id="wren"))).agent
    assert (await delete(agents, etag=current.etag)).is_done


async def test_watchers_see_that_an_agent_was_deleted(agents: AgentServiceStub, world: World, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    world.trading.lamports = 0
    watch = agents.WatchActivity(pb.WatchActivityRequest(agent_ids=["wren"]))
    await watch.read()
    assert (await delete(agents)).is_done
    async for message in watch:
        if message.activity.lifecycle.change == log_pb.LIFECYCLE_CHANGE_DELETED:
            break
    watch.cancel()


async def test_events_that_named_the_agent_alone_go_and_others_name_the_rest(
    open_channel: OpenChannel, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    world.trading.lamports = 0
    async with open_channel(settings) as channel:
        agents, events = AgentServiceStub(channel), EventServiceStub(channel)
        await agents.CreateAgent(create(persona))
        await agents.CreateAgent(create(persona | {"id": "otto", "name": "Otto"}))
        for names in (["wren"], ["wren", "otto"]):
            event = events_pb.Event(news=events_pb.News(text="Rain."), agent_ids=names)
            event.start_time.FromJsonString("2030-01-01T00:00:00Z")
            await events.PublishEvent(events_pb.PublishEventRequest(event=event, request_id=" ".join(names)))
        assert (await delete(agents)).is_done
        [left] = (await events.ListEvents(events_pb.ListEventsRequest())).events
        assert list(left.agent_ids) == ["otto"]
