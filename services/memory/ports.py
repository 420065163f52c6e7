"""What the memory service needs from outside."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from services.memory.domain import Memory, MemoryFilter, Relationship
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged


class Records(Protocol):
    """Memories and relationships within one transaction, which is rolled back unless it is committed."""

    async def claim(self, key: RequestKey, resource_id: str) -> str | None:
        """Claim a request; None when it is new, else the id that its first call claimed it with."""
        ...

    async def memory(self, agent_id: str, memory_id: str) -> Memory | None:
        """Return a memory of this agent."""
        ...

    async def memories(self, agent_id: str, wanted: MemoryFilter, page: Page) -> Paged[Memory]:
        """Return a page of an agent's memories, newest first; the key is `(create_time, id)`."""
        ...

    async def memory_ids(self, agent_id: str, wanted: MemoryFilter) -> list[str]:
        """Return the ids of an agent's memories."""
        ...

    async def memories_by_id(self, agent_id: str, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return those of these memories that are this agent's, by id."""
        ...

    def every_memory(self) -> AsyncIterator[Memory]:
        """Go through the memories of all agents, agent by agent."""
        ...

    async def relationship(self, agent_id: str, counterpart: str) -> Relationship | None:
        """Return a relationship of this agent."""
        ...

    async def relationships(self, agent_id: str, page: Page) -> Paged[Relationship]:
        """Return a page of an agent's relationships; the key is `(counterpart,)`."""
        ...

    async def save(self, row: Memory | Relationship) -> None:
        """Add a row, or write its changes."""
        ...

    async def delete(self, memory: Memory) -> None:
        """Delete a memory."""
        ...

    async def commit(self) -> None:
        """Make it durable."""
        ...


class Store(Protocol):
    """The truth."""

    def reading(self) -> AbstractAsyncContextManager[Records]:
        """Open a transaction that only reads."""
        ...

    def writing(self, turn: str = "") -> AbstractAsyncContextManager[Records]:
        """Open a transaction that may write; those that name the same turn follow one another."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def model(self) -> str:
        """Names the model and its dimensions; vectors of different models are never compared."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return a vector for each text: little-endian float32, of unit length."""
        ...


class Index(Protocol):
    """Vectors by agent: rebuildable from the store, never the only copy."""

    async def put(self, memories: Sequence[Memory]) -> None:
        """Add or replace the vectors of memories of one agent."""
        ...

    async def remove(self, agent_id: str, memory_ids: Sequence[str]) -> None:
        """Remove vectors; ids that aren't there are no error."""
        ...

    async def nearest(
        self, agent_id: str, vector: bytes, most: int, among: Sequence[str] | None
    ) -> list[tuple[str, float]]:
        """Return up to `most` ids with their cosine similarity, nearest first; `among` restricts to these ids."""
        ...

    async def ids(self, agent_id: str) -> set[str]:
        """Return the ids that have a vector."""
        ...
