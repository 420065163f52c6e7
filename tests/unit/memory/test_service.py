"""The use cases of the memory service, without a database, an index or a network."""

from typing import Any

import pytest

from services.memory.domain import (
    Interaction,
    Memory,
    MemoryFilter,
    MemoryKind,
    MemoryNotFound,
    Provenance,
    RelationshipNotFound,
)
from services.memory.service import Memories, Relationships
from services.runtime.errors import Conflict
from services.runtime.idempotency import RequestKey
from tests.fakes.clock import FixedClock
from tests.fakes.memory import FakeEmbedder, FakeIndex, FakeStore

NO_KEY = RequestKey("create", "", "")


def key(request_id: str, method: str = "create") -> RequestKey:
    return RequestKey(method, request_id, "body")


def memory(memory_id: str, text: str, clock: FixedClock, **fields: object) -> Memory:
    given: dict[str, Any] = {
        "id": memory_id,
        "agent_id": "agt_a",
        "text": text,
        "kind": MemoryKind.GENERAL,
        "provenance": Provenance.SELF,
        "importance": 0.5,
        "valence": 0.0,
        "author": "",
        "source_id": "",
        "subject": "",
        "conversation_id": "",
        "attributes": {},
        "occur_time": clock.now(),
        "create_time": clock.now(),
    }
    return Memory(**(given | fields))


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


@pytest.fixture
def memories(store: FakeStore, index: FakeIndex) -> Memories:
    return Memories(store, index, FakeEmbedder())


@pytest.fixture
def relationships(store: FakeStore, clock: FixedClock) -> Relationships:
    return Relationships(store, clock)


async def test_an_index_that_was_down_is_caught_up_by_the_repeated_request(
    memories: Memories, store: FakeStore, index: FakeIndex, clock: FixedClock
) -> None:
    index.down = True
    with pytest.raises(ConnectionError):
        await memories.create(memory("mem_1", "a red kite", clock), key("req_1"))
    index.down = False
    again = await memories.create(memory("mem_2", "a red kite", clock), key("req_1"))
    assert again.id == "mem_1"
    hits = await memories.search("agt_a", "red kite", MemoryFilter(), 10, 0.1)
    assert [hit.memory.id for hit in hits] == ["mem_1"]


async def test_a_hit_that_the_store_no_longer_has_is_dropped(
    memories: Memories, store: FakeStore, clock: FixedClock
) -> None:
    await memories.create(memory("mem_1", "a red kite", clock), NO_KEY)
    store.memories.clear()
    assert await memories.search("agt_a", "red kite", MemoryFilter(), 10, 0) == []


async def test_a_search_asks_for_its_relevance(memories: Memories, clock: FixedClock) -> None:
    await memories.create(memory("mem_1", "a red kite", clock), NO_KEY)
    assert await memories.search("agt_a", "blue", MemoryFilter(), 10, 0.1) == []


async def test_a_search_keeps_to_its_filter(memories: Memories, clock: FixedClock) -> None:
    await memories.create(memory("mem_1", "a red kite", clock), NO_KEY)
    await memories.create(memory("mem_2", "a red kite", clock, provenance=Provenance.EXTERNAL), NO_KEY)
    own = MemoryFilter(provenances=(Provenance.SELF, Provenance.OPERATOR))
    hits = await memories.search("agt_a", "red kite", own, 10, 0.1)
    assert [hit.memory.id for hit in hits] == ["mem_1"]


async def test_repair_adds_what_is_missing_and_removes_what_is_left_over(
    memories: Memories, index: FakeIndex, clock: FixedClock
) -> None:
    for number in range(3):
        await memories.create(memory(f"mem_{number}", f"thing {number}", clock), NO_KEY)
    held = index.vectors["agt_a"]
    held["mem_9"] = held.pop("mem_1")
    assert await memories.repair() == 2
    assert set(held) == {"mem_0", "mem_1", "mem_2"}
    assert await memories.repair() == 0


async def test_deleting_what_is_not_there_is_refused_and_claims_nothing(
    memories: Memories, store: FakeStore, clock: FixedClock
) -> None:
    with pytest.raises(MemoryNotFound):
        await memories.delete("agt_a", "mem_1", key("req_1", "delete"))
    await memories.create(memory("mem_1", "a red kite", clock), NO_KEY)
    await memories.delete("agt_a", "mem_1", key("req_1", "delete"))
    await memories.delete("agt_a", "mem_1", key("req_1", "delete"))
    assert store.memories == {}


async def test_deltas_are_clamped_to_their_ranges(relationships: Relationships) -> None:
    harsh = Interaction("argued", -0.8, 0.4, -0.9)
    for number in range(3):
        known = await relationships.record("agt_a", "agt_b", harsh, key(f"req_{number}"))
    assert (known.sentiment, known.familiarity, known.trust) == (-1, 1, -1)
    assert known.interaction_count == 3


async def test_a_repeated_interaction_counts_once(relationships: Relationships) -> None:
    for _ in range(2):
        known = await relationships.record("agt_a", "agt_b", Interaction("met", 0.1, 0.1, 0), key("req_1"))
    assert known.interaction_count == 1


async def test_an_update_needs_the_relationship_or_leave_to_make_it(relationships: Relationships) -> None:
    with pytest.raises(RelationshipNotFound):
        await relationships.update("agt_a", "agt_b", {"trust": 0.5}, "", key("r1"), allow_missing=False)
    made = await relationships.update("agt_a", "agt_b", {"trust": 0.5}, "", key("r2"), allow_missing=True)
    assert made.trust == 0.5
    with pytest.raises(Conflict):
        await relationships.update("agt_a", "agt_b", {"trust": 0.1}, "stale", key("r3"), allow_missing=False)
