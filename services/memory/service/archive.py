"""Archives of relationships, and the deletion of all that an agent has."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeAlias

from services.memory.domain.relationships import Interaction, Relationship
from services.memory.ports.store import Records
from services.runtime import unit_of_work
from services.runtime.archive import ArchivedRow, ArchiveRecords, Import, foreign, read_rows
from services.runtime.idempotency import RequestKey


class ArchivedRecords(Records, ArchiveRecords, Protocol):
    """Memories and relationships, and what an archive has of the latter."""


Store: TypeAlias = unit_of_work.Store[ArchivedRecords]


class Archive:
    """Exports, imports and deletes the relationships of an agent."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def export(self, agent_id: str) -> AsyncIterator[ArchivedRow]:
        """Go through an agent's relationships and their interactions."""
        async with self._store.reading() as records:
            async for row in records.archived(agent_id, lambda row: row):
                yield row

    async def import_all(self, given: Import) -> int:
        """Store what was exported but for relationships that are there, and return how many rows that are.

        Raises InvalidRequest.
        """
        async with self._store.writing(given.agent_id) as records:
            new, known = [], set[str]()
            for number, row in enumerate(read_rows(records, given), 1):
                if not isinstance(row, Relationship | Interaction) or row.agent_id != given.agent_id:
                    raise foreign(number, "is of another agent")
                if isinstance(row, Relationship) and await records.relationship(row.agent_id, row.counterpart):
                    known.add(row.counterpart)
                if row.counterpart not in known:
                    new.append(row)
            await records.unarchive(new)
            await records.commit()
        return len(new)

    async def clear(self, agent_id: str, key: RequestKey) -> int:
        """Delete an agent's relationships, once for a request, and return how many there were."""
        async with self._store.writing(agent_id) as records:
            if (first := await records.claim(key, "0")) is not None:
                return int(first)
            count = (await records.erase(agent_id))["relationship"]
            await records.answer(key, str(count))
            await records.commit()
        return count
