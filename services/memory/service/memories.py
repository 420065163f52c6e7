"""Remembering, changing, forgetting: every write is in the store, and can be found, when it returns.

By its words, that is, and by its meaning where vectors are made in this process. Otherwise its vector comes later: no
write waits for one, or fails for want of it.
"""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.memory.domain.memories import Memory, MemoryFilter, MemoryNotFound, MemoryStats, VersionedMemory
from services.memory.domain.vectors import Place, Vector
from services.memory.domain.writers import Writer, check_provenance
from services.memory.ports.store import Records, Store
from services.memory.service.indexing import Indexing
from services.runtime.clock import Clock
from services.runtime.errors import RequestIdReused
from services.runtime.grouping import Grouping
from services.runtime.idempotency import NO_REQUEST, RequestKey
from services.runtime.pages import Page, Paged

_GROUP = 16
_CHUNK = 500
_STATES = 50
"""How many states of a memory are read at once: each may have 170 KB."""


@dataclass(frozen=True, slots=True)
class Created:
    """What is stored of new memories, in their order, and how many of them are duplicates."""

    memories: list[Memory]
    duplicates: int


@dataclass(frozen=True, slots=True)
class Imported:
    """How many memories of an import were stored, and how many were there before."""

    created: int
    existing: int


@dataclass(frozen=True, slots=True)
class _New:
    memories: Sequence[VersionedMemory]
    key: RequestKey


class Memories:
    """The memories of all agents; each use case is about those of one."""

    def __init__(self, store: Store, indexing: Indexing, clock: Clock) -> None:
        self._store = store
        self._indexing = indexing
        self._clock = clock
        self._creating = Grouping(self._create, _GROUP)

    async def create(self, memories: Sequence[Memory], writer: Writer, key: RequestKey) -> Created:
        """Store memories of one agent, all or none; concurrent calls share a transaction. Raises ProvenanceDenied."""
        check_provenance(memories, writer)
        return await self._creating.join(_New([VersionedMemory(memory) for memory in memories], key))

    async def get(self, agent_id: str, memory_id: str) -> Memory:
        """Return one memory. Raises MemoryNotFound."""
        async with self._store.reading() as records:
            return await self._load(records, agent_id, memory_id)

    async def versions(self, agent_id: str, memory_id: str, page: Page) -> Paged[Memory]:
        """Return a page of what a memory was before each update, newest first. Raises MemoryNotFound."""
        async with self._store.reading() as records:
            memory = await self._load(records, agent_id, memory_id)
            below = int(page.after[0]) if page.after else memory.version
            states = await records.history(memory, below, page.size + 1)
        return Paged.cut(states, page, lambda state: (state.version,))

    async def history(self, memory: Memory, below: int) -> AsyncGenerator[Sequence[Memory], None]:
        """Go through what a memory was before each update, newest first: some of its versions below this at a time."""
        while True:
            async with self._store.reading() as records:
                states = await records.history(memory, below, _STATES)
            yield states
            if len(states) < _STATES:
                return
            below = states[-1].version

    async def page(self, agent_id: str, wanted: MemoryFilter, page: Page) -> Paged[Memory]:
        """Return a page of memories, newest first."""
        async with self._store.reading() as records:
            return await records.memories(agent_id, wanted, page, self._clock.now())

    async def update(
        self, agent_id: str, memory_id: str, values: Mapping[str, Any], etag: str, writer: Writer, key: RequestKey
    ) -> Memory:
        """Set fields; what the memory was joins its history.

        Raises MemoryNotFound, MemoryExists, ProvenanceDenied, or Conflict when the etag given isn't the current one.
        """
        embedder = self._indexing.embedder
        is_embedded = "text" in values and embedder.is_instant
        vector = (await embedder.embed([values["text"]]))[0] if is_embedded else None
        with self._indexing.invalidated_on_cancel(agent_id):
            async with self._store.writing(agent_id) as records:
                if await records.claim(key, memory_id):
                    return await self._load(records, agent_id, memory_id)
                before = await self._load(records, agent_id, memory_id)
                check_provenance([before], writer)
                after = before.changed(values, etag, self._clock.now())
                await records.replace(before, after, embedder.model, vector)
                await records.commit()
        if vector is not None or after.text != before.text:
            self._indexing.changed([_place(after, vector)])
        return after

    async def delete(self, agent_id: str, memory_id: str, writer: Writer, key: RequestKey) -> None:
        """Forget a memory. Raises MemoryNotFound and ProvenanceDenied."""
        with self._indexing.invalidated_on_cancel(agent_id):
            async with self._store.writing(agent_id) as records:
                if await records.claim(key, memory_id):
                    return
                memory = await self._load(records, agent_id, memory_id)
                check_provenance([memory], writer)
                await records.forget([memory])
                await records.commit()
        self._indexing.changed(gone=[Place(memory.seq, agent_id)])

    async def clear(self, agent_id: str, wanted: MemoryFilter, key: RequestKey) -> int:
        """Forget what passes a filter, and return how many memories that were."""
        return await self._forget(agent_id, wanted, key)

    async def purge(self, agent_id: str, source: MemoryFilter, key: RequestKey) -> int:
        """Remove everything that an author or a post brought, from the files of embedded parts too; return how many.

        Raises IndexDown when the index can't be built anew; the store is clean then, and the call may be repeated.
        """
        count = await self._forget(agent_id, source, key, purge=True)
        if count or source.author:  # an author may have left a relationship only
            await self._store.scrub()
        if count:
            await self._indexing.rebuild()
        return count

    async def export(self, agent_id: str, after: int, below: int = 0) -> AsyncGenerator[VersionedMemory, None]:
        """Go through an agent's memories after this number, in the order of their storing.

        One with a long history comes several times, each time with the next part of it. With `below` the memory of this
        number comes first, with its versions below that.
        """
        if below:
            async with self._store.reading() as records:
                found = await records.stored_after(agent_id, after - 1, 1, self._clock.now())
            for memory in found:
                if memory.seq == after:
                    async for states in self.history(memory, below):
                        yield VersionedMemory(memory, tuple(states))
        while True:
            async with self._store.reading() as records:
                found = await records.stored_after(agent_id, after, _CHUNK, self._clock.now())
            for memory in found:
                if memory.version == 1:
                    yield VersionedMemory(memory)
                    continue
                async for states in self.history(memory, memory.version):
                    yield VersionedMemory(memory, tuple(states))
            if len(found) < _CHUNK:
                return
            after = found[-1].seq

    async def import_all(self, memories: Sequence[VersionedMemory], key: RequestKey) -> Imported:
        """Store exported memories in groups; what is there already is left as it is."""
        async with self._store.writing() as records:
            if first := await records.claim(key, ""):
                return Imported(*map(int, first.split()))
            await records.commit()
        existing = 0
        for start in range(0, len(memories), _CHUNK):
            group = _New(memories[start : start + _CHUNK], NO_REQUEST)
            existing += (await self._creating.join(group)).duplicates
        done = Imported(len(memories) - existing, existing)
        async with self._store.writing() as records:
            await records.answer(key, f"{done.created} {done.existing}")
            await records.commit()
        return done

    async def stats(self, agent_id: str) -> MemoryStats:
        """Return what an agent remembers, in numbers."""
        async with self._store.reading() as records:
            return await records.stats(agent_id, self._clock.now())

    async def _create(self, group: Sequence[_New]) -> Sequence[Created | Exception]:
        embedder = self._indexing.embedder
        given = [item for new in group for item in new.memories]
        embedded: dict[int, bytes] = {}
        if embedder.is_instant:
            vectors = await embedder.embed([item.memory.text for item in given])
            embedded = {id(item): vector for item, vector in zip(given, vectors, strict=True)}
        answers: dict[int, Created | Exception] = {}
        repeated: dict[int, str] = {}
        async with self._store.writing() as records:
            for at, new in enumerate(group):
                try:
                    if first := await records.claim(new.key, _ids(item.memory for item in new.memories)):
                        repeated[at] = first
                except RequestIdReused as error:
                    answers[at] = error
            fresh = {at: new for at, new in enumerate(group) if at not in answers and at not in repeated}
            items = [item for new in fresh.values() for item in new.memories]
            added = iter(
                await records.add(items, embedder.model, [embedded.get(id(item)) for item in items], self._clock.now())
            )
            written: list[Place] = []
            for at, new in fresh.items():
                stored = [next(added) for _ in new.memories]
                written += [
                    _place(memory, embedded.get(id(item)))
                    for item, (memory, is_new) in zip(new.memories, stored, strict=True)
                    if is_new
                ]
                memories = [memory for memory, _ in stored]
                duplicates = sum(not is_new for _, is_new in stored)
                if duplicates:
                    await records.answer(new.key, f"{_ids(memories)}  {duplicates}")
                answers[at] = Created(memories, duplicates)
            # Last, since the first of two equal requests may stand in this very group.
            for at, first in repeated.items():
                answers[at] = await self._repeated(records, group[at].memories[0].memory.agent_id, first)
            await records.commit()
        self._indexing.changed(written)
        return [answers[at] for at in range(len(group))]

    async def _repeated(self, records: Records, agent_id: str, first: str) -> Created | Exception:
        made, _, duplicates = first.partition("  ")
        ids = made.split()
        found = await records.memories_by_id(agent_id, ids)
        if gone := next((memory_id for memory_id in ids if memory_id not in found), None):
            return MemoryNotFound(gone)
        return Created([found[memory_id] for memory_id in ids], int(duplicates or 0))

    async def _forget(self, agent_id: str, wanted: MemoryFilter, key: RequestKey, *, purge: bool = False) -> int:
        with self._indexing.invalidated_on_cancel(agent_id):
            async with self._store.writing(agent_id) as records:
                if first := await records.claim(key, "0"):
                    return int(first)
                count = await records.clear(agent_id, wanted)
                if purge and count:
                    await records.scrub(agent_id)
                    # An unfinished build: if the service ends before the index is built anew, its next start does it.
                    await records.begin_build(self._indexing.embedder.model)
                if purge and wanted.author:
                    await records.forget_relationship(agent_id, wanted.author)
                await records.answer(key, str(count))
                await records.commit()
        self._indexing.forgotten(agent_id)
        return count

    async def _load(self, records: Records, agent_id: str, memory_id: str) -> Memory:
        found = await records.memory(agent_id, memory_id, self._clock.now())
        if found is None:
            raise MemoryNotFound(memory_id)
        return found


def _place(memory: Memory, vector: bytes | None) -> Place:
    """Return where a memory's vector stands, or is to stand."""
    if vector is None:
        return Place(memory.seq, memory.agent_id)
    return Vector(memory.seq, memory.agent_id, vector)


def _ids(memories: Iterable[Memory]) -> str:
    return " ".join(memory.id for memory in memories)
