"""The truth in SQL, on SQLite and on Postgres."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import TypeVar

from sqlmodel import col, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from services.memory.domain import Memory, MemoryFilter, Relationship
from services.runtime import idempotency
from services.runtime.db import Database
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged

T = TypeVar("T")


class SqlRecords:
    """Memories and relationships within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self.commit = session.commit
        self.delete = session.delete

    async def claim(self, key: RequestKey, resource_id: str) -> str | None:
        """Claim a request; None when it is new, else the id that its first call claimed it with."""
        return await idempotency.claim(self._session, key, resource_id)

    async def memory(self, agent_id: str, memory_id: str) -> Memory | None:
        """Return a memory of this agent."""
        found = await self._session.get(Memory, memory_id)
        return found if found is not None and found.agent_id == agent_id else None

    async def memories(self, agent_id: str, wanted: MemoryFilter, page: Page) -> Paged[Memory]:
        """Return a page of an agent's memories, newest first; the key is `(create_time in ISO 8601, id)`."""
        query = _filtered(select(Memory), agent_id, wanted)
        if page.after:
            time, memory_id = page.after
            query = query.where(
                tuple_(col(Memory.create_time), col(Memory.id)) < (datetime.fromisoformat(time), memory_id)
            )
        query = query.order_by(col(Memory.create_time).desc(), col(Memory.id).desc()).limit(page.size + 1)
        rows = (await self._session.exec(query)).all()
        return Paged.cut(rows, page, lambda row: (row.create_time.isoformat(), row.id))

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
        if page.after:
            query = query.where(col(Relationship.counterpart) > page.after[0])
        query = query.order_by(col(Relationship.counterpart)).limit(page.size + 1)
        return Paged.cut((await self._session.exec(query)).all(), page, lambda row: (row.counterpart,))

    async def save(self, row: Memory | Relationship) -> None:
        """Add a row, or write its changes."""
        self._session.add(row)
        await self._session.flush()


class SqlStore:
    """Opens transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlRecords]:
        """Open a transaction that only reads."""
        async with self._database.read() as session:
            yield SqlRecords(session)

    @contextlib.asynccontextmanager
    async def writing(self, turn: str = "") -> AsyncIterator[SqlRecords]:
        """Open a transaction that may write; those that name the same turn follow one another."""
        async with self._database.write(turn) as session:
            yield SqlRecords(session)


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
