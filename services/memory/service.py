"""The use cases of the memory service."""

from collections.abc import Mapping
from typing import Any

from services.memory.domain import (
    Hit,
    Interaction,
    Memory,
    MemoryFilter,
    MemoryNotFound,
    Relationship,
    RelationshipNotFound,
)
from services.memory.ports import Embedder, Index, Records, Store
from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged


class Memories:
    """Remembers, finds and forgets."""

    def __init__(self, store: Store, index: Index, embedder: Embedder) -> None:
        self._store = store
        self._index = index
        self._embedder = embedder

    async def create(self, memory: Memory, key: RequestKey) -> Memory:
        """Store a memory; it can be found when this returns."""
        memory.embedding_model = self._embedder.model
        [memory.embedding] = await self._embedder.embed([memory.text])
        async with self._store.writing() as records:
            if first := await records.claim(key, memory.id):
                memory = await _existing(records, memory.agent_id, first)
            else:
                await records.save(memory)
                await records.commit()
        # Also for a repeated call: the first one may have ended between the store and the index.
        await self._index.put([memory])
        return memory

    async def get(self, agent_id: str, memory_id: str) -> Memory:
        """Return one memory. Raises MemoryNotFound."""
        async with self._store.reading() as records:
            return await _existing(records, agent_id, memory_id)

    async def page(self, agent_id: str, wanted: MemoryFilter, page: Page) -> Paged[Memory]:
        """Return a page of memories, newest first."""
        async with self._store.reading() as records:
            return await records.memories(agent_id, wanted, page)

    async def delete(self, agent_id: str, memory_id: str, key: RequestKey) -> None:
        """Delete a memory from the store, then from the index. Raises MemoryNotFound."""
        async with self._store.writing() as records:
            if await records.claim(key, memory_id) is None:
                await records.delete(await _existing(records, agent_id, memory_id))
                await records.commit()
        await self._index.remove(agent_id, [memory_id])

    async def search(
        self, agent_id: str, query: str, wanted: MemoryFilter, most: int, min_relevance: float
    ) -> list[Hit]:
        """Return up to `most` memories of at least this relevance, most relevant first."""
        [vector] = await self._embedder.embed([query])
        async with self._store.reading() as records:
            among = None if wanted.is_empty else await records.memory_ids(agent_id, wanted)
            near = await self._index.nearest(agent_id, vector, most, among)
            found = await records.memories_by_id(agent_id, [memory_id for memory_id, _ in near])
        # The store is the truth: what the index still has of a deleted memory is no hit.
        hits = (Hit(found[memory_id], relevance) for memory_id, relevance in near if memory_id in found)
        return [hit for hit in hits if hit.relevance >= min_relevance]

    async def repair(self) -> int:
        """Make the index agree with the store; the value is how many vectors were missing or left over."""
        repaired = 0
        async with self._store.reading() as records:
            by_agent: dict[str, list[Memory]] = {}
            async for memory in records.every_memory():
                by_agent.setdefault(memory.agent_id, []).append(memory)
        for agent_id, memories in by_agent.items():
            indexed = await self._index.ids(agent_id)
            missing = [memory for memory in memories if memory.id not in indexed]
            left_over = indexed - {memory.id for memory in memories}
            await self._index.put(missing)
            await self._index.remove(agent_id, sorted(left_over))
            repaired += len(missing) + len(left_over)
        return repaired


class Relationships:
    """Keeps what agents think of those they know."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def get(self, agent_id: str, counterpart: str) -> Relationship:
        """Return one relationship. Raises RelationshipNotFound."""
        async with self._store.reading() as records:
            return await _known(records, agent_id, counterpart)

    async def page(self, agent_id: str, page: Page) -> Paged[Relationship]:
        """Return a page of relationships."""
        async with self._store.reading() as records:
            return await records.relationships(agent_id, page)

    async def record(self, agent_id: str, counterpart: str, interaction: Interaction, key: RequestKey) -> Relationship:
        """Add an interaction, the first of which makes the relationship."""
        now = self._clock.now()
        async with self._store.writing(_turn(agent_id, counterpart)) as records:
            if await records.claim(key, counterpart):
                return await _known(records, agent_id, counterpart)
            relationship = await records.relationship(agent_id, counterpart) or Relationship(
                agent_id=agent_id, counterpart=counterpart, create_time=now, update_time=now
            )
            relationship.record(interaction, now)
            await records.save(relationship)
            await records.commit()
        return relationship

    async def update(
        self,
        agent_id: str,
        counterpart: str,
        values: Mapping[str, Any],
        etag: str,
        key: RequestKey,
        *,
        allow_missing: bool,
    ) -> Relationship:
        """Set fields. Raises RelationshipNotFound, or Conflict when the etag is not the current one."""
        now = self._clock.now()
        async with self._store.writing(_turn(agent_id, counterpart)) as records:
            if await records.claim(key, counterpart):
                return await _known(records, agent_id, counterpart)
            relationship = await records.relationship(agent_id, counterpart)
            if relationship is None:
                if not allow_missing:
                    raise RelationshipNotFound(counterpart)
                relationship = Relationship(
                    agent_id=agent_id, counterpart=counterpart, create_time=now, update_time=now
                )
            relationship.change(values, etag, now)
            await records.save(relationship)
            await records.commit()
        return relationship


def _turn(agent_id: str, counterpart: str) -> str:
    return f"relationship/{agent_id}/{counterpart}"


async def _existing(records: Records, agent_id: str, memory_id: str) -> Memory:
    if memory := await records.memory(agent_id, memory_id):
        return memory
    raise MemoryNotFound(memory_id)


async def _known(records: Records, agent_id: str, counterpart: str) -> Relationship:
    if relationship := await records.relationship(agent_id, counterpart):
        return relationship
    raise RelationshipNotFound(counterpart)
