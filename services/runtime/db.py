"""A service's database: SQLite in one file, or Postgres by URL."""

import asyncio
import contextlib
import functools
import json
import math
import sqlite3
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.runtime import schema, sqlite_file
from services.runtime.errors import Unavailable, Unreachable
from services.runtime.transaction import Transaction

_MIGRATION_LOCK = 0x50555050  # "PUPP": replicas that start together migrate one after the other

_READERS, _KEPT = 16, 4
"""How many connections to an SQLite file may read at once, and how many are kept open, with their caches."""

_RESTED_SECONDS = 1.0
"""A connection to Postgres that was used more lately is lent without a look whether it is still there."""
_USED = "used"

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cache_size=-8192",  # KiB
)


T = TypeVar("T")

_WITHOUT_ZONE = len("2026-11-22 12:30:15.123456")
_UTC = "+00:00"


@functools.lru_cache(256)  # many rows are written with the same time
def _written(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(" ", "microseconds")[:_WITHOUT_ZONE]


class _UtcSqliteDateTime(sqlite.DATETIME):
    """Times on SQLite, which keeps no zone: written in UTC, read back with it."""

    def bind_processor(self, *_dialect: object) -> Any:
        return lambda value: value and _written(value)

    def result_processor(self, *_dialect_and_type: object) -> Any:
        return lambda value: value and datetime.fromisoformat(value + _UTC)


_EMPTY: dict[Any, Callable[[], Any]] = {"{}": dict, "[]": list}


class _SqliteJson(sqlite.JSON):
    """JSON on SQLite; most objects and lists are empty, which costs nothing to write and to read."""

    def bind_processor(self, *_dialect: object) -> Any:
        return lambda value: "{}" if value == {} else json.dumps(value)

    def result_processor(self, *_dialect_and_type: object) -> Any:
        return lambda value: made() if (made := _EMPTY.get(value)) else value and json.loads(value)


class _Lent(NamedTuple):
    """A connection that nobody else has, and on SQLite the one to the file below it."""

    connection: AsyncConnection
    driver: sqlite_file.Connection | None


class _Connections:
    """SQLite's connections: so many at once, and a few kept open, since SQLAlchemy takes 0.1 ms to lend one."""

    def __init__(self, engine: AsyncEngine, at_once: int) -> None:
        self._engine = engine
        self._free = asyncio.Semaphore(at_once)
        self._idle: list[_Lent] = []

    async def take(self) -> _Lent:
        """Return a connection that nobody else has."""
        await self._free.acquire()
        try:
            if self._idle:
                return self._idle.pop()
            connection = await self._engine.connect()
            return _Lent(connection, sqlite_file.driver_of(connection))
        except BaseException:
            self._free.release()
            raise

    async def give_back(self, lent: _Lent) -> None:
        """Take a connection back that is in no transaction any more."""
        try:
            if len(self._idle) < _KEPT and _is_at_rest(lent):
                self._idle.append(lent)
            else:
                await lent.connection.close()
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close what is kept."""
        while self._idle:
            await self._idle.pop().connection.close()


class _Pooled:
    """Postgres' connections, as SQLAlchemy keeps them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def take(self) -> _Lent:
        """Return a connection that nobody else has. Raises Unavailable when there is none."""
        try:
            return _Lent(await self._engine.connect(), None)
        except Exception as error:
            if isinstance(error, OSError) or _is_passing(error):
                raise Unavailable("the database can't be reached, or has no connection free") from error
            raise

    async def give_back(self, lent: _Lent) -> None:
        """Take a connection back."""
        await lent.connection.close()

    async def close(self) -> None:
        """Nothing is kept here."""


class _Reading(Generic[T]):
    """A transaction that only reads, until its block ends.

    A class, and no generators within each other: every call opens one, and they take longer than many a query.
    """

    __slots__ = ("_connections", "_lent", "_made", "_transaction")

    def __init__(self, connections: _Connections | _Pooled, made: Callable[[Transaction], T]) -> None:
        self._connections = connections
        self._made = made

    async def __aenter__(self) -> T:
        try:
            self._lent = await self._connections.take()
            try:
                self._transaction = Transaction(*self._lent)
                await self._transaction.__aenter__()
            except BaseException:
                await self._connections.give_back(self._lent)
                raise
        except (sqlite3.OperationalError, sa.exc.DBAPIError) as error:
            _tell_of_lock(error)
            raise
        return self._made(self._transaction)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._transaction.__aexit__(kind, error, trace)
        finally:
            await self._connections.give_back(self._lent)
        if error is not None:
            _tell_of_lock(error)


class Database:
    """Opens transactions for reading and for writing."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is opened yet, except that an SQLite file's folder is made."""
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path = Path(parsed.database or "")
        """The file of an SQLite database."""
        if self.is_sqlite:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_async_engine(
                parsed, connect_args={"async_creator_fn": sqlite_file.connect}, poolclass=sa.NullPool
            )
            _prepare_sqlite(self._engine.sync_engine)
            # SQLite has one writer: waiting here is fair and costs nothing, waiting in SQLite is polling.
            self._reading: _Connections | _Pooled = _Connections(self._engine, _READERS)
            self._writing: _Connections | _Pooled = _Connections(self._engine, 1)
        else:
            self._engine = create_async_engine(parsed)
            _look_after_rest(self._engine.sync_engine)
            self._reading = self._writing = _Pooled(self._engine)
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that only reads; on SQLite it sees one state of the database. Raises Unavailable."""
        return self.read_with(lambda transaction: transaction)

    def read_with(self, made: Callable[[Transaction], T]) -> AbstractAsyncContextManager[T]:
        """Open a transaction that only reads, as `read` does; what is made of it is what the block gets."""
        return _Reading(self._reading, made)

    @contextlib.asynccontextmanager
    async def write(self, *lock_keys: str) -> AsyncIterator[Transaction]:
        """Open a transaction that may write.

        Writers with a lock key in common follow one another, in every replica; on SQLite all writers do. Raises
        Unavailable when another process keeps an SQLite file locked, and when Postgres can't be reached.
        """
        # In one order, so that no two writers wait for each other.
        keys = sorted({key for key in lock_keys if key})
        async with self._turn(keys), self._begun(keys) as transaction:
            yield transaction

    @contextlib.asynccontextmanager
    async def _turn(self, keys: Sequence[str]) -> AsyncIterator[None]:
        """Let one of this process wait with a connection: those who wait would leave none for others."""
        async with contextlib.AsyncExitStack() as turns:
            for key in keys:
                await turns.enter_async_context(self._turns.setdefault(key, asyncio.Lock()))
            yield

    @contextlib.asynccontextmanager
    async def _begun(self, keys: Sequence[str]) -> AsyncIterator[Transaction]:
        with _telling_of_locks():
            async with self._lent() as lent, Transaction(*lent, writes=True) as transaction:
                if not self.is_sqlite:
                    for key in keys:
                        lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))
                        await lent.connection.execute(sa.select(lock))
                yield transaction

    async def migrate(self, versions: Path) -> None:
        """Bring the schema to the newest version in this folder, in one transaction. Raises Unreachable."""
        async with _telling_where(self._engine.url), self.write() as transaction:
            if not self.is_sqlite:
                await transaction.connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            await transaction.connection.run_sync(schema.upgrade, versions)
            await transaction.commit()

    async def scrub(self) -> None:
        """Leave nothing that was deleted in an SQLite file and its log. Raises Unavailable when readers take long."""
        if self.is_sqlite:
            async with self._lent() as (connection, _):
                is_busy = await sqlite_file.driver_of(connection).run(_scrub)
            if is_busy:
                raise Unavailable("the database is being read: its log can't be emptied")

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncConnection]:
        """Open a session for as long as the block, in which each statement is a transaction of its own."""
        async with self._engine.connect() as connection:
            try:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")
            finally:
                # Kept for others it would keep what it has locked.
                await connection.invalidate()

    @contextlib.asynccontextmanager
    async def _lent(self) -> AsyncIterator[_Lent]:
        """Lend a connection that may write for as long as the block."""
        lent = await self._writing.take()
        try:
            yield lent
        finally:
            await self._writing.give_back(lent)

    async def close(self) -> None:
        """Close every connection."""
        for connections in (self._reading, self._writing):
            await connections.close()
        await self._engine.dispose()


@contextlib.contextmanager
def _telling_of_locks() -> Iterator[None]:
    """Tell that an SQLite file was locked for longer than anybody waits, or Postgres is gone: later it may be there."""
    try:
        yield
    except (sqlite3.OperationalError, sa.exc.DBAPIError) as error:
        _tell_of_lock(error)
        raise


def _is_passing(error: BaseException) -> bool:
    """Say whether it is about the connection alone: lost, refused for now, or none was free."""
    if isinstance(error, sa.exc.DBAPIError):
        return error.connection_invalidated or _is_passing_state(getattr(error.orig, "sqlstate", None))
    return isinstance(error, sa.exc.TimeoutError) or _is_passing_state(getattr(error, "sqlstate", None))


def _is_passing_state(state: str | None) -> bool:
    """Say so of PostgreSQL's classes: connection exception, insufficient resources, operator intervention."""
    return bool(state) and str(state)[:2] in {"08", "53", "57"}


def _tell_of_lock(error: BaseException) -> None:
    """Raise Unavailable for what says that an SQLite file was locked, or that Postgres is gone."""
    if _is_passing(error):
        raise Unavailable("the database has ended the connection") from error
    if sqlite_file.is_busy(error.orig if isinstance(error, sa.exc.OperationalError) else error):
        raise Unavailable("the database is locked by another process") from error


@contextlib.asynccontextmanager
async def _telling_where(url: sa.URL) -> AsyncIterator[None]:
    """Tell which database it is that can't be connected to: none answers, or it refuses us."""
    try:
        yield
    except Exception as error:
        cause = error.__cause__ if isinstance(error, Unavailable) else error
        # The driver takes long to import, so its errors are known by PostgreSQL's classes of them: who, and which.
        refusal = str(getattr(cause, "sqlstate", None) or "")[:2]
        if not isinstance(cause, OSError) and refusal not in {"28", "3D"}:
            raise
        where = url.set(password=None, query={}).render_as_string()
        raise Unreachable(f"{where} can't be opened: {cause}") from error


def _is_at_rest(lent: _Lent) -> bool:
    is_sound = not (lent.connection.invalidated or lent.connection.get_transaction())
    return is_sound and lent.driver is not None and not lent.driver.in_transaction


def _scrub(connection: sqlite3.Connection) -> bool:
    """Write the file anew and empty its log; return whether readers kept it from that."""
    connection.execute("VACUUM")
    is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(is_busy)


def _look_after_rest(engine: sa.Engine) -> None:
    """Look whether a connection is still there that has rested for a while.

    SQLAlchemy's own look, each time that one is lent, is a transaction with three round trips.
    """

    @sa.event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: Any) -> None:
        record.info[_USED] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def _look(connection: Any, record: Any, _lent: object) -> None:
        if time.monotonic() - record.info.get(_USED, math.inf) < _RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            # The pool opens another one, and looks at none of the others, which were cut off as well.
            raise sa.exc.InvalidatePoolError from error


def _prepare_sqlite(engine: sa.Engine) -> None:
    engine.dialect.colspecs = {**engine.dialect.colspecs, sa.DateTime: _UtcSqliteDateTime, sa.JSON: _SqliteJson}

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # After a commit in the middle of a transaction's block: its begin comes before SQLAlchemy's.
        driver = sqlite_file.driver_of(connection)
        if not driver.in_transaction:
            connection.exec_driver_sql(driver.beginning)
