"""An SQLite connection for SQLAlchemy's async engine that leaves the event loop only where SQLite really waits.

A statement on a local file takes microseconds, and handing it to a thread takes longer than running it. What waits for
the disk or for a lock (commit, bulk statements, a writing transaction while another process writes) runs in a thread,
and so does a query that begins with `LONG`. It stands in for aiosqlite's connection, which sends every statement,
fetch and close to a thread: see `benchmarks`.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Self, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

LONG = "SELECT /* long */"
"""How a query begins that may take more than a millisecond or two."""

_BEGIN_WRITING = "BEGIN IMMEDIATE"
"""A transaction that begins by reading and then writes can fail at once; this one waits for its turn."""

_WAITING = (_BEGIN_WRITING, "PRAGMA", "VACUUM")
_BUSY_TIMEOUT_MS = 10_000  # milliseconds


async def connect(path: str, **_options: Any) -> "Connection":
    """Open a database file; transactions are begun by explicit statements only."""
    return await _away(lambda: Connection(sqlite3.connect(path, isolation_level=None, check_same_thread=False)))


def driver_of(connection: Any) -> "Connection":
    """Return the connection to the file below SQLAlchemy's, which is in the same transaction."""
    driver: Connection = getattr(connection, "sync_connection", connection).connection.driver_connection
    return driver


def is_busy(error: BaseException | None) -> bool:
    """Tell whether an error says that another connection holds the file's lock."""
    code = getattr(error, "sqlite_errorcode", 0)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)  # the rest of the number tells why


class Cursor:
    """A cursor with the interface of aiosqlite's."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self._rows: list[Any] | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """What the columns are called."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The id of the last row inserted."""
        return self._cursor.lastrowid

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement."""
        self._rows = None
        if statement.startswith(_WAITING):
            await _away(self._cursor.execute, statement, parameters)
        elif statement.startswith(LONG):
            # Its rows too: a query without a sort does its work while they are fetched.
            self._rows = await _away(lambda: self._cursor.execute(statement, parameters).fetchall())
        else:
            self._cursor.execute(statement, parameters)

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each set of parameters."""
        if len(parameters) == 1:
            await self.execute(statement, parameters[0])
        else:
            await _away(self._cursor.executemany, statement, parameters)

    async def fetchone(self) -> Any:
        """Return the next row, or None."""
        if self._rows is None:
            return self._cursor.fetchone()
        return self._rows.pop(0) if self._rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows."""
        if self._rows is None:
            return self._cursor.fetchmany(size or self.arraysize)
        taken, self._rows = self._rows[: size or self.arraysize], self._rows[size or self.arraysize :]
        return taken

    async def fetchall(self) -> list[Any]:
        """Return all further rows."""
        if self._rows is None:
            return self._cursor.fetchall()
        taken, self._rows = self._rows, []
        return taken

    async def close(self) -> None:
        """Release the statement."""
        self._cursor.close()


class Connection:
    """A connection with the interface that SQLAlchemy uses of aiosqlite's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        # SQLAlchemy asks for these names: the raw connection, and whether it is open.
        self._conn = self._connection = connection
        self.isolation_level = connection.isolation_level
        self.beginning = "BEGIN"
        """How the next transaction begins."""
        self._set_busy_timeout(_BUSY_TIMEOUT_MS)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection of the standard library, for a statement that takes microseconds."""
        return self._conn

    async def run(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Do several statements in a thread, with the connection of the standard library."""
        return await _away(work, self._conn)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._conn.in_transaction

    async def begin(self, *, writes: bool) -> None:
        """Begin a transaction, one that writes as soon as no other connection does."""
        if not writes:
            self.beginning = "BEGIN"
            self._conn.execute(self.beginning)
            return
        self.beginning = _BEGIN_WRITING
        self._set_busy_timeout(0)
        try:
            self._conn.execute(self.beginning)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        finally:
            self._set_busy_timeout(_BUSY_TIMEOUT_MS)
        if not self.in_transaction:  # another process is writing to the file
            await _away(self._conn.execute, self.beginning)

    async def resume(self) -> None:
        """Begin another transaction of the same kind, unless one is open."""
        if not self.in_transaction:
            await self.begin(writes=self.beginning == _BEGIN_WRITING)

    def _set_busy_timeout(self, milliseconds: int) -> None:
        self._conn.execute(f"PRAGMA busy_timeout={milliseconds}")

    def cursor(self) -> Cursor:
        """Return a new cursor."""
        return Cursor(self._conn.cursor())

    async def create_function(self, *args: Any, **options: Any) -> None:
        """Register an SQL function."""
        self._conn.create_function(*args, **options)

    async def commit(self) -> None:
        """Make the transaction durable."""
        if self._conn.in_transaction:
            await _away(self._conn.commit)

    async def rollback(self) -> None:
        """Undo the transaction."""
        self.undo()

    def undo(self) -> None:
        """Undo the transaction, if one is open."""
        if self._conn.in_transaction:
            # Its own `rollback` has SQLite read the word anew each time.
            self._conn.execute("ROLLBACK")

    async def close(self) -> None:
        """Close the file."""
        await _away(self.stop)

    def stop(self) -> None:
        """Close the file at once."""
        # While anything refers to a cursor, as a traceback does, closing waits, and a transaction keeps its lock.
        try:
            with contextlib.suppress(sqlite3.ProgrammingError):  # it is closed already
                self._conn.rollback()
        finally:
            self._conn.close()


async def _away(work: Callable[P, R], *args: P.args, **options: P.kwargs) -> R:
    """Run this in a thread, to its end even when the caller is cancelled: the connection takes one thing at a time."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **options))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise
