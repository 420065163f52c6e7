"""Archives of the tables of a service: the rows of one agent, read in pages, stored, and deleted."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import SQLModel, select, tuple_
from typing_extensions import override

from services.runtime.archive import ArchivedRow, ArchiveRecords
from services.runtime.rows import read_row, write_row
from services.runtime.sql import SqlTransaction
from services.runtime.upsert import insert_on

_FIRST, _MAX = 8, 500
"""How many rows are read before it is known what they weigh, and at most."""
_PAGE_BYTES = 2 * 2**20

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Part:
    """A table, and which of its rows an archive of an agent has."""

    kind: type[SQLModel]
    of: Callable[[str], Condition]
    """Returns the condition for the rows that are exported."""
    erased: Callable[[str], Condition | None] | None = None
    """Returns the condition for those that are deleted, None for none; left out: those that are exported."""
    numbered: str = ""
    """The column that each database counts by itself."""
    is_shared: bool = False
    """Whether a row may be there already, and is left as it is then."""

    @property
    def name(self) -> str:
        """What its rows are called in an archive."""
        return str(self.kind.__tablename__)

    @property
    def without(self) -> tuple[str, ...]:
        """The columns that aren't exported."""
        return (self.numbered,) if self.numbered else ()


class SqlArchive(SqlTransaction, ArchiveRecords):
    """The rows of one agent in SQL; a service says which those are."""

    parts: ClassVar[Sequence[Part]]
    """In the order in which they are stored; deleted they are the other way round."""

    @override
    async def archived(self, agent_id: str, turned: Callable[[Any], SQLModel]) -> AsyncIterator[ArchivedRow]:
        for part in self.parts:
            key: Any = tuple(sa.inspect(part.kind).columns[column.key] for column in _key(part.kind))
            after, number = None, _FIRST
            while True:
                query = select(part.kind).where(part.of(agent_id))
                if after is not None:
                    query = query.where(tuple_(*key) > after)
                rows = (await self._session.exec(query.order_by(*key).limit(number))).all()
                self._session.expunge_all()
                weight = 0
                for row in rows:
                    after = tuple(getattr(row, column.key) for column in key)
                    written = write_row(turned(row), part.without)
                    weight += len(written)
                    yield ArchivedRow(part.name, written)
                if len(rows) < number:
                    break
                number = max(1, min(_MAX, _PAGE_BYTES * number // max(1, weight)))

    @override
    def from_archive(self, row: ArchivedRow) -> SQLModel:
        part = next((part for part in self.parts if part.name == row.kind), None)
        if part is None:
            raise ValueError(f"no archive of this service has a {row.kind!r}")
        return read_row(part.kind, row.row, part.without)

    @override
    async def unarchive(self, rows: Sequence[SQLModel]) -> None:
        shared = {part.kind for part in self.parts if part.is_shared}
        # Kind by kind: the session itself doesn't know which rows refer to which.
        for kind, same in itertools.groupby(rows, type):
            for some in _batched(same):
                if kind in shared:
                    insert = insert_on(self._connection.dialect.name, kind)
                    for row in some:
                        values = {column.key: getattr(row, column.key) for column in sa.inspect(kind).columns}
                        await self._session.exec(insert.values(values).on_conflict_do_nothing())
                else:
                    self._session.add_all(some)
                    await self._session.flush()
                    self._session.expunge_all()

    @override
    async def erase(self, agent_id: str) -> dict[str, int]:
        counts = {}
        for part in reversed(self.parts):
            condition = part.of(agent_id) if part.erased is None else part.erased(agent_id)
            if condition is None:
                continue
            gone = sa.delete(part.kind).where(condition).execution_options(synchronize_session=False)
            counts[part.name] = (await self._session.exec(gone)).rowcount
        return counts


def _key(kind: type[SQLModel]) -> tuple[Any, ...]:
    key: tuple[Any, ...] = sa.inspect(kind).primary_key
    return key


def _batched(rows: Iterable[SQLModel]) -> Iterator[list[SQLModel]]:
    rows = iter(rows)
    while some := list(itertools.islice(rows, _MAX)):
        yield some
