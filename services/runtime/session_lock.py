"""Locks that a process holds while it lives, in a session of Postgres: gone with the process, whatever ends it.

With SQLite a file beside the database is locked, for which it has to be on a disk of this machine.
"""

import asyncio
import contextlib
import logging
import os
import signal
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime import file_lock
from services.runtime.db import Database

log = logging.getLogger(__name__)

_TRY_SECONDS, _LOOK_SECONDS = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class SessionLock:
    """One of the locks of a kind, by its number; shared ones are held by several at once."""

    kind: str
    number: int = 0
    is_shared: bool = False

    @property
    def space(self) -> int:
        """The kind, as Postgres wants it: a signed number of 32 bits."""
        return zlib.crc32(self.kind.encode()) - 2**31

    async def take(self, connection: AsyncConnection) -> bool:
        """Take it for this session, unless another one has it."""
        name = f"pg_try_advisory_lock{'_shared' if self.is_shared else ''}"
        call = sa.select(getattr(sa.func, name)(sa.cast(self.space, sa.Integer), sa.cast(self.number, sa.Integer)))
        return bool(await connection.scalar(call))

    async def numbers(self, connection: AsyncConnection) -> set[int]:
        """Return the numbers of the locks of this kind that anybody holds in this database."""
        query = sa.text(
            "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted "
            "AND classid::bigint = :space "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        # Postgres shows them as numbers without a sign.
        rows = await connection.execute(query, {"space": self.space % 2**32})
        return {number - 2**32 if number >= 2**31 else number for (number,) in rows.all()}


@contextlib.asynccontextmanager
async def held(database: Database, lock: SessionLock, timeout_seconds: float) -> AsyncIterator[set[int]]:
    """Hold a lock until the block ends; the value is the numbers of those of its kind that are held, this one's too.

    A session that is lost is replaced. Should another process have taken the lock meanwhile, this one is asked to end.
    Raises TimeoutError when another process has it for longer than the timeout.
    """
    if database.is_sqlite:
        # Shared ones are for replicas to see each other, and an SQLite file has none.
        with contextlib.ExitStack() as stack:
            if not lock.is_shared:
                name = f"{database.path.name}.{lock.kind.replace(' ', '-')}.{lock.number}.lock"
                path = database.path.with_name(name)
                stack.callback(os.close, await asyncio.to_thread(file_lock.lock, path, timeout_seconds))
            yield {lock.number}
        return
    async with contextlib.AsyncExitStack() as stack:
        connection = await stack.enter_async_context(database.session())
        async with asyncio.timeout(timeout_seconds):
            while True:
                if await lock.take(connection):
                    break
                await asyncio.sleep(_TRY_SECONDS)
        numbers = await lock.numbers(connection)
        keeping = asyncio.create_task(_keep(database, lock, connection), name=f"keeping the lock: {lock.kind}")
        try:
            yield numbers
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping


async def _keep(database: Database, lock: SessionLock, connection: AsyncConnection) -> None:
    async with contextlib.AsyncExitStack() as stack:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await connection.scalar(sa.select(1))
                continue
            except (OSError, sa.exc.DBAPIError):
                log.warning("the session that holds a lock is lost", extra={"lock": lock.kind})
            try:
                connection = await stack.enter_async_context(database.session())
                is_ours = await lock.take(connection)
            except (OSError, sa.exc.DBAPIError):
                continue
            if not is_ours:
                log.critical("another process has taken the lock", extra={"lock": lock.kind})
                os.kill(os.getpid(), signal.SIGTERM)
                return
