"""What the SQL adapters of all services do alike: open transactions, claim requests, save rows and cut pages."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import SQLModel, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar
from typing_extensions import override

from services.runtime import idempotency
from services.runtime.db import Database
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged
from services.runtime.prepared import Prepared, Values
from services.runtime.transaction import Transaction
from services.runtime.unit_of_work import Store, UnitOfWork

R = TypeVar("R", bound=UnitOfWork)
T = TypeVar("T")
M = TypeVar("M", bound=SQLModel)


class SqlTransaction(UnitOfWork):
    """One transaction; a service adds its queries."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._connection = transaction.connection

    @property
    def _session(self) -> AsyncSession:
        return self._transaction.session

    @override
    async def claim(self, key: RequestKey, resource_id: str) -> str | None:
        return await idempotency.claim(self._connection, key, resource_id)

    @override
    async def claimed(self, key: RequestKey) -> str | None:
        return await idempotency.claimed(self._connection, key)

    @override
    async def answer(self, key: RequestKey, resource_id: str) -> None:
        await idempotency.answer(self._connection, key, resource_id)

    @override
    async def commit(self) -> None:
        await self._transaction.commit()

    async def forget_requests(self, before: datetime, limit: int) -> int:
        """Forget up to `limit` requests of before this time whose effect is decided; the value says how many."""
        return await idempotency.forget(self._connection, before, limit, self._needed())

    def _needed(self) -> sa.ColumnElement[bool]:
        """Return the condition for requests that are kept however old they are; a service adds its own."""
        return sa.false()

    async def save(self, *rows: SQLModel) -> None:
        """Add rows, or write their changes."""
        self._session.add_all(rows)
        await self._session.flush()

    async def _one(self, kind: type[M], *key: Any) -> M | None:
        """Return the row with this primary key.

        It comes by a prepared statement, since to ask a session once takes a quarter of a millisecond: where something
        is written it becomes the session's, else it is as what a session leaves behind that is closed.
        """
        if not self._takes_prepared:
            known: M | None = self._session.identity_map.get(sa.inspect(kind).identity_key_from_primary_key(key))
            if known is not None:
                return known
        rows = await _by_key(kind).all(self._connection, {f"key_{at}": value for at, value in enumerate(key)})
        if not rows:
            return None
        found = _loaded(kind, rows[0])
        if not self._takes_prepared:
            self._session.add(found)
        return found

    async def _each_of(self, kind: type[M], keys: Sequence[str]) -> Sequence[M]:
        """Return the rows of a kind with these primary keys, which are one column, in no order; those that are there.

        By a prepared statement, as above.
        """
        if not self._takes_prepared:
            [key] = sa.inspect(kind).primary_key
            return (await self._session.exec(select(kind).where(key.in_(keys)))).all()
        return [_loaded(kind, row) for row in await _by_keys(kind).all(self._connection, {"keys": keys})]

    async def _rows_of(self, kind: type[M], query: Prepared, values: Values) -> list[M]:
        """Return the rows of a kind that a prepared query finds, which selects `columns_of` it; as above."""
        return [_loaded(kind, row) for row in await query.all(self._connection, values)]

    @property
    def _takes_prepared(self) -> bool:
        return self._transaction.is_read_only

    async def _page(self, query: SelectOfScalar[T], page: Page, *key: Any, newest_first: bool = False) -> Paged[T]:
        """Return a page in the order of these columns, which together are unique; their values are its key."""
        if page.after:
            place = tuple_(*key)
            query = query.where(place < page.after if newest_first else place > page.after)
        query = query.order_by(*(column.desc() if newest_first else column for column in key)).limit(page.size + 1)
        rows = (await self._session.exec(query)).all()
        return Paged.cut(rows, page, lambda row: tuple(getattr(row, column.key) for column in key))


def columns_of(kind: type[SQLModel]) -> list[Any]:
    """Return the columns of a kind of row, in the order of its fields."""
    mapper = sa.inspect(kind)
    return [mapper.c[name] for name in _names_of(kind)]


@functools.cache
def _by_key(kind: type[SQLModel]) -> Prepared:
    mapper = sa.inspect(kind)
    own = [column == sa.bindparam(f"key_{at}") for at, column in enumerate(mapper.primary_key)]
    return Prepared(sa.select(*columns_of(kind)).where(*own))


@functools.cache
def _by_keys(kind: type[SQLModel]) -> Prepared:
    mapper = sa.inspect(kind)
    [key] = mapper.primary_key
    wanted: sa.BindParameter[str] = sa.bindparam("keys", expanding=True)
    return Prepared(sa.select(*columns_of(kind)).where(key.in_(wanted)))


@functools.cache
def _names_of(kind: type[SQLModel]) -> tuple[str, ...]:
    return tuple(sa.inspect(kind).c.keys())


@functools.cache
def _manager_of(kind: type[SQLModel]) -> Any:
    return sa.inspect(kind).class_manager


def _loaded(kind: type[M], row: Sequence[Any]) -> M:
    made: M = _manager_of(kind).new_instance()
    vars(made).update(zip(_names_of(kind), row, strict=True))
    make_transient_to_detached(made)
    return made


class SqlStore(Store[R]):
    """Opens transactions on a database."""

    def __init__(self, database: Database, records: Callable[[Transaction], R]) -> None:
        self._database = database
        self._records = records

    @override
    def reading(self) -> contextlib.AbstractAsyncContextManager[R]:
        return self._database.read_with(self._records)

    @override
    @contextlib.asynccontextmanager
    async def writing(self, *lock_keys: str) -> AsyncIterator[R]:
        async with self._database.write(*lock_keys) as transaction:
            yield self._records(transaction)
