"""The truth in SQL, on SQLite and on Postgres."""

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from services.memory.domain import Memory, MemoryFilter, Relationship
from services.runtime.pages import Page, Paged
from services.runtime.sql import SqlTransaction

T = TypeVar("T")


class SqlRecords(SqlTransaction):
    """Memories and relationships within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__(session)
        self.delete = session.delete

    async def memory(self, agent_id: str, memory_id: str) -> Memory | None:
        """Return a memory of this agent."""
        found = await self._session.get(Memory, memory_id)
        return found if found is not None and found.agent_id == agent_id else None

    async def memories(self, agent_id: str, wanted: MemoryFilter, page: Page) -> Paged[Memory]:
        """Return a page of an agent's memories, newest first; the key is `(create_time, id)`."""
        query = _filtered(select(Memory), agent_id, wanted)
        return await self._page(query, page, col(Memory.create_time), col(Memory.id), newest_first=True)

    async def memory_ids(self, agent_id: str, wanted: MemoryFilter) -> list[str]:
        """Return the ids of an agent's memories."""
        return list((await self._session.exec(_filtered(select(Memory.id), agent_id, wanted))).all())

    async def memories_by_id(self, agent_id: str, memory_ids: Sequence[str]) -> dict[str, Memory]:
        """Return those of these memories that are this agent's, by id."""
        query = select(Memory).where(Memory.agent_id == agent_id, col(Memory.id).in_(memory_ids))
        return {memory.id: memory for memory in (await self._session.exec(query)).all()}

    async def every_memory(self) -> AsyncIterator[Memory]:
        """Go through the memories of all agents, agent by agent."""
        stream = await self._session.stream_scalars(select(Memory).order_by(Memory.agent_id))
        async for memory in stream:
            yield memory

    async def relationship(self, agent_id: str, counterpart: str) -> Relationship | None:
        """Return a relationship of this agent."""
        return await self._session.get(Relationship, (agent_id, counterpart))

    async def relationships(self, agent_id: str, page: Page) -> Paged[Relationship]:
        """Return a page of an agent's relationships; the key is `(counterpart,)`."""
        query = select(Relationship).where(Relationship.agent_id == agent_id)
        return await self._page(query, page, col(Relationship.counterpart))


def _filtered(query: SelectOfScalar[T], agent_id: str, wanted: MemoryFilter) -> SelectOfScalar[T]:
    query = query.where(Memory.agent_id == agent_id)
    if wanted.kinds:
        query = query.where(col(Memory.kind).in_(wanted.kinds))
    if wanted.provenances:
        query = query.where(col(Memory.provenance).in_(wanted.provenances))
    if wanted.subject:
        query = query.where(Memory.subject == wanted.subject)
    if wanted.conversation_id:
        query = query.where(Memory.conversation_id == wanted.conversation_id)
    return query
