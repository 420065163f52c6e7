"""What each action keeps in mind, in SQL: which words are taken, and what hinders an agent."""

import functools
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from services.agents.domain.entities import Hindrance, Reservation
from services.runtime.prepared import Prepared
from services.runtime.sql import SqlTransaction, columns_of
from services.runtime.upsert import insert_on

_AGENT: sa.BindParameter[str] = sa.bindparam("agent")
_PRINTS: sa.BindParameter[str] = sa.bindparam("prints", expanding=True)
_OWNED: list[Any] = [col(Reservation.fingerprint), col(Reservation.workflow_id)]
_OWNERS = Prepared(
    sa.select(*_OWNED).where(
        col(Reservation.agent_id) == _AGENT,
        col(Reservation.fingerprint).in_(_PRINTS),
        col(Reservation.create_time) >= sa.bindparam("since"),
    )
)
_FORGET = Prepared(
    sa.delete(Reservation).where(
        col(Reservation.agent_id) == _AGENT, col(Reservation.create_time) < sa.bindparam("before")
    )
)
_OWNER = Prepared(
    sa.select(col(Reservation.workflow_id)).where(
        col(Reservation.agent_id) == sa.bindparam("agent_id"),
        col(Reservation.fingerprint) == sa.bindparam("fingerprint"),
    )
)
_HINDRANCES = Prepared(sa.select(*columns_of(Hindrance)).where(col(Hindrance.agent_id) == _AGENT))
_RETRY: list[Any] = [col(Hindrance.agent_id), col(Hindrance.retry_time)]
_RETRY_TIMES = Prepared(
    sa.select(*_RETRY).where(
        col(Hindrance.agent_id).in_(sa.bindparam("agents", expanding=True)),
        col(Hindrance.aim) == sa.bindparam("wanted"),
        col(Hindrance.retry_time) > sa.bindparam("now"),
    )
)
_END_HINDRANCE = Prepared(
    sa.delete(Hindrance).where(col(Hindrance.agent_id) == _AGENT, col(Hindrance.aim) == sa.bindparam("reached"))
)


@functools.cache
def _reserve_on(dialect: str) -> Prepared:
    new = insert_on(dialect, Reservation).on_conflict_do_nothing()
    return Prepared(new.returning(col(Reservation.workflow_id)))


class SqlKeeping(SqlTransaction):
    """Reservations and hindrances, within one transaction."""

    async def reserve(self, agent_id: str, fingerprint: str, workflow_id: str, now: datetime) -> str:
        """Reserve words for a workflow; returns the one that has them, which may be another."""
        row = {"agent_id": agent_id, "fingerprint": fingerprint, "workflow_id": workflow_id, "create_time": now}
        found = await _reserve_on(self._connection.dialect.name).all(self._connection, row)
        if not found:
            found = await _OWNER.all(self._connection, {"agent_id": agent_id, "fingerprint": fingerprint})
        [(owner,)] = found
        return str(owner)

    async def reserved(self, agent_id: str, fingerprints: Sequence[str], since: datetime) -> Mapping[str, str]:
        """Return the workflows that have reserved these words since then, by the fingerprints."""
        values = {"agent": agent_id, "prints": fingerprints, "since": since}
        return dict(map(tuple, await _OWNERS.all(self._connection, values)))

    async def forget_reservations(self, agent_id: str, before: datetime) -> None:
        """Delete what an agent has reserved before this time."""
        await _FORGET.each(self._connection, [{"agent": agent_id, "before": before}])

    async def hindrances(self, agent_id: str) -> dict[str, Hindrance]:
        """Return what keeps an agent from what, by its aims."""
        if self._takes_prepared:
            found = await self._rows_of(Hindrance, _HINDRANCES, {"agent": agent_id})
        else:
            found = list((await self._session.exec(select(Hindrance).where(Hindrance.agent_id == agent_id))).all())
        return {row.aim: row for row in found}

    async def retry_times(self, agent_ids: Collection[str], aim: str, now: datetime) -> Mapping[str, datetime]:
        """Return when those of these agents may try again that have to wait for it, by their ids."""
        values = {"agents": list(agent_ids), "wanted": aim, "now": now}
        return dict(map(tuple, await _RETRY_TIMES.all(self._connection, values)))

    async def end_hindrance(self, agent_id: str, aim: str) -> None:
        """Remove what kept an agent from this."""
        await _END_HINDRANCE.each(self._connection, [{"agent": agent_id, "reached": aim}])
