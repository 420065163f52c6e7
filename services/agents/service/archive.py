"""Archives of agents."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

from sqlmodel import SQLModel

from services.agents.domain.drafts import DraftRecord
from services.agents.domain.entities import ActivityRecord, AgentRecord, ScheduleEntry
from services.agents.domain.errors import AgentExists, AgentNotFound
from services.agents.domain.events import EVENT_ID
from services.agents.domain.records import Lifecycle, LifecycleChange, Trigger
from services.agents.service.deleting import Store
from services.agents.service.drafts import CARRY_OUT
from services.agents.service.journal import TURN, Entry, Journal
from services.runtime.archive import ArchivedRow, Import, foreign, read_rows
from services.runtime.clock import Clock
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.ids import new_id


class Archive:
    """Exports and imports what this service has of an agent."""

    def __init__(self, store: Store, journal: Journal, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock

    async def export(self, agent_id: str) -> AsyncIterator[ArchivedRow]:
        """Go through what there is of an agent. Raises AgentNotFound."""
        async with self._store.reading() as records:
            if await records.agent(agent_id) is None:
                raise AgentNotFound(agent_id)
            async for row in records.archived(agent_id, lambda row: row):
                yield row

    async def import_all(self, given: Import) -> int:
        """Store what was exported, as an agent that rests, and return how many rows; 0 when that was done before.

        Raises InvalidRequest and AgentExists.
        """
        now, agent_id = self._clock.now(), given.agent_id
        async with self._store.writing(TURN) as records:
            rows = list(_adapted(read_rows(records, given), agent_id, now))
            # It is forgotten with the agent: deleted, that can be imported again.
            if await records.claim(given.key, agent_id) is not None:
                return 0
            if await records.agent(agent_id) is not None:
                raise AgentExists(agent_id)
            agent = next((row for row in rows if isinstance(row, AgentRecord)), None)
            if agent is None:
                raise InvalidRequest([Violation("row", "must be one of an agent at least once")])
            _place(rows, min(1, await records.first_seq()))
            await records.unarchive(rows)
            entry = Entry(Lifecycle(LifecycleChange.IMPORTED), trigger=Trigger.REQUEST)
            await self._journal.add(records, agent, new_id("lifecycle"), "end", entry)
            await records.commit()
        self._journal.announce()
        return len(given.rows)


def _adapted(rows: list[SQLModel], agent_id: str, now: datetime) -> Iterator[SQLModel]:
    """Yield the rows as they are to be stored. Raises InvalidRequest for one of another agent."""
    for number, row in enumerate(rows, 1):
        if getattr(row, "agent_id", agent_id) != agent_id or (isinstance(row, AgentRecord) and row.id != agent_id):
            raise foreign(number, "is of another agent")
        if isinstance(row, ScheduleEntry) and not _still_holds(row):
            continue
        if isinstance(row, AgentRecord):
            row.be_imported(now)
        elif isinstance(row, DraftRecord):
            row.reopen()
        yield row


def _place(rows: list[SQLModel], before: int) -> None:
    """Give activities their places before this one, in their order.

    They happened elsewhere and before: whoever watches this log, from wherever in it, is not told of them as news.
    """
    activities = [row for row in rows if isinstance(row, ActivityRecord)]
    for place, activity in enumerate(activities, before - len(activities)):
        activity.seq = place


def _still_holds(entry: ScheduleEntry) -> bool:
    """Say whether an entry is to be done here: what recurs is planned anew, and drafts are decided about again."""
    return bool(entry.key) and entry.kind != CARRY_OUT and not entry.key.startswith(f"{EVENT_ID}_")
