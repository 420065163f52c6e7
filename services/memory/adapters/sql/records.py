"""One transaction on the tables, and the store that opens them."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select, tuple_
from typing_extensions import override

from services.memory.adapters.sql.fts5 import SqliteLexicon
from services.memory.adapters.sql.indexing import SqlIndexing
from services.memory.adapters.sql.memories import SqlMemories
from services.memory.adapters.sql.tsvector import PostgresLexicon
from services.memory.domain.relationships import Interaction, Relationship, RelationshipKey
from services.memory.ports.store import RelationshipRecords
from services.runtime.db import Database
from services.runtime.pages import Page, Paged
from services.runtime.prepared import Prepared
from services.runtime.sql import SqlStore, columns_of
from services.runtime.sql_archive import Part, SqlArchive

_NEWEST = Prepared(
    sa.select(*columns_of(Interaction))
    .where(col(Interaction.agent_id) == sa.bindparam("agent_id"))
    .where(col(Interaction.counterpart) == sa.bindparam("counterpart"))
    .order_by(col(Interaction.number).desc())
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


class SqlRecords(SqlMemories, SqlIndexing, SqlArchive, RelationshipRecords):
    """Memories, relationships, and what the index is built from, within one transaction; archives have the second."""

    parts = (
        Part(Relationship, lambda agent_id: col(Relationship.agent_id) == agent_id),
        Part(Interaction, lambda agent_id: col(Interaction.agent_id) == agent_id, numbered="number"),
    )

    @override
    async def relationship(self, agent_id: str, counterpart: str) -> Relationship | None:
        return await self._one(Relationship, agent_id, counterpart)

    @override
    async def relationships_of(self, keys: Collection[RelationshipKey]) -> dict[RelationshipKey, Relationship]:
        own = tuple_(col(Relationship.agent_id), col(Relationship.counterpart)).in_(keys)
        found = await self._session.exec(select(Relationship).where(own))
        return {(item.agent_id, item.counterpart): item for item in found}

    @override
    async def relationships(self, agent_id: str, page: Page) -> Paged[Relationship]:
        query = select(Relationship).where(Relationship.agent_id == agent_id)
        return await self._page(query, page, col(Relationship.counterpart))

    @override
    async def interactions(self, agent_id: str, counterpart: str, page: Page) -> Paged[Interaction]:
        if self._takes_prepared and not page.after:
            values = {"agent_id": agent_id, "counterpart": counterpart, "limit": page.size + 1}
            found = await self._rows_of(Interaction, _NEWEST, values)
            return Paged.cut(found, page, lambda row: (row.number,))
        query = select(Interaction).where(Interaction.agent_id == agent_id, Interaction.counterpart == counterpart)
        return await self._page(query, page, col(Interaction.number), newest_first=True)

    @override
    async def forget_relationship(self, agent_id: str, counterpart: str) -> None:
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
