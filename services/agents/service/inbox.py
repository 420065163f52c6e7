"""The inbox: every mention is heard, and those that are to be answered are planned, each after a delay of its own.

A look is no workflow. Cut short, it is taken again from where the cursor stands, and does nothing twice: what is heard,
counted, logged and planned has the name of the mention's reply.
"""

import asyncio
import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from services.agents.domain.entities import AgentRecord, Hindrance, Mailbox, ScheduleEntry
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.mood import SocialEvent
from services.agents.domain.records import Failed, Grounds, Passed, Trigger
from services.agents.domain.schedule import reply_due
from services.agents.domain.tasks import Mention, ReplyTask, occasion_of
from services.agents.ports.neighbours import Refused, SocialPort
from services.agents.ports.store import Store
from services.agents.ports.workflows import TOLD_SECONDS
from services.agents.service.cast import Cast, Character
from services.agents.service.governors import Governors
from services.agents.service.hearing import Hearing
from services.agents.service.journal import Entry, Journal
from services.runtime.errors import RetryLater
from services.runtime.retrying import retry

log = logging.getLogger(__name__)

# Networks have a clock of their own, and tell the time in whole seconds.
_CLOCK_SKEW = timedelta(minutes=1)
_AT_ONCE = 50
_READERS = 16
"""How many mailboxes of a look are read at the same time."""
_LEARNT = timedelta(hours=1)
"""How long what an agent is called is taken for known while nobody mentions it."""
_MAX_LEARNT = 100_000
REPLY = "reply"
"""The kind of the behaviour that answers mentions."""
READING = "read its mentions"
"""What an agent aims at by looking."""


class Inbox:
    """Reads mentions."""

    def __init__(
        self,
        store: Store,
        cast: Cast,
        social: SocialPort,
        hearing: Hearing,
        governors: Governors,
        journal: Journal,
        speed: float,
        patience_seconds: float,
    ) -> None:
        """Take how many hours of the characters pass in one of ours, and how long a look is repeated that fails."""
        self._store = store
        self._cast = cast
        self._social = social
        self._hearing = hearing
        self._governors = governors
        self._journal = journal
        self._speed = speed
        self._patience_seconds = patience_seconds
        self._readers: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._learnt: dict[str, datetime] = {}

    async def look(self, names: Mapping[str, str]) -> None:
        """Read what is new to these agents, and plan the answers; `names` are those of the looks.

        What keeps an agent from it is logged once, as of this name.
        """
        async with self._store.reading() as records:
            mailboxes = await records.mailboxes(names.keys(), READING)
        free = asyncio.Semaphore(_READERS)

        async def one(mailbox: Mailbox) -> None:
            async with free:
                await self._look(mailbox, names[mailbox.agent_id])

        await asyncio.gather(*map(one, mailboxes))

    async def _look(self, mailbox: Mailbox, name: str) -> None:
        agent_id = mailbox.agent_id
        # Who looks again before the last look has ended would hear the same mentions once more.
        reader = self._readers.setdefault(agent_id, asyncio.Lock())
        async with reader:
            try:
                await retry(lambda: self._read(mailbox, name), self._patience_seconds)
            except (DependencyUnavailable, Refused) as error:
                await self._log_failure(agent_id, name, error)

    async def rest(self, agent_id: str) -> None:
        """Wait until no look of an agent is under way here."""
        if reader := self._readers.get(agent_id):
            async with reader:
                pass

    async def _read(self, mailbox: Mailbox, name: str) -> None:
        """Read a mailbox; of one that is empty nothing is stored, nor the agent read."""
        found = await self._social.mentions(mailbox.account_id, mailbox.after)
        if found or not mailbox.is_settled or self._is_unlearnt(mailbox.agent_id):
            await self._take(mailbox.agent_id, mailbox.after, found, name)

    def _is_unlearnt(self, agent_id: str) -> bool:
        """Say whether it is time to ask what an agent is called on its network; at the first look it isn't."""
        now = self._cast.now()
        if len(self._learnt) >= _MAX_LEARNT and agent_id not in self._learnt:
            self._learnt.clear()
        # Not of all at once, an hour after the start.
        learnt = self._learnt.setdefault(agent_id, now - random.Random(agent_id).random() * _LEARNT)
        if now - learnt < _LEARNT:
            return False
        self._learnt[agent_id] = now
        return True

    async def _take(self, agent_id: str, after: str, found: Sequence[Mention], name: str) -> None:
        """Learn and plan what follows from mentions that were read from behind a place."""
        character = await self._cast.character(agent_id)
        record = character.record
        async with self._store.reading() as records:
            read = await records.mention_cursor(agent_id)
            is_hindered = READING in await records.hindrances(agent_id)
        if not (record.is_active and record.account_id):
            return
        if read != after:
            # Another reader was here meanwhile.
            found = await self._social.mentions(record.account_id, read)
        await self._hearing.learn(record, found)
        if not read and found:
            # Taken in whole, so that a look that is cut short is a first one again, and answers nothing of before.
            await self._take_in(character, [mention for mention in found if _is_for(record, mention)])
            await self._advance(agent_id, read, found[-1].network_post_id)
            found = []
        for first in range(0, len(found), _AT_ONCE):
            some = found[first : first + _AT_ONCE]
            await self._take_in(character, some)
            last = some[-1].network_post_id
            await self._advance(agent_id, read, last)
            read = last
        if is_hindered:
            await self._journal.relieve(agent_id, READING, name, REPLY, Trigger.SCHEDULE)

    async def _take_in(self, character: Character, mentions: Sequence[Mention]) -> None:
        """Hear mentions; plan the answer to each that is to have one, and log the others."""
        agent_id = character.record.id
        tasks = {reply_id(agent_id, mention): ReplyTask(agent_id, mention) for mention in mentions}
        # What was logged isn't considered again: on another day there would be room for an answer.
        logged = await self._journal.logged(list(tasks))
        silent: dict[str, Entry] = {}
        for workflow_id, task in tasks.items():
            if workflow_id in logged:
                continue
            considered = await self._considered(workflow_id, task)
            if isinstance(considered, Passed):
                grounds = Grounds(occasion=occasion_of(workflow_id, task))
                silent[workflow_id] = Entry(considered, grounds, REPLY, Trigger.MENTION)
            else:
                await self._plan(character, workflow_id, considered)
        if silent:
            await self._journal.record(agent_id, "end", silent)

    async def _considered(self, workflow_id: str, task: ReplyTask) -> ReplyTask | Passed:
        try:
            heard = await self._hearing.hear(workflow_id, task)
            return await self._governors.admit(workflow_id, task, heard) or replace(task, heard=heard)
        except RetryLater:
            raise
        except Exception:
            # It will fail in its own workflow, which says so, and keeps no other mention waiting.
            log.warning("a mention can't be considered", extra={"workflow_id": workflow_id}, exc_info=True)
            return task

    async def _plan(self, character: Character, workflow_id: str, task: ReplyTask) -> None:
        rng = random.Random(f"{workflow_id}/due")
        due_time = reply_due(task.mention.create_time, character.persona.behavior, self._cast.now(), self._speed, rng)
        entry = ScheduleEntry(
            agent_id=task.agent_id, kind=REPLY, key=task.mention.network_post_id, due_time=due_time, task=task
        )
        async with self._store.writing() as records:
            await records.plan(entry)
            await records.commit()

    async def _advance(self, agent_id: str, before: str, after: str) -> None:
        """Move the cursor on, unless another reader has moved it."""
        async with self._store.writing() as records:
            await records.move_mention_cursor(agent_id, before, after)
            await records.commit()

    async def _log_failure(self, agent_id: str, name: str, error: DependencyUnavailable | Refused) -> None:
        is_long = error.retry_after >= TOLD_SECONDS
        retry_time = self._cast.now() + timedelta(seconds=error.retry_after) if is_long else None
        cause = error.because if isinstance(error, DependencyUnavailable) else ""
        cause = cause if cause != error.reason else ""
        failed = Failed(READING, error.reason, error.message, cause=cause, retry_time=retry_time)
        await self._journal.hinder(
            name,
            Entry(failed, behaviour=REPLY, trigger=Trigger.SCHEDULE, moods=(SocialEvent.FAILED,)),
            Hindrance(
                agent_id=agent_id,
                aim=READING,
                cause=failed.cause or failed.reason,
                words=failed.message,
                begin_time=self._journal.now(),
                retry_time=retry_time,
            ),
            is_told_once=True,
        )


def reply_id(agent_id: str, mention: Mention) -> str:
    """Return the id of the workflow that answers a mention, which is the name of all that comes of the mention."""
    return f"{REPLY}/{agent_id}/{mention.network_post_id}"


def _is_for(record: AgentRecord, mention: Mention) -> bool:
    """Say whether a mention came after the character; its account may be older."""
    return mention.create_time >= record.create_time - _CLOCK_SKEW
