"""Events in SQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import col, select

from services.agents.domain.entities import AgentRecord
from services.agents.domain.events import EventRecord, EventState, EventTarget, SeenItem
from services.agents.ports.store import EventFilter
from services.runtime.pages import Page, Paged
from services.runtime.prepared import Prepared
from services.runtime.sql import SqlTransaction

_OFTEN = timedelta(days=1)
"""That an item is still there is written down so often."""

_DUE = Prepared(
    sa.select(col(EventRecord.id))
    .where(col(EventRecord.next_time) <= sa.bindparam("now"), col(EventRecord.is_feed) == sa.bindparam("is_feed"))
    .order_by(col(EventRecord.next_time))
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)


class SqlEventRecords(SqlTransaction):
    """What is stored of events, whom they reach, and the items of feeds."""

    async def event(self, event_id: str) -> EventRecord | None:
        """Return an event."""
        return await self._one(EventRecord, event_id)

    async def events(self, wanted: EventFilter, page: Page) -> Paged[EventRecord]:
        """Return a page of events, newest first; the key is `(id,)`."""
        query = select(EventRecord)
        if wanted.states:
            query = query.where(col(EventRecord.state).in_(wanted.states))
        if wanted.agent_ids:
            named = sa.exists().where(
                col(EventTarget.event_id) == EventRecord.id, col(EventTarget.agent_id).in_(wanted.agent_ids)
            )
            query = query.where(sa.or_(col(EventRecord.is_broadcast), named))
        # Their ids begin with the time at which they were made.
        return await self._page(query, page, col(EventRecord.id), newest_first=True)

    async def events_of_persona(self, agent_id: str) -> list[EventRecord]:
        """Return what an agent's persona lets happen by chance, and isn't over."""
        mine = col(EventRecord.persona_key).startswith(f"{agent_id}/", autoescape=True)
        query = select(EventRecord).where(mine, EventRecord.state == EventState.SCHEDULED)
        return list((await self._session.exec(query)).all())

    async def due_events(self, now: datetime, limit: int, *, is_feed: bool) -> list[str]:
        """Return the ids of up to `limit` events, or feeds, that are due, the longest overdue first."""
        values = {"now": now, "is_feed": is_feed, "limit": limit}
        return [event_id for (event_id,) in await _DUE.all(self._connection, values)]

    async def add_targets(self, event_id: str, agent_ids: Sequence[str]) -> None:
        """Take down whom an event reaches."""
        self._session.add_all(EventTarget(event_id=event_id, agent_id=agent_id) for agent_id in agent_ids)
        await self._session.flush()

    async def targets(self, event_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the agents that each of these events names, in the order of their ids."""
        query = select(EventTarget).where(col(EventTarget.event_id).in_(event_ids)).order_by(col(EventTarget.agent_id))
        found: dict[str, list[str]] = {event_id: [] for event_id in event_ids}
        for row in (await self._session.exec(query)).all():
            found[row.event_id].append(row.agent_id)
        return found

    async def reached(self, event_id: str, after: str, limit: int, *, is_broadcast: bool) -> list[AgentRecord]:
        """Return up to `limit` active agents that an event names, or of all active ones, behind an id, by their ids."""
        query = select(AgentRecord).where(col(AgentRecord.is_active), AgentRecord.id > after)
        if not is_broadcast:
            named = select(EventTarget.agent_id).where(EventTarget.event_id == event_id)
            query = query.where(col(AgentRecord.id).in_(named))
        return list((await self._session.exec(query.order_by(col(AgentRecord.id)).limit(limit))).all())

    async def see_items(self, event_id: str, item_ids: Sequence[str], now: datetime) -> set[str]:
        """Take down the items of a feed, and return those that are new; with none before, all are.

        Without any the feed is as it was.
        """
        query = select(SeenItem.item_id).where(SeenItem.event_id == event_id, col(SeenItem.item_id).in_(item_ids))
        new = set(item_ids) - set((await self._session.exec(query)).all())
        # Archives of before have no times.
        is_old = sa.or_(col(SeenItem.see_time).is_(None), col(SeenItem.see_time) < now - _OFTEN)
        still = [col(SeenItem.event_id) == event_id, is_old]
        if item_ids:
            still.append(col(SeenItem.item_id).in_(item_ids))
        await self._session.exec(sa.update(SeenItem).where(*still).values(see_time=now))
        self._session.add_all(SeenItem(event_id=event_id, item_id=item_id, see_time=now) for item_id in new)
        await self._session.flush()
        return new

    async def forget_events(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` events that are over since before this time; the value says how many."""
        some = select(EventRecord.id).where(col(EventRecord.end_time) < before).limit(limit)
        ids = list((await self._session.exec(some)).all())
        for table, column in ((EventTarget, EventTarget.event_id), (SeenItem, SeenItem.event_id)):
            await self._session.exec(sa.delete(table).where(col(column).in_(ids)))
        await self._session.exec(sa.delete(EventRecord).where(col(EventRecord.id).in_(ids)))
        return len(ids)

    async def forget_items(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` items of feeds that were last there before this time; the value says how many."""
        key = (col(SeenItem.event_id), col(SeenItem.item_id))
        some = sa.select(*key).where(col(SeenItem.see_time) < before).limit(limit)
        return (await self._connection.execute(sa.delete(SeenItem).where(sa.tuple_(*key).in_(some)))).rowcount
