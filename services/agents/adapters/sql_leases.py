"""Leases of replicas in SQL; times are seconds since 1970 by the clock of the database, whatever the machines' say."""

import functools
import zlib
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import col

from services.agents.domain.entities import ReplicaRecord
from services.runtime.db import Database
from services.runtime.session_lock import SessionLock

_NOW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)",
}


class SqlLeases:
    """The leases of all replicas on a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, replica_id: str, seconds: float) -> None:
        """Take down a new replica, with a lease of so many seconds."""
        await self._write(sa.insert(ReplicaRecord).values(id=replica_id, lease_end=self._now + seconds, is_ended=False))

    async def renew(self, replica_id: str, seconds: float) -> bool:
        """Let a lease last for so many seconds from now; False when it was ended meanwhile."""
        own = (col(ReplicaRecord.id) == replica_id, col(ReplicaRecord.is_ended).is_(False))
        return await self._write(sa.update(ReplicaRecord).where(*own).values(lease_end=self._now + seconds)) == 1

    async def named(self, prefix: str) -> list[str]:
        """Return the replicas whose ids begin so."""
        return await self._ids(col(ReplicaRecord.id).startswith(prefix, autoescape=True))

    async def end(self, replica_ids: Collection[str]) -> None:
        """End the leases of these replicas, however long they would last."""
        await self._write(sa.update(ReplicaRecord).where(col(ReplicaRecord.id).in_(replica_ids)).values(is_ended=True))

    async def end_lapsed(self, replica_id: str) -> None:
        """End the leases that were not renewed in time, while this replica's own was."""
        if await self.lapsed():
            own = aliased(ReplicaRecord)
            holds = sa.exists().where(col(own.id) == replica_id, col(own.lease_end) >= self._now)
            await self._write(sa.update(ReplicaRecord).where(self._is_lapsed, holds).values(is_ended=True))

    async def lapsed(self) -> list[str]:
        """Return the replicas whose leases were not renewed in time, and haven't been ended for it."""
        return await self._ids(self._is_lapsed)

    async def ended(self) -> list[str]:
        """Return the replicas whose leases have ended, and whose work isn't known to be taken up yet."""
        return await self._ids(col(ReplicaRecord.is_ended).is_(True))

    async def forget(self, replica_ids: Collection[str]) -> None:
        """Delete replicas whose work was taken up."""
        await self._write(sa.delete(ReplicaRecord).where(col(ReplicaRecord.id).in_(replica_ids)))

    async def known(self, executor_ids: Collection[str]) -> set[str]:
        """Return those of these that are there, or whose end is known; also those of versions that had no leases."""
        known = set(await self._ids(col(ReplicaRecord.id).in_(executor_ids)))
        if self._database.is_sqlite:
            return known
        async with self._database.read() as transaction:
            numbers = await SessionLock("executor").numbers(transaction.connection)
        # Until 0.2 a replica had a name, and a lock of this number for as long as it lived.
        return known | {name for name in executor_ids if zlib.crc32(name.encode()) - 2**31 in numbers}

    @property
    def _is_lapsed(self) -> sa.ColumnElement[bool]:
        return sa.and_(col(ReplicaRecord.lease_end) < self._now, col(ReplicaRecord.is_ended).is_(False))

    @functools.cached_property
    def _now(self) -> sa.ColumnElement[float]:
        return sa.literal_column(_NOW["sqlite" if self._database.is_sqlite else "postgresql"], sa.Float())

    async def _ids(self, condition: sa.ColumnElement[bool]) -> list[str]:
        async with self._database.read() as transaction:
            rows = await transaction.connection.execute(sa.select(col(ReplicaRecord.id)).where(condition))
            return [replica_id for (replica_id,) in rows.all()]

    async def _write(self, statement: sa.Executable) -> int:
        async with self._database.write() as transaction:
            changed: int = (await transaction.connection.execute(statement)).rowcount
            await transaction.commit()
        return changed
