"""Fakes of the memory service's ports."""

import contextlib
import copy
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import numpy as np

from services.memory.domain import Memory, MemoryFilter, Relationship
from services.runtime.errors import RequestIdReused
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged

_DIMENSIONS = 64


class FakeEmbedder:
    """Counts words: texts are the nearer the more words they share."""

    model = "words"

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        return [_vector(text).astype("<f4").tobytes() for text in texts]


def _vector(text: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    counts = np.zeros(_DIMENSIONS)
    for word in text.lower().split():
        counts[sum(word.encode()) % _DIMENSIONS] += 1
    return counts / (float(np.linalg.norm(counts)) or 1.0)


class FakeIndex:
    """Keeps vectors in dictionaries; `down` makes every call fail."""

    def __init__(self) -> None:
        self.vectors: dict[str, dict[str, bytes]] = {}
        self.down = False

    async def put(self, memories: Sequence[Memory]) -> None:
        self._answer()
        for memory in memories:
            self.vectors.setdefault(memory.agent_id, {})[memory.id] = memory.embedding

    async def remove(self, agent_id: str, memory_ids: Sequence[str]) -> None:
        self._answer()
        for memory_id in memory_ids:
            self.vectors.get(agent_id, {}).pop(memory_id, None)

    async def nearest(
        self, agent_id: str, vector: bytes, most: int, among: Sequence[str] | None
    ) -> list[tuple[str, float]]:
        self._answer()
        wanted = np.frombuffer(vector, "<f4")
        scored = [
            (memory_id, float(np.dot(np.frombuffer(held, "<f4"), wanted)))
            for memory_id, held in self.vectors.get(agent_id, {}).items()
            if among is None or memory_id in among
        ]
        return sorted(scored, key=lambda item: -item[1])[:most]

    async def ids(self, agent_id: str) -> set[str]:
        return set(self.vectors.get(agent_id, {}))

    def _answer(self) -> None:
        if self.down:
            raise ConnectionError("the index is down")


class FakeRecords:
    """One transaction: works on copies, which `commit` puts back."""

    def __init__(self, store: "FakeStore") -> None:
        self._store = store
        self._memories = copy.copy(store.memories)
        self._relationships = copy.deepcopy(store.relationships)
        self._requests = dict(store.requests)

    async def claim(self, key: RequestKey, resource_id: str) -> str | None:
        if not key.request_id:
            return None
        fingerprint, first = self._requests.setdefault((key.method, key.request_id), (key.fingerprint, resource_id))
        if fingerprint != key.fingerprint:
            raise RequestIdReused(key.request_id)
        known = (key.method, key.request_id) in self._store.requests
        return first if known else None

    async def memory(self, agent_id: str, memory_id: str) -> Memory | None:
        found = self._memories.get(memory_id)
        return found if found and found.agent_id == agent_id else None

    async def memories(self, agent_id: str, wanted: MemoryFilter, page: Page) -> Paged[Memory]:
        def key(row: Memory) -> tuple[datetime, str]:
            return row.create_time, row.id

        rows = sorted(self._of(agent_id, wanted), key=key, reverse=True)
        if page.after:
            rows = [row for row in rows if key(row) < page.after]
        return Paged.cut(rows[: page.size + 1], page, key)

    async def memory_ids(self, agent_id: str, wanted: MemoryFilter) -> list[str]:
        return [memory.id for memory in self._of(agent_id, wanted)]

    async def memories_by_id(self, agent_id: str, memory_ids: Sequence[str]) -> dict[str, Memory]:
        return {memory.id: memory for memory in self._of(agent_id, MemoryFilter()) if memory.id in memory_ids}

    async def every_memory(self) -> AsyncIterator[Memory]:
        for memory in sorted(self._memories.values(), key=lambda memory: memory.agent_id):
            yield memory

    async def relationship(self, agent_id: str, counterpart: str) -> Relationship | None:
        return self._relationships.get((agent_id, counterpart))

    async def relationships(self, agent_id: str, page: Page) -> Paged[Relationship]:
        rows = sorted((row for key, row in self._relationships.items() if key[0] == agent_id), key=_counterpart)
        if page.after:
            rows = [row for row in rows if row.counterpart > page.after[0]]
        return Paged.cut(rows[: page.size + 1], page, lambda row: (row.counterpart,))

    async def save(self, row: Memory | Relationship) -> None:
        if isinstance(row, Memory):
            self._memories[row.id] = row
        else:
            self._relationships[row.agent_id, row.counterpart] = row

    async def delete(self, memory: Memory) -> None:
        del self._memories[memory.id]

    async def commit(self) -> None:
        self._store.memories = self._memories
        self._store.relationships = self._relationships
        self._store.requests = self._requests

    def _of(self, agent_id: str, wanted: MemoryFilter) -> list[Memory]:
        return [
            memory
            for memory in self._memories.values()
            if memory.agent_id == agent_id
            and (not wanted.kinds or memory.kind in wanted.kinds)
            and (not wanted.provenances or memory.provenance in wanted.provenances)
            and wanted.subject in ("", memory.subject)
            and wanted.conversation_id in ("", memory.conversation_id)
        ]


def _counterpart(row: Relationship) -> str:
    return row.counterpart


class FakeStore:
    """Keeps rows in dictionaries."""

    def __init__(self) -> None:
        self.memories: dict[str, Memory] = {}
        self.relationships: dict[tuple[str, str], Relationship] = {}
        self.requests: dict[tuple[str, str], tuple[str, str]] = {}

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[FakeRecords]:
        yield FakeRecords(self)

    @contextlib.asynccontextmanager
    async def writing(self, turn: str = "") -> AsyncIterator[FakeRecords]:
        yield FakeRecords(self)
