"""What holds agents back: how often they answer whom, and how soon they try again what has failed.

Answers are counted before anything is written, since writing costs: each once for its workflow, in one transaction with
the limits that it counts against.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from services.agents.domain.records import Passed, PassReason, Trigger
from services.agents.domain.tasks import Heard, Mention, ReplyTask
from services.agents.ports.store import Records, Store
from services.agents.service.allowance import Allowance, replies_of, turn_of
from services.agents.service.cast import Cast, Character
from services.runtime.idempotency import RequestKey

MAX_REPLIES_TO_A_FELLOW = 2
MAX_REPLIES_TO_A_STRANGER = 3
"""In one conversation. Two characters that answer each other would otherwise never end."""

_FELLOWS, _STRANGERS = ":characters", ""
"""In the place of a counterpart: all of them together. Nobody is called so."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of an agent others may use up: replies and model calls in a day of its own time, and replies at once.

    `age` is how old a mention may be.
    """

    to_one: int
    to_fellows: int
    to_strangers: int
    calls_for_strangers: int
    strangers_at_once: int
    age: timedelta


@dataclass(frozen=True, slots=True)
class Case:
    """A reply that an agent would give, or, without a mention, a remark on what strangers wrote."""

    workflow_id: str
    character: Character
    heard: Heard
    now: datetime
    day: int
    """The number of the day by the agent's own clock."""
    mention: Mention | None = None

    @property
    def agent_id(self) -> str:
        """Who would say it."""
        return self.character.record.id


class Governor(Protocol):
    """Holds replies back."""

    async def refusal(self, records: Records, case: Case) -> Passed | None:
        """Return why there is to be no reply; None when this lets it be, and then it is counted, if it counts."""
        ...


class Activity:
    """Nobody who was stopped, or has no account, replies."""

    async def refusal(self, _records: Records, case: Case) -> Passed | None:
        """Return that the agent is stopped."""
        record = case.character.record
        return None if record.is_active and record.account_id else _passed(case, PassReason.STOPPED)


class Age:
    """What was said long ago stays without a reply."""

    def __init__(self, limit: timedelta) -> None:
        self._limit = limit

    async def refusal(self, _records: Records, case: Case) -> Passed | None:
        """Return that the mention is too old."""
        is_old = case.mention is not None and case.now - case.mention.create_time > self._limit
        return _passed(case, PassReason.TOO_OLD) if is_old else None


class Chance:
    """As many mentions are answered as the persona's `reply_probability` says, the same whenever it is asked."""

    async def refusal(self, _records: Records, case: Case) -> Passed | None:
        """Return that chance has it so."""
        is_lucky = random.Random(case.workflow_id).random() < case.character.persona.behavior.reply_probability
        return None if is_lucky else _passed(case, PassReason.BY_CHANCE)


class PerConversation:
    """So many replies to one counterpart in one conversation, and fewer between characters."""

    async def refusal(self, records: Records, case: Case) -> Passed | None:
        """Count one more in the conversation."""
        if case.mention is None:
            return None
        limit = MAX_REPLIES_TO_A_FELLOW if case.heard.is_fellow else MAX_REPLIES_TO_A_STRANGER
        scope, whom = case.mention.conversation_id, case.heard.counterpart
        return await _counted(records, case, scope, whom, limit, PassReason.CONVERSATION_LIMIT)


class PerCounterpart:
    """So many replies to one counterpart in a day."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    async def refusal(self, records: Records, case: Case) -> Passed | None:
        """Count one more to this one."""
        scope, whom = replies_of(case.day), case.heard.counterpart
        return await _counted(records, case, scope, whom, self._limit, PassReason.COUNTERPART_LIMIT)


class PerDay:
    """So many replies to all strangers in a day, who are as many as they like, and fewer to all other characters."""

    def __init__(self, to_fellows: int, to_strangers: int) -> None:
        self._to_fellows = to_fellows
        self._to_strangers = to_strangers

    async def refusal(self, records: Records, case: Case) -> Passed | None:
        """Count one more to them."""
        scope = replies_of(case.day)
        if case.heard.is_fellow:
            return await _counted(records, case, scope, _FELLOWS, self._to_fellows, PassReason.CHARACTERS_LIMIT)
        return await _counted(records, case, scope, _STRANGERS, self._to_strangers, PassReason.STRANGERS_LIMIT)


class ModelCalls:
    """So many calls of the model for strangers in a day."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance

    async def refusal(self, records: Records, case: Case) -> Passed | None:
        """Count the first call of a reply to a stranger."""
        if case.heard.is_fellow or await self._allowance.begin(records, case.agent_id):
            return None
        return _passed(case, PassReason.MODEL_CALLS_LIMIT)


class Governors:
    """Decide whether an agent may answer."""

    def __init__(self, store: Store, cast: Cast, allowance: Allowance, limits: Limits) -> None:
        self._store = store
        self._cast = cast
        self._of_replies: tuple[Governor, ...] = (Activity(), Age(limits.age), Chance())
        # Who asks for an answer doesn't leave it to chance.
        self._of_asked: tuple[Governor, ...] = (Activity(), Age(limits.age))
        self._of_remarks: tuple[Governor, ...] = (Activity(),)
        self._counting: tuple[Governor, ...] = (
            PerConversation(),
            PerCounterpart(limits.to_one),
            PerDay(limits.to_fellows, limits.to_strangers),
            ModelCalls(allowance),
        )

    async def admit(self, workflow_id: str, task: ReplyTask, heard: Heard) -> Passed | None:
        """Count a reply, once for its workflow; a Passed says why there is to be none."""
        character = await self._cast.character(task.agent_id)
        case = Case(workflow_id, character, heard, self._cast.now(), self._cast.day(), task.mention)
        judging = self._of_asked if task.trigger is Trigger.REQUEST else self._of_replies
        return await self._admitted(case, judging, "Reply")

    async def admit_remark(self, workflow_id: str, character: Character, heard: Heard) -> Passed | None:
        """Count a remark on what strangers wrote like a reply to them, once; a Passed says why there is to be none."""
        case = Case(workflow_id, character, heard, self._cast.now(), self._cast.day())
        return await self._admitted(case, self._of_remarks, "Remark")

    async def _admitted(self, case: Case, judging: Sequence[Governor], method: str) -> Passed | None:
        async with self._store.reading() as records:
            for governor in judging:
                if passed := await governor.refusal(records, case):
                    return passed
        # Two mentions may come at once, and the same one twice.
        async with self._store.writing(turn_of(case.agent_id)) as records:
            if await records.claim(RequestKey("", method, case.workflow_id, ""), case.agent_id) is None:
                for governor in self._counting:
                    # What was counted before a limit is reached is not kept: nothing is committed.
                    if passed := await governor.refusal(records, case):
                        return passed
                await records.commit()
        return None


class Cooldown:
    """Has an agent wait before it tries again what has failed: see `Hindrance.wait`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ends(self, agent_ids: Collection[str], aim: str, now: datetime) -> Mapping[str, datetime]:
        """Return until when those of these agents wait that have to, by their ids."""
        async with self._store.reading() as records:
            return await records.retry_times(agent_ids, aim, now)


async def _counted(
    records: Records, case: Case, scope: str, whom: str, limit: int, reason: PassReason
) -> Passed | None:
    is_counted = await records.count(case.agent_id, scope, whom, limit, case.now)
    return None if is_counted else _passed(case, reason, limit)


def _passed(case: Case, reason: PassReason, limit: int = 0) -> Passed:
    # A remark is about what was heard, and said to nobody.
    about = "" if case.mention else case.heard.author_name
    return Passed(reason, about, case.heard.author_name, limit)
