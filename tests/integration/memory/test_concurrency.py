"""Sixty-four callers at once: nothing is lost, nothing is mixed, and nobody sees an error."""

import asyncio
import random
from collections import Counter

import grpc
import pytest

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from services.runtime.rpc.status import Remote
from tests.integration.memory.calls import Agent, memory, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLERS = 64
STEPS = 2


class Caller:
    """Does a random mix of calls for an agent that it shares with others, and keeps account."""

    def __init__(self, agent: Agent, number: int) -> None:
        self.agent = agent
        self.number = number
        self._rng = random.Random(number)
        self.kept: dict[str, str] = {}
        self.updates: Counter[str] = Counter()
        self.interactions = 0

    async def live(self) -> None:
        for step in range(STEPS):
            await self._create(f"caller {self.number} saw the bird b{self.number}x{step}")
            await self._rng.choice((self._batch, self._update, self._delete, self._meet, self._search, self._list))()
            await self._meet()

    async def _create(self, text: str) -> None:
        made = await self.agent.try_create(text, conversation_id=f"c{self.number % 4}")
        assert not made.is_duplicate
        self.kept[made.memory.id] = text

    async def _batch(self) -> None:
        texts = [f"caller {self.number} noted n{self._rng.getrandbits(64)}" for _ in range(5)]
        made = await self.agent.batch(memory(text, subject="nova") for text in texts)
        self.kept |= {item.id: item.text for item in made.memories}

    async def _update(self) -> None:
        memory_id = self._rng.choice(list(self.kept))
        text = f"caller {self.number} changed its mind m{self._rng.getrandbits(64)}"
        assert (await self.agent.update(memory_id, text=text)).text == text
        self.kept[memory_id] = text
        self.updates[memory_id] += 1

    async def _delete(self) -> None:
        memory_id = self._rng.choice(list(self.kept))
        await self.agent.delete(memory_id)
        del self.kept[memory_id]

    async def _meet(self) -> None:
        request = relationship_pb.RecordInteractionRequest(
            agent_id=self.agent.id, counterpart="nova", summary="met", familiarity_delta=1 / 1024
        )
        await self.agent.relationships.RecordInteraction(request)
        self.interactions += 1

    async def _search(self) -> None:
        found = await self.agent.hits(f"caller {self.number} bird", max_results=100)
        assert all(hit.memory.agent_id == self.agent.id for hit in found)

    async def _list(self) -> None:
        assert {item.id for item in await self.agent.all()} >= set(self.kept)


async def live(agents: list[Agent]) -> None:
    """Let all callers live at once, each for one of the agents, and compare what is there with their accounts."""
    callers = [Caller(agents[number % len(agents)], number) for number in range(CALLERS)]
    await asyncio.gather(*(caller.live() for caller in callers))
    for agent in agents:
        own = [caller for caller in callers if caller.agent is agent]
        there = await agent.all()
        assert {item.id: item.text for item in there} == {key: text for one in own for key, text in one.kept.items()}
        updates = sum((caller.updates for caller in own), Counter[str]())
        assert {item.id: int(item.etag) - 1 for item in there if item.etag != "1"} == {
            key: count for key, count in updates.items() if key in {item.id for item in there}
        }
        request = relationship_pb.GetRelationshipRequest(agent_id=agent.id, counterpart="nova")
        known = (await agent.relationships.GetRelationship(request)).relationship
        assert known.interaction_count == sum(caller.interactions for caller in own)
        assert known.familiarity == pytest.approx(min(1.0, known.interaction_count / 1024))
        for item in random.Random(1).sample(there, 5):
            [first, *_] = await agent.hits(item.text, max_results=1)
            assert first.memory.text == item.text
    await until(agents[0].is_settled)
    assert (await agents[0].verify()).is_consistent


async def test_callers_of_one_agent_lose_nothing(agent: Agent) -> None:
    await live([agent])


async def test_callers_of_many_agents_lose_nothing(agent: Agent, shared: grpc.aio.Channel) -> None:
    await live([Agent(shared, f"{agent.id}_{number}") for number in range(16)])


async def test_the_same_words_at_once_are_stored_once(agent: Agent) -> None:
    made = await asyncio.gather(*(agent.try_create("a red kite") for _ in range(CALLERS)))
    assert len({item.memory.id for item in made}) == 1
    assert sum(not item.is_duplicate for item in made) == 1
    assert len(await agent.all()) == 1


async def test_the_same_request_at_once_is_carried_out_once(agent: Agent) -> None:
    made = await asyncio.gather(*(agent.try_create("a red kite", request_id=agent.id) for _ in range(CALLERS)))
    assert all(item == made[0] for item in made)
    assert len(await agent.all()) == 1


async def test_of_updates_of_one_state_at_once_one_is_carried_out(agent: Agent) -> None:
    kite = await agent.create("a red kite")
    calls = (agent.update(kite.id, etag=kite.etag, importance=number / CALLERS) for number in range(CALLERS))
    done = await asyncio.gather(*calls, return_exceptions=True)
    changed = [item for item in done if isinstance(item, pb.Memory)]
    assert len(changed) == 1
    assert {item.code() for item in done if isinstance(item, grpc.aio.AioRpcError)} == {grpc.StatusCode.ABORTED}
    assert await agent.get(kite.id) == changed[0]
    assert await agent.history(kite.id) == [kite]


async def test_words_that_come_and_go_at_once_are_there_or_not(agent: Agent) -> None:
    """Creates, updates to the same words, deletes and clears of one agent, all at once."""

    async def churn(number: int) -> None:
        rng = random.Random(number)
        for _ in range(STEPS):
            made = (await agent.try_create(f"kite {rng.randrange(4)}", conversation_id="c1")).memory
            what = rng.randrange(9 if number % 8 == 0 else 6)
            try:
                if what < 3:
                    await agent.update(made.id, text=f"kite {rng.randrange(4)}")
                elif what < 6:
                    await agent.delete(made.id)
                elif what == 6:
                    await agent.clear()
                elif what == 7:
                    await agent.find("kite")
                else:
                    await agent.sweep()
            except grpc.aio.AioRpcError as error:
                assert Remote(error).reason in {"MEMORY_NOT_FOUND", "MEMORY_EXISTS"}  # noqa: PT017

    await asyncio.gather(*(churn(number) for number in range(CALLERS)))
    there = await agent.all()
    assert len({item.text for item in there}) == len(there) <= 4
    found = {hit.memory.text for hit in await agent.hits("kite", min_relevance=0.0) if hit.parts.lexical > 0}
    assert found == {item.text for item in there}, "what is there is found by its words"
    assert len(await agent.export()) == len(there)


async def test_searches_go_on_while_a_thousand_memories_are_stored(agent: Agent) -> None:
    await agent.create("the first bird")

    async def store(start: int) -> None:
        await agent.batch(memory(f"bird number {number}") for number in range(start, start + 100))

    async def search() -> None:
        for _ in range(10):
            assert (await agent.find("the first bird"))[0] == "the first bird"

    await asyncio.gather(*(store(start) for start in range(0, 1_000, 100)), *(search() for _ in range(8)))
    assert (await agent.stats()).memory_count == 1_001
