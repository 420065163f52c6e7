"""The truth in SQL, on SQLite and on Postgres."""

import functools
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel, col, select

from services.agents.adapters.archive import PARTS
from services.agents.adapters.sql_events import SqlEventRecords
from services.agents.adapters.sql_explanations import SqlExplanations
from services.agents.adapters.sql_keeping import SqlKeeping
from services.agents.adapters.sql_schedule import ScheduleRecords
from services.agents.adapters.sql_webhooks import SqlWebhookRecords
from services.agents.domain.drafts import DraftRecord, DraftState
from services.agents.domain.entities import (
    Acquaintance,
    ActivityRecord,
    AgentRecord,
    ConversationCount,
    ExternalConversation,
    Mark,
    MemberName,
    MentionCursor,
    MoodRecord,
    Reservation,
    ScheduleEntry,
)
from services.agents.domain.events import EVENT_ID
from services.agents.domain.prompt_records import PromptRecord
from services.agents.domain.records import ActivityKind
from services.agents.domain.versions import PersonaVersion
from services.agents.ports.store import ActivityFilter, DraftFilter
from services.runtime.pages import Page, Paged
from services.runtime.prepared import Prepared
from services.runtime.sql_archive import SqlArchive
from services.runtime.upsert import insert_on


@functools.cache
def _mark_on(dialect: str) -> sa.Insert:
    mark = insert_on(dialect, ExternalConversation)
    made: sa.Insert = mark.on_conflict_do_update(
        index_elements=["conversation_id"], set_={"update_time": mark.excluded["update_time"]}
    )
    return made


@functools.cache
def _put_mark_on(dialect: str) -> sa.Insert:
    put = insert_on(dialect, Mark)
    made: sa.Insert = put.on_conflict_do_update(index_elements=["name"], set_={"value": put.excluded["value"]})
    return made


_LOGGED = [column for column in sa.inspect(ActivityRecord).c if column.key != "seq"]
"""What is stored of an activity; its place in the log is the database's to give."""


@functools.cache
def _log_on(dialect: str) -> Prepared:
    new = insert_on(dialect, ActivityRecord).values({column.key: sa.bindparam(column.key) for column in _LOGGED})
    once = new.on_conflict_do_nothing(index_elements=["workflow_id", "step"])
    return Prepared(once.returning(col(ActivityRecord.seq)))


_IS_SPEAKABLE = (
    col(AgentRecord.is_active),
    col(AgentRecord.id) != sa.bindparam("own"),
    col(AgentRecord.handle) != sa.literal(""),
    col(AgentRecord.account_id) != sa.literal(""),
)
_SPEAKABLE_NUMBER = Prepared(sa.select(sa.func.count()).select_from(AgentRecord).where(*_IS_SPEAKABLE))
_SPEAKABLE = Prepared(
    sa.select(col(AgentRecord.id))
    .where(*_IS_SPEAKABLE)
    .order_by(col(AgentRecord.id))
    .offset(sa.bindparam("place", type_=sa.Integer()))
    .limit(sa.literal(1))
)


class SqlRecords(SqlWebhookRecords, SqlEventRecords, SqlExplanations, SqlKeeping, SqlArchive, ScheduleRecords):
    """Everything stored, within one transaction."""

    parts = PARTS

    async def agent(self, agent_id: str) -> AgentRecord | None:
        """Return an agent."""
        return await self._one(AgentRecord, agent_id)

    async def agents_of(self, agent_ids: Sequence[str]) -> Sequence[AgentRecord]:
        """Return those of these agents that are there, in no order."""
        return await self._each_of(AgentRecord, agent_ids)

    async def agents(self, page: Page) -> Paged[AgentRecord]:
        """Return a page of agents, in the order of their ids; the key is `(id,)`."""
        return await self._page(select(AgentRecord), page, col(AgentRecord.id))

    async def being_deleted(self) -> list[str]:
        """Return the ids of the agents whose deletion was asked for."""
        query = select(AgentRecord.id).where(col(AgentRecord.delete_time).is_not(None))
        return list((await self._session.exec(query)).all())

    async def workflow_ids(self, agent_id: str, after: str, limit: int) -> list[str]:
        """Return the next workflows after this id of which something of an agent is logged."""
        own = (ActivityRecord.agent_id == agent_id, col(ActivityRecord.workflow_id) > after)
        query = select(ActivityRecord.workflow_id).where(*own).distinct()
        return list((await self._session.exec(query.order_by(col(ActivityRecord.workflow_id)).limit(limit))).all())

    async def members_of(self, user_ids: Collection[str]) -> list[AgentRecord]:
        """Return the agents that have these ids on the network."""
        known = [user_id for user_id in user_ids if user_id]
        return await self._members(col(AgentRecord.network_user_id).in_(known)) if known else []

    async def members_called(self, names: Collection[str]) -> list[AgentRecord]:
        """Return the agents with an account whose id, name or handle is one of these, in whatever case."""
        small = {form for name in names for form in (name.lower(), _small_ascii(name))}
        called = (sa.func.lower(column).in_(small) for column in (AgentRecord.id, AgentRecord.name, AgentRecord.handle))
        return await self._members(sa.or_(*called)) if names else []

    async def member_at_random(self, but_id: str, draw: float) -> AgentRecord | None:
        """Return a started agent with a handle, but for this one; `draw`, from 0 to below 1, says which of them."""
        own = {"own": but_id}
        [(number,)] = await _SPEAKABLE_NUMBER.all(self._connection, own)
        drawn = await _SPEAKABLE.all(self._connection, own | {"place": int(draw * number)})
        return await self.agent(drawn[0][0]) if drawn else None

    async def member_names(self) -> list[MemberName]:
        """Return what the agents with an account are called."""
        query = sa.select(*(col(column) for column in (AgentRecord.id, AgentRecord.name, AgentRecord.handle)))
        rows = await self._connection.execute(query.where(col(AgentRecord.account_id) != ""))
        return [MemberName(row.id, row.name, row.handle) for row in rows]

    async def _members(self, condition: sa.ColumnElement[bool]) -> list[AgentRecord]:
        query = select(AgentRecord).where(condition, AgentRecord.account_id != "")
        return list((await self._session.exec(query.order_by(col(AgentRecord.id)))).all())

    async def add_all(self, rows: Sequence[SQLModel]) -> None:
        """Add new rows, those of a kind at once."""
        by_kind: dict[type[SQLModel], list[dict[str, Any]]] = {}
        for row in rows:
            # Numbers that the database gives are not asked back: for that a session writes row by row.
            values = {column.key: getattr(row, column.key) for column in sa.inspect(type(row)).c if column.key != "seq"}
            by_kind.setdefault(type(row), []).append(values)
        for kind, some in by_kind.items():
            await self._connection.execute(sa.insert(kind), some)

    async def persona_versions(self, agent_id: str, page: Page) -> Paged[PersonaVersion]:
        """Return a page of the versions of an agent's persona, newest first; the key is `(number,)`."""
        query = select(PersonaVersion).where(PersonaVersion.agent_id == agent_id)
        return await self._page(query, page, col(PersonaVersion.number), newest_first=True)

    async def persona_version(self, agent_id: str, number: int) -> PersonaVersion | None:
        """Return a version of an agent's persona."""
        return await self._one(PersonaVersion, agent_id, number)

    async def forget_persona_versions(self, agent_id: str, until: int) -> None:
        """Delete the versions of an agent's persona up to this one."""
        old = (col(PersonaVersion.agent_id) == agent_id, col(PersonaVersion.number) <= until)
        await self._session.exec(sa.delete(PersonaVersion).where(*old))

    async def mark(self, name: str) -> str:
        """Return the value of a mark; empty when there is none."""
        found = await self._session.get(Mark, name)
        return found.value if found is not None else ""

    async def set_mark(self, name: str, value: str) -> None:
        """Set a mark."""
        row = {"name": name, "value": value}
        await self._connection.execute(_put_mark_on(self._connection.dialect.name), row)

    async def unplan_event(self, event_id: str) -> None:
        """Remove what is planned for an event."""
        mine = col(ScheduleEntry.key).startswith(f"{event_id}.", autoescape=True)
        await self._session.exec(sa.delete(ScheduleEntry).where(mine))

    async def unplan_events(self, agent_id: str) -> None:
        """Remove what an agent was to do of events."""
        planned = col(ScheduleEntry.key).startswith(f"{EVENT_ID}_", autoescape=True)
        await self._session.exec(sa.delete(ScheduleEntry).where(col(ScheduleEntry.agent_id) == agent_id, planned))

    async def log(self, activity: ActivityRecord) -> bool:
        """Add an activity; False when this step of this workflow is there already."""
        row = {column.key: getattr(activity, column.key) for column in _LOGGED}
        for (seq,) in await _log_on(self._connection.dialect.name).all(self._connection, row):
            activity.seq = seq
            return True
        return False

    async def activities(self, wanted: ActivityFilter, page: Page) -> Paged[ActivityRecord]:
        """Return a page of activities, newest first; the key is `(seq,)`."""
        query = select(ActivityRecord)
        for column, values in (
            (ActivityRecord.agent_id, wanted.agent_ids),
            (ActivityRecord.kind, wanted.kinds),
            (ActivityRecord.workflow_id, wanted.workflow_ids),
        ):
            if values:
                query = query.where(col(column).in_(values))
        if wanted.since is not None:
            query = query.where(ActivityRecord.create_time >= wanted.since)
        if wanted.until is not None:
            query = query.where(ActivityRecord.create_time < wanted.until)
        return await self._page(query, page, col(ActivityRecord.seq), newest_first=True)

    async def activities_after(self, agent_ids: Sequence[str], seq: int, limit: int) -> list[ActivityRecord]:
        """Return up to `limit` activities after this one, oldest first."""
        query = select(ActivityRecord).where(col(ActivityRecord.seq) > seq)
        if agent_ids:
            query = query.where(col(ActivityRecord.agent_id).in_(agent_ids))
        return list((await self._session.exec(query.order_by(col(ActivityRecord.seq)).limit(limit))).all())

    async def first_seq(self) -> int:
        """Return the place of the oldest activity; 0 when there is none."""
        return (await self._session.exec(select(sa.func.min(ActivityRecord.seq)))).one() or 0

    async def last_seq(self) -> int:
        """Return the place of the newest activity; 0 when there is none."""
        return (await self._session.exec(select(sa.func.max(ActivityRecord.seq)))).one() or 0

    async def outcome(self, workflow_id: str) -> ActivityRecord | None:
        """Return the first activity of a workflow."""
        query = select(ActivityRecord).where(ActivityRecord.workflow_id == workflow_id)
        return (await self._session.exec(query.order_by(col(ActivityRecord.seq)))).first()

    async def logged(self, workflow_ids: Sequence[str]) -> set[str]:
        """Return those of these workflows that have an activity."""
        query = select(ActivityRecord.workflow_id).where(col(ActivityRecord.workflow_id).in_(workflow_ids))
        return set((await self._session.exec(query)).all())

    async def counts(self, agent_id: str) -> Mapping[ActivityKind, int]:
        """Return how many activities of each kind an agent has."""
        query = select(ActivityRecord.kind, sa.func.count()).where(ActivityRecord.agent_id == agent_id)
        rows = (await self._session.exec(query.group_by(col(ActivityRecord.kind)))).all()
        return {ActivityKind(kind): number for kind, number in rows}

    async def mood_before(self, agent_id: str, time: datetime) -> MoodRecord | None:
        """Return the last recorded mood of an agent before this time."""
        query = select(MoodRecord).where(MoodRecord.agent_id == agent_id, MoodRecord.create_time < time)
        newest_first = (col(MoodRecord.create_time).desc(), col(MoodRecord.seq).desc())
        return (await self._session.exec(query.order_by(*newest_first).limit(1))).first()

    async def moods(self, agent_id: str, since: datetime, until: datetime, after: int, limit: int) -> list[MoodRecord]:
        """Return up to `limit` recorded moods of an agent in this time and behind this place, oldest first."""
        query = select(MoodRecord).where(
            MoodRecord.agent_id == agent_id,
            MoodRecord.create_time >= since,
            MoodRecord.create_time <= until,
            col(MoodRecord.seq) > after,
        )
        return list((await self._session.exec(query.order_by(col(MoodRecord.seq)).limit(limit))).all())

    async def mention_cursor(self, agent_id: str) -> str:
        """Return the network's id of the last mention that an agent has read; empty when it has read none."""
        found = await self._session.get(MentionCursor, agent_id)
        return found.after if found is not None else ""

    async def move_mention_cursor(self, agent_id: str, before: str, after: str) -> None:
        """Move the cursor, unless somebody else has moved it since it was `before`."""
        if not before:
            new = insert_on(self._connection.dialect.name, MentionCursor).values(agent_id=agent_id, after="")
            await self._connection.execute(new.on_conflict_do_nothing())
        same = (col(MentionCursor.agent_id) == agent_id, col(MentionCursor.after) == before)
        await self._connection.execute(sa.update(MentionCursor).where(*same).values(after=after))

    async def count(self, agent_id: str, scope: str, counterpart: str, limit: int, now: datetime) -> bool:
        """Count one more in a scope: a conversation, or a day; False when there are as many as the limit."""
        found = await self._session.get(ConversationCount, (agent_id, scope, counterpart))
        if found is None:
            found = ConversationCount(
                agent_id=agent_id, conversation_id=scope, counterpart=counterpart, update_time=now
            )
        if found.replies >= limit:
            return False
        found.replies += 1
        found.update_time = now
        self._session.add(found)
        await self._session.flush()
        return True

    async def counted(self, agent_id: str, scope: str, counterpart: str) -> int:
        """Return how many were counted in a scope."""
        found = await self._session.get(ConversationCount, (agent_id, scope, counterpart))
        return found.replies if found is not None else 0

    async def mark_external(self, conversation_id: str, now: datetime) -> None:
        """Mark a conversation in which somebody's words from outside were heard."""
        row = {"conversation_id": conversation_id, "update_time": now}
        await self._connection.execute(_mark_on(self._connection.dialect.name), row)

    async def is_external(self, conversation_id: str) -> bool:
        """Tell whether a conversation is marked so."""
        return await self._session.get(ExternalConversation, conversation_id) is not None

    async def forget_counts(self, before: datetime, kept: Sequence[str], limit: int) -> int:
        """Delete up to `limit` counts of before this time, but for these scopes; the value says how many."""
        row = ConversationCount
        old = (col(row.update_time) < before, col(row.conversation_id).not_in(kept))
        return await self._forget(row, (row.agent_id, row.conversation_id, row.counterpart), old, limit)

    async def forget_external(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` marks of conversations of before this time; the value says how many."""
        row = ExternalConversation
        return await self._forget(row, (row.conversation_id,), (col(row.update_time) < before,), limit)

    async def forget_all_reservations(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` of what any agent has reserved before this time; the value says how many."""
        row = Reservation
        return await self._forget(row, (row.agent_id, row.fingerprint), (col(row.create_time) < before,), limit)

    async def forget_activities(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` activities of before this time; the value says how many.

        The newest stays, however old it is: it says where the log ends.
        """
        row = ActivityRecord
        newest = sa.select(sa.func.max(row.seq)).scalar_subquery()
        return await self._forget(row, (row.seq,), (col(row.create_time) < before, col(row.seq) < newest), limit)

    async def forget_prompts(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` prompts that nothing has named since this time; the value says how many."""
        row = PromptRecord
        return await self._forget(row, (row.id,), (col(row.use_time) < before,), limit)

    async def forget_moods(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` moods of before this time; the value says how many."""
        row = MoodRecord
        return await self._forget(row, (row.seq,), (col(row.create_time) < before,), limit)

    async def _forget(
        self, row: type[SQLModel], key: Sequence[Any], old: Sequence[sa.ColumnElement[bool]], limit: int
    ) -> int:
        columns = [col(part) for part in key]
        some = sa.select(*columns).where(*old).limit(limit)
        return (await self._connection.execute(sa.delete(row).where(sa.tuple_(*columns).in_(some)))).rowcount

    async def draft(self, draft_id: str) -> DraftRecord | None:
        """Return a draft."""
        return await self._session.get(DraftRecord, draft_id)

    async def draft_of(self, workflow_id: str) -> DraftRecord | None:
        """Return the draft of a workflow."""
        return (await self._session.exec(select(DraftRecord).where(DraftRecord.workflow_id == workflow_id))).first()

    async def drafts(self, wanted: DraftFilter, page: Page) -> Paged[DraftRecord]:
        """Return a page of drafts, newest first; the key is `(create_time, id)`."""
        query = select(DraftRecord)
        for column, values in ((DraftRecord.agent_id, wanted.agent_ids), (DraftRecord.state, wanted.states)):
            if values:
                query = query.where(col(column).in_(values))
        return await self._page(query, page, col(DraftRecord.create_time), col(DraftRecord.id), newest_first=True)

    async def overdue_drafts(self, now: datetime, limit: int) -> list[DraftRecord]:
        """Return up to `limit` drafts that wait and have expired, the longest overdue first."""
        query = select(DraftRecord).where(DraftRecord.state == DraftState.WAITING, DraftRecord.expire_time <= now)
        return list((await self._session.exec(query.order_by(col(DraftRecord.expire_time)).limit(limit))).all())

    async def acquaintances(self, agent_id: str) -> Mapping[str, str]:
        """Return the network's ids of those whom an agent's persona knows by handles, by these, in small letters."""
        query = select(Acquaintance).where(Acquaintance.agent_id == agent_id)
        return {row.handle: row.network_user_id for row in (await self._session.exec(query)).all()}

    async def meet(self, agent_id: str, handle: str, user_id: str) -> None:
        """Take down who it is whom an agent's persona knows by a handle."""
        await self.save(Acquaintance(agent_id=agent_id, handle=handle, network_user_id=user_id))


def _small_ascii(text: str) -> str:
    """Return what SQLite makes small letters of."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
