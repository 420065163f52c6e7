"""One transaction on the tables, and the store that opens them."""

from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from services.memory.adapters.sql.fts5 import SqliteLexicon
from services.memory.adapters.sql.indexing import SqlIndexing
from services.memory.adapters.sql.memories import SqlMemories
from services.memory.adapters.sql.tsvector import PostgresLexicon
from services.memory.domain.relationships import Interaction, Relationship
from services.runtime.db import Database
from services.runtime.pages import Page, Paged
from services.runtime.sql import SqlStore


class SqlRecords(SqlMemories, SqlIndexing):
    """Memories, relationships, and what the index is built from, within one transaction."""

    async def relationship(self, agent_id: str, counterpart: str) -> Relationship | None:
        """Return a relationship of this agent."""
        return await self._one(Relationship, agent_id, counterpart)

    async def relationships(self, agent_id: str, page: Page) -> Paged[Relationship]:
        """Return a page of an agent's relationships; the key is `(counterpart,)`."""
        query = select(Relationship).where(Relationship.agent_id == agent_id)
        return await self._page(query, page, col(Relationship.counterpart))

    async def interactions(self, agent_id: str, counterpart: str, page: Page) -> Paged[Interaction]:
        """Return a page of an agent's interactions with a counterpart, newest first; the key is `(number,)`."""
        query = select(Interaction).where(Interaction.agent_id == agent_id, Interaction.counterpart == counterpart)
        return await self._page(query, page, col(Interaction.number), newest_first=True)

    async def forget_relationship(self, agent_id: str, counterpart: str) -> None:
        """Remove a relationship with its interactions."""
        kind: Any
        for kind in (Interaction, Relationship):
            await self._session.exec(sa.delete(kind).where(kind.agent_id == agent_id, kind.counterpart == counterpart))


class SqlMemoryStore(SqlStore[SqlRecords]):
    """Opens transactions on the tables."""

    def __init__(self, database: Database) -> None:
        lexicon = SqliteLexicon() if database.is_sqlite else PostgresLexicon()
        super().__init__(database, lambda transaction: SqlRecords(transaction, lexicon))
        self.is_shared = not database.is_sqlite
        self.scrub = database.scrub
