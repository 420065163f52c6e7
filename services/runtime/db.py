"""A service's database: SQLite in one file, or Postgres by URL; sessions roll back unless they are committed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.runtime import sqlite_file
from services.runtime.errors import Unavailable

_MIGRATION_ENVIRONMENT = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 0x50555050  # "PUPP": replicas that start together migrate one after the other

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=10000",
    "cache_size=-8192",  # KiB
)


class _UtcSqliteDateTime(sqlite.DATETIME):
    """Times on SQLite, which keeps no zone: written in UTC, read back with it."""

    def bind_processor(self, dialect: Dialect) -> Any:
        write: Any = super().bind_processor(dialect)
        return lambda value: write(value and value.astimezone(UTC).replace(tzinfo=None))

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        read: Any = super().result_processor(dialect, coltype)
        return lambda value: (found := read(value)) and found.replace(tzinfo=UTC)


class Database:
    """Hands out sessions for reading and for writing."""

    def __init__(self, url: str) -> None:
        """Prepare the engine; nothing is opened yet, except that an SQLite file's folder is made."""
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        if self.is_sqlite:
            Path(parsed.database or "").parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_async_engine(parsed, connect_args={"async_creator_fn": sqlite_file.connect})
            _prepare_sqlite(self._engine.sync_engine)
        else:
            self._engine = create_async_engine(parsed, pool_pre_ping=True)
        self._writing_engine = self._engine.execution_options(puppet_writing=True)
        # SQLite has one writer: waiting here is fair and costs nothing, waiting in SQLite is polling.
        self._turn: contextlib.AbstractAsyncContextManager[Any] = (
            asyncio.Lock() if self.is_sqlite else contextlib.nullcontext()
        )

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Open a session that sees one state of the database and is rolled back at its end."""
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            yield session

    @contextlib.asynccontextmanager
    async def write(self, turn: str = "") -> AsyncIterator[AsyncSession]:
        """Open a session that may write; what isn't committed by its end is rolled back.

        Writers that name the same `turn` follow one another, in every replica; on SQLite all writers do.
        """
        async with self._turn, AsyncSession(self._writing_engine, expire_on_commit=False) as session:
            if turn and not self.is_sqlite:
                await session.exec(select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(turn, 0))))
            yield session

    async def migrate(self, versions: Path) -> None:
        """Bring the schema to the newest version in this folder, in one transaction."""
        async with self._turn, self._writing_engine.begin() as connection:
            if not self.is_sqlite:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            await connection.run_sync(_upgrade, versions)

    async def scrub(self) -> None:
        """Leave nothing that was deleted in an SQLite file and its log. Raises Unavailable when readers take long."""
        if self.is_sqlite:
            async with self._turn, self._engine.connect() as connection:
                raw = (await connection.get_raw_connection()).driver_connection
                # Below SQLAlchemy, which would begin a transaction.
                cursor = raw.cursor()  # type: ignore[union-attr]
                await cursor.execute("VACUUM")
                await cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                is_busy, *_ = await cursor.fetchone()
                if is_busy:
                    raise Unavailable("the database is being read: its log can't be emptied")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def _upgrade(connection: sa.Connection, versions: Path) -> None:
    if _version(connection) == max(path.stem.partition("_")[0] for path in versions.glob("*_*.py")):
        return
    # Alembic takes a quarter of a second to import, and a service that is restarted has no use for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATION_ENVIRONMENT))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


def _prepare_sqlite(engine: sa.Engine) -> None:
    engine.dialect.colspecs = {**engine.dialect.colspecs, sa.DateTime: _UtcSqliteDateTime}

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A deferred transaction that turns into a writing one can fail at once; an immediate one waits.
        writing = connection.get_execution_options().get("puppet_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
