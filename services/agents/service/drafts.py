"""Drafts: what agents propose, and a person decides.

A draft is stored in the transaction that logs it, and that stores the message to a person. Once it is approved it
stands in the schedule, in the transaction that approves it: whatever dies then, it is carried out, and once.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.agents.domain.drafts import DraftRecord, DraftState
from services.agents.domain.entities import ScheduleEntry
from services.agents.domain.errors import AgentInactive, AgentNotFound, DraftNotEditable, DraftNotFound
from services.agents.domain.proposals import Proposal, Words
from services.agents.domain.records import Drafted, Objection, Passed, PassReason, Trigger
from services.agents.domain.tasks import CarryOutTask
from services.agents.ports.store import DraftFilter, Records, Store
from services.agents.service.journal import TURN, Entry, Journal
from services.agents.service.outbox import Outbox
from services.runtime.clock import Clock
from services.runtime.errors import Conflict, InvalidRequest, Violation
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged

CARRY_OUT = "draft"
"""The kind of the schedule's entries that carry drafts out."""
_AT_ONCE = 50
_SHOWN = 280

Judge = Callable[[str, Proposal, str], Awaitable[tuple[Objection, ...]]]
"""What judges another text for a proposal of a behaviour: its kind, the proposal, and the text."""


class Drafts:
    """The use cases of DraftService."""

    def __init__(
        self, store: Store, journal: Journal, outbox: Outbox, judge: Judge, clock: Clock, kept: timedelta
    ) -> None:
        """Take how long a draft waits for somebody."""
        self._store = store
        self._journal = journal
        self._outbox = outbox
        self._judge = judge
        self._clock = clock
        self._kept = kept

    async def keep(self, name: str, kind: str, trigger: Trigger, proposal: Proposal) -> str:
        """Store a proposal, once for every name, and return the draft's id. Raises AgentNotFound."""
        now = self._clock.now()
        async with self._store.writing(TURN) as records:
            if (first := await records.draft_of(name)) is not None:
                return first.id
            agent = await records.agent(proposal.agent_id)
            if agent is None:
                raise AgentNotFound(proposal.agent_id)
            draft = DraftRecord(
                id=new_id("drf"),
                agent_id=agent.id,
                agent_name=agent.name,
                behaviour=kind,
                workflow_id=name,
                trigger=trigger,
                proposal=proposal,
                create_time=now,
                expire_time=now + self._kept,
            )
            await records.save(draft)
            drafted = Drafted(draft.id, proposal.words[:_SHOWN], draft.expire_time)
            await self._journal.add(records, agent, name, "draft", Entry(drafted, proposal.grounds, kind, trigger))
            await self._outbox.tell_of_draft(records, draft)
            await records.commit()
        self._journal.announce()
        return draft.id

    async def get(self, draft_id: str) -> DraftRecord:
        """Return a draft. Raises DraftNotFound."""
        async with self._store.reading() as records:
            return await _existing(records, draft_id)

    async def agent_of(self, draft_id: str) -> str | None:
        """Return the agent whose draft this is; None when there is no such thing."""
        async with self._store.reading() as records:
            draft = await records.draft(draft_id)
        return draft.agent_id if draft else None

    async def page(self, wanted: DraftFilter, page: Page) -> Paged[DraftRecord]:
        """Return a page of drafts, newest first."""
        async with self._store.reading() as records:
            return await records.drafts(wanted, page)

    async def approve(self, draft_id: str, etag: str, key: RequestKey, principal: str) -> DraftRecord:
        """Let a draft be carried out, once; `principal` is who wants it.

        Raises DraftNotFound, DraftDecided, DraftExpired, AgentInactive and Conflict.
        """
        async with self._store.writing(TURN) as records:
            draft = await _existing(records, draft_id)
            if await records.claim(key, draft_id) is not None:
                return draft
            agent = await records.agent(draft.agent_id)
            if agent is None or not agent.is_active:
                raise AgentInactive(draft.agent_id)
            now = self._clock.now()
            draft.approve(etag, principal, now)
            await records.save(draft)
            task = CarryOutTask(draft.agent_id, draft.id, draft.behaviour, draft.workflow_id, draft.trigger)
            await records.plan(
                ScheduleEntry(agent_id=draft.agent_id, kind=CARRY_OUT, key=draft.id, due_time=now, task=task)
            )
            await records.commit()
        return draft

    async def edit(self, draft_id: str, text: str, etag: str, key: RequestKey) -> DraftRecord:
        """Change a draft's text, which is judged like any other; it still waits.

        Raises DraftNotFound, DraftDecided, DraftExpired, DraftNotEditable, Conflict and InvalidRequest.
        """
        while True:
            try:
                return await self._edit(draft_id, text, etag, key)
            except Conflict:
                # Who names no state means whichever it is in: the text is judged for that one, too.
                if etag:
                    raise

    async def _edit(self, draft_id: str, text: str, etag: str, key: RequestKey) -> DraftRecord:
        async with self._store.reading() as records:
            before = await _existing(records, draft_id)
            if await records.claimed(key) is not None:
                return before
        if not isinstance(before.proposal, Words):
            raise DraftNotEditable(draft_id)
        edited = before.proposal.edited(text)
        objections = await self._judge(before.behaviour, before.proposal, edited.text)
        if objections:
            raise InvalidRequest([Violation("text", f"{item.description} ({item.rule})") for item in objections])
        async with self._store.writing(TURN) as records:
            draft = await _existing(records, draft_id)
            if await records.claim(key, draft_id) is None:
                # Nobody else's edit is written over: it was this state that was judged.
                draft.edit(edited, etag or before.etag, self._clock.now())
                await records.save(draft)
                await records.commit()
        return draft

    async def reject(self, draft_id: str, comment: str, etag: str, key: RequestKey, principal: str) -> DraftRecord:
        """Let nothing come of a draft. Raises DraftNotFound, DraftDecided, DraftExpired and Conflict."""
        async with self._store.writing(TURN) as records:
            draft = await _existing(records, draft_id)
            if await records.claim(key, draft_id) is not None:
                return draft
            draft.reject(etag, comment, principal, self._clock.now())
            await self._end(records, draft, PassReason.REJECTED)
            await records.commit()
        self._journal.announce()
        return draft

    async def expire(self) -> None:
        """Let nothing come of the drafts about which nobody decided in time."""
        now, is_full = self._clock.now(), True
        while is_full:
            async with self._store.writing(TURN) as records:
                overdue = await records.overdue_drafts(now, _AT_ONCE)
                for draft in overdue:
                    draft.expire(now)
                    await self._end(records, draft, PassReason.EXPIRED)
                await records.commit()
            if overdue:
                self._journal.announce()
            is_full = len(overdue) == _AT_ONCE

    async def load(self, draft_id: str) -> Proposal:
        """Return what was approved. Raises DraftNotFound."""
        return (await self.get(draft_id)).proposal

    async def close(self, draft_id: str, state: DraftState) -> None:
        """Take down what came of an approved draft."""
        async with self._store.writing(TURN) as records:
            draft = await _existing(records, draft_id)
            draft.close(state)
            await records.save(draft)
            await records.commit()

    async def _end(self, records: Records, draft: DraftRecord, reason: PassReason) -> None:
        await records.save(draft)
        agent = await records.agent(draft.agent_id)
        if agent is not None:
            passed = Passed(reason, details=(draft.comment,) if draft.comment else ())
            entry = Entry(passed, draft.proposal.grounds, draft.behaviour, draft.trigger)
            await self._journal.add(records, agent, draft.workflow_id, "end", entry)


async def _existing(records: Records, draft_id: str) -> DraftRecord:
    if draft := await records.draft(draft_id):
        return draft
    raise DraftNotFound(draft_id)
