"""Statements that are compiled once, for what every call runs.

SQLAlchemy takes 0.2 to 0.5 ms around each statement. On SQLite, which needs less than that for most of them, a prepared
statement goes straight to the driver, in the same transaction; on Postgres it is run as any other.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.sqlite_file import Connection, driver_of

Values = Mapping[str, Any]
_Processor = Callable[[Any], Any]

_FEW = 16
"""More rows to write take longer than handing them to a thread."""

# How SQLAlchemy marks a list whose length isn't known yet.
_LIST = re.compile(r"\(__\[POSTCOMPILE_(\w+)\]\)")


class Prepared:
    """A statement, built with named parameters, that is compiled when it is first run."""

    def __init__(self, statement: sa.Select[Any] | sa.CompoundSelect[Any] | sa.Insert | sa.Update | sa.Delete) -> None:
        self.statement = statement
        self._compiled: _Compiled | None = None

    async def all(self, connection: AsyncConnection, values: Values) -> Sequence[Any]:
        """Run it, and return its rows."""
        driver = driver_of(connection)
        if not isinstance(driver, Connection):
            return (await connection.execute(self.statement, values)).all()
        if not driver.in_transaction:
            await driver.resume()
        return self._compile(connection).run(driver.connection, values)

    async def each(self, connection: AsyncConnection, many: Sequence[Values]) -> Sequence[Any]:
        """Run it for each of these values, and return all rows."""
        driver = driver_of(connection)
        if not isinstance(driver, Connection):
            result = await connection.execute(self.statement, many)
            return result.all() if result.returns_rows else []
        compiled = self._compile(connection)
        await driver.resume()
        if len(many) <= _FEW:
            return compiled.run_each(driver.connection, many)
        return await driver.run(lambda db: compiled.run_each(db, many))

    def _compile(self, connection: AsyncConnection) -> "_Compiled":
        if self._compiled is None:
            self._compiled = _Compiled(self.statement, connection.dialect)
        return self._compiled


class _Compiled:
    """A statement in SQLite's words, and how its values are written and read."""

    def __init__(self, statement: Any, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
        # A list is one parameter, whatever its length, so that the statement stays the same.
        self._sql = _LIST.sub(r"(SELECT value FROM json_each(:\1))", compiled.string)
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        lists = _LIST.findall(compiled.string)
        self._writers: list[tuple[str, _Processor]] = [
            (name, writer)
            for name, bind in compiled.binds.items()
            if (writer := json.dumps if name in lists else bind.type.dialect_impl(dialect).bind_processor(dialect))
        ]
        self._returns_rows = bool(compiled._result_columns)
        self._readers: list[tuple[int, _Processor]] = [
            (at, reader)
            for at, column in enumerate(compiled._result_columns)
            if (reader := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]

    def run(self, db: sqlite3.Connection, values: Values) -> list[Any]:
        rows = db.execute(self._sql, self._written(values)).fetchall()
        if not self._readers:
            return rows
        read = [list(row) for row in rows]
        for row in read:
            for at, reader in self._readers:
                row[at] = reader(row[at])
        return read

    def run_each(self, db: sqlite3.Connection, many: Sequence[Values]) -> list[Any]:
        if self._returns_rows:
            return [row for values in many for row in self.run(db, values)]
        db.executemany(self._sql, map(self._written, many))
        return []

    def _written(self, values: Values) -> Values:
        given = {**self._constants, **values}
        for name, writer in self._writers:
            given[name] = writer(given[name])
        return given
