"""The schedule in SQL: what is due when, and what is asked at every look."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, select

from services.agents.domain.entities import AgentRecord, Hindrance, Mailbox, MentionCursor, ScheduleEntry
from services.agents.ports.store import Stamp
from services.runtime.pages import Page, Paged
from services.runtime.prepared import Prepared
from services.runtime.sql import SqlTransaction, columns_of
from services.runtime.upsert import insert_on

_IDS: sa.BindParameter[str] = sa.bindparam("ids", expanding=True)
_STAMP: list[Any] = [col(AgentRecord.id), col(AgentRecord.create_time), col(AgentRecord.version)]
_STAMPS = Prepared(sa.select(*_STAMP).where(col(AgentRecord.id).in_(_IDS)))
_MAILBOX: list[Any] = [
    *(col(AgentRecord.id), col(AgentRecord.account_id), col(AgentRecord.handle)),
    *(col(MentionCursor.after), col(Hindrance.aim)),
]
_MAILBOXES = Prepared(
    sa.select(*_MAILBOX)
    .select_from(AgentRecord)
    .outerjoin(MentionCursor, col(MentionCursor.agent_id) == col(AgentRecord.id))
    .outerjoin(
        Hindrance, sa.and_(col(Hindrance.agent_id) == col(AgentRecord.id), col(Hindrance.aim) == sa.bindparam("aim"))
    )
    .where(col(AgentRecord.id).in_(_IDS), col(AgentRecord.is_active), col(AgentRecord.account_id) != sa.literal(""))
)
_MOVE = Prepared(
    sa.update(ScheduleEntry)
    .where(
        col(ScheduleEntry.agent_id) == sa.bindparam("agent"),
        col(ScheduleEntry.kind) == sa.bindparam("entry"),
        col(ScheduleEntry.key) == sa.bindparam("own"),
        col(ScheduleEntry.due_time) == sa.bindparam("before"),
    )
    .values(due_time=sa.bindparam("after"))
    .returning(col(ScheduleEntry.agent_id))
)

_DUE = Prepared(
    sa.select(*columns_of(ScheduleEntry))
    .where(
        col(ScheduleEntry.due_time) <= sa.bindparam("now"),
        sa.exists().where(col(AgentRecord.id) == col(ScheduleEntry.agent_id), col(AgentRecord.is_active)),
        col(ScheduleEntry.kind).not_in(sa.bindparam("full", expanding=True)),
    )
    .order_by(col(ScheduleEntry.due_time))
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)


class ScheduleRecords(SqlTransaction):
    """The schedule, within one transaction."""

    async def schedule(self, agent_id: str) -> list[ScheduleEntry]:
        """Return what an agent will do, soonest first."""
        query = select(ScheduleEntry).where(ScheduleEntry.agent_id == agent_id)
        return list((await self._session.exec(query.order_by(col(ScheduleEntry.due_time)))).all())

    async def due(self, now: datetime, limit: int, *, full: Collection[str] = ()) -> list[ScheduleEntry]:
        """Return what is due of active agents, the longest overdue first, but for what is of a kind in `full`."""
        return await self._rows_of(ScheduleEntry, _DUE, {"now": now, "full": list(full), "limit": limit})

    async def recurring(self, page: Page) -> Paged[ScheduleEntry]:
        """Return a page of what all agents do again and again; the key is `(agent_id, kind)`."""
        query = select(ScheduleEntry).where(ScheduleEntry.key == "")
        return await self._page(query, page, col(ScheduleEntry.agent_id), col(ScheduleEntry.kind))

    async def planned_until(self, time: datetime) -> int:
        """Return how much is planned for before this time."""
        query = select(sa.func.count()).select_from(ScheduleEntry).where(ScheduleEntry.due_time < time)
        return (await self._session.exec(query)).one()

    async def stamps(self, agent_ids: Collection[str]) -> Mapping[str, Stamp]:
        """Return which states of these agents are the current ones, by their ids."""
        rows = await _STAMPS.all(self._connection, {"ids": list(agent_ids)})
        return {agent_id: (create_time, version) for agent_id, create_time, version in rows}

    async def mailboxes(self, agent_ids: Collection[str], aim: str) -> list[Mailbox]:
        """Return where those of these agents read that are started and have an account; `aim` is that of reading."""
        rows = await _MAILBOXES.all(self._connection, {"ids": list(agent_ids), "aim": aim})
        return [
            Mailbox(agent_id, account_id, after or "", bool(handle) and not hindered)
            for agent_id, account_id, handle, after, hindered in rows
        ]

    async def move_all(self, moves: Sequence[tuple[ScheduleEntry, datetime]]) -> list[ScheduleEntry]:
        """Give entries their next times, and return those that had not changed since they were read."""
        moved = []
        # In one order, so that no two replicas wait for each other.
        for entry, due_time in sorted(moves, key=lambda move: (move[0].agent_id, move[0].kind, move[0].key)):
            row = {"agent": entry.agent_id, "entry": entry.kind, "own": entry.key, "before": entry.due_time}
            if await _MOVE.all(self._connection, row | {"after": due_time}):
                moved.append(entry)
        return moved

    async def put_schedule(self, agent_id: str, due_times: Mapping[str, datetime]) -> None:
        """Replace what an agent does again and again; what it is to do once stays."""
        old = (col(ScheduleEntry.agent_id) == agent_id, col(ScheduleEntry.key) == "")
        await self._session.exec(sa.delete(ScheduleEntry).where(*old))
        self._session.add_all(
            ScheduleEntry(agent_id=agent_id, kind=kind, due_time=due_time) for kind, due_time in due_times.items()
        )
        await self._session.flush()

    async def plan(self, entry: ScheduleEntry) -> None:
        """Add something that is to be done once, unless it is planned already."""
        row = {name: getattr(entry, name) for name in ("agent_id", "kind", "key", "due_time", "task")}
        await self._connection.execute(
            insert_on(self._connection.dialect.name, ScheduleEntry).values(row).on_conflict_do_nothing()
        )

    async def plan_all(self, entries: Sequence[ScheduleEntry]) -> None:
        """Add what is to be done once and hasn't been planned."""
        self._session.add_all(entries)
        await self._session.flush()

    async def unplan(self, entry: ScheduleEntry) -> None:
        """Remove an entry."""
        await self._session.exec(sa.delete(ScheduleEntry).where(*_same(entry)))


def _same(entry: ScheduleEntry) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(ScheduleEntry.agent_id) == entry.agent_id,
        col(ScheduleEntry.kind) == entry.kind,
        col(ScheduleEntry.key) == entry.key,
    )
