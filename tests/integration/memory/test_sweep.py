"""Sweeping through the wire: what is due is forgotten, and what is core stays."""

from datetime import UTC, datetime, timedelta

import pytest

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.settings import MemorySettings
from tests.integration.memory.calls import Agent, memory, running

NOW = datetime.now(UTC)


def stored(text: str, days: float, **fields: object) -> pb.ExportMemoriesResponse:
    """Return a memory that was stored so many days ago."""
    return pb.ExportMemoriesResponse(memory=memory(text, create_time=NOW - timedelta(days=days), **fields))


@pytest.mark.asyncio(loop_scope="session")
async def test_what_has_expired_is_forgotten(agent: Agent, stranger: Agent) -> None:
    for one in (agent, stranger):
        await one.create("gone", expire_time=NOW - timedelta(days=1))
        await one.create("core too", expire_time=NOW - timedelta(days=1), kind=pb.MEMORY_KIND_CORE)
        await one.create("kept", expire_time=NOW + timedelta(days=1))
    assert (await agent.sweep()).expired_count == 2
    assert await agent.sweep() == pb.SweepMemoriesResponse()
    assert await agent.texts() == ["kept"]
    assert await agent.clear() == 1, "nothing that can't be seen is left"
    assert await stranger.clear() == 3


@pytest.mark.asyncio(loop_scope="session")
async def test_what_its_kind_keeps_no_longer_is_forgotten(agent: Agent) -> None:
    await agent.restore(
        [
            stored("recent of today", 0, kind=pb.MEMORY_KIND_RECENT),
            stored("recent of last month", 30, kind=pb.MEMORY_KIND_RECENT),
            stored("event of last month", 30, kind=pb.MEMORY_KIND_EVENT),
            stored("event of last year", 365, kind=pb.MEMORY_KIND_EVENT),
            stored("post of old", 3_650, kind=pb.MEMORY_KIND_POST),
            stored("core of old", 3_650, kind=pb.MEMORY_KIND_CORE),
        ]
    )
    swept = await agent.sweep()
    assert (swept.expired_count, swept.outdated_count, swept.excess_count) == (0, 2, 0)
    assert sorted(await agent.texts()) == ["core of old", "event of last month", "post of old", "recent of today"]
    assert set(await agent.find("recent event")) == {"recent of today", "event of last month"}


@pytest.mark.asyncio(loop_scope="session")
async def test_what_a_conclusion_follows_from_is_forgotten_when_it_is_old_and_of_little_importance(
    agent: Agent, stranger: Agent
) -> None:
    await agent.restore(
        [
            stored("old trifle", 90, id="mem_trifle", importance=0.4),
            stored("old and weighty", 90, id="mem_weighty", importance=0.8),
            stored("new trifle", 10, id="mem_new", importance=0.4),
            stored("old and by itself", 90, id="mem_alone", importance=0.4),
            stored("old core", 90, id="mem_core", importance=0.4, kind=pb.MEMORY_KIND_CORE),
            stored("earlier conclusion", 90, id="mem_earlier", importance=0.4, kind=pb.MEMORY_KIND_REFLECTION),
        ]
    )
    await stranger.restore([stored("of somebody else", 90, id="mem_alone", importance=0.4)])
    evidence = ["mem_trifle", "mem_weighty", "mem_new", "mem_core", "mem_earlier", "mem_gone"]
    made = await agent.create("so it is", kind=pb.MEMORY_KIND_REFLECTION, evidence_ids=evidence)
    assert made.evidence_ids == evidence
    await stranger.create("elsewhere", kind=pb.MEMORY_KIND_REFLECTION, evidence_ids=["mem_trifle"])
    assert await agent.sweep() == pb.SweepMemoriesResponse(consolidated_count=1)
    assert "old trifle" not in await agent.texts()
    assert len(await agent.texts()) == 6
    assert len(await stranger.texts()) == 2


async def test_what_is_over_the_capacity_is_forgotten_the_least_important_first(settings: MemorySettings) -> None:
    small = settings.model_copy(update={"capacity": 4})
    async with running(small) as channel:
        agent, core, few = (Agent(channel, f"agt_{name}") for name in "abc")
        await agent.batch(
            [
                memory("core", kind=pb.MEMORY_KIND_CORE, importance=0.0),
                memory("trifle", importance=0.1),
                memory("older", importance=0.5),
                memory("newer", importance=0.5),
                memory("weighty", importance=0.9),
                memory("gone", importance=1.0, expire_time=NOW - timedelta(days=1)),
            ]
        )
        await agent.create("newest", importance=0.5)
        await core.batch([memory(f"core {number}", kind=pb.MEMORY_KIND_CORE) for number in range(6)])
        await few.batch([memory("one"), memory("two")])
        swept = await few.service.SweepMemories(pb.SweepMemoriesRequest())
        assert (swept.expired_count, swept.outdated_count, swept.excess_count) == (1, 0, 2)
        assert sorted(await agent.texts()) == ["core", "newer", "newest", "weighty"]
        assert len(await core.texts()) == 6
        assert len(await few.texts()) == 2
        assert await agent.find("trifle older", min_relevance=0.3) == []


async def test_an_old_conversation_that_is_swept_is_no_context_any_more(settings: MemorySettings) -> None:
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")
        await agent.create("zebra", conversation_id="c1", expire_time=NOW - timedelta(days=1))
        await agent.create("apple", conversation_id="c1")
        await agent.sweep()
        [hit] = await agent.hits("zebra", min_relevance=0.0)
        assert (hit.memory.text, hit.parts.lexical) == ("apple", 0)
