"""What holds agents back: how often they answer whom, counted before anything is written, since writing costs.

Each answer is counted once for its workflow, in one transaction with the limits that it counts against.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from services.agents.domain.records import Passed, PassReason
from services.agents.domain.tasks import Heard, ReplyTask
from services.agents.ports.store import Store
from services.agents.service.allowance import Allowance, replies_of, turn_of
from services.agents.service.cast import Cast
from services.runtime.idempotency import RequestKey

MOST_REPLIES_TO_A_FELLOW = 2
MOST_REPLIES_TO_A_STRANGER = 3
"""In one conversation. Two characters that answer each other would otherwise never end."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of an agent others may use up: replies and model calls in a day of its own time, and replies at once.

    `age` is how old a mention may be.
    """

    to_one: int
    to_strangers: int
    calls_for_strangers: int
    strangers_at_once: int
    age: timedelta


@dataclass(frozen=True, slots=True)
class _Limit:
    scope: str
    counterpart: str
    most: int
    reason: PassReason


class Governors:
    """Decide whether an agent may answer."""

    def __init__(self, store: Store, cast: Cast, allowance: Allowance, limits: Limits) -> None:
        self._store = store
        self._cast = cast
        self._allowance = allowance
        self._limits = limits

    async def admit(self, workflow_id: str, task: ReplyTask, heard: Heard) -> Passed | None:
        """Count a reply, once for its workflow; a Passed says why there is to be none."""
        character = await self._cast.character(task.agent_id)
        whom = heard.author_name
        if not (character.record.is_active and character.record.account_id):
            return Passed(PassReason.STOPPED, whom=whom)
        if self._cast.now() - task.mention.create_time > self._limits.age:
            return Passed(PassReason.TOO_OLD, whom=whom)
        if random.Random(workflow_id).random() >= character.persona.behavior.reply_probability:
            return Passed(PassReason.BY_CHANCE, whom=whom)
        conversation_id = task.mention.conversation_id
        # Two mentions may come at once, and the same one twice.
        async with self._store.writing(turn_of(task.agent_id)) as records:
            now = self._cast.now()
            if await records.claim(RequestKey("", "Reply", workflow_id, ""), conversation_id) is None:
                for limit in self._counted(conversation_id, heard):
                    # What was counted before a limit is reached is not kept: nothing is committed.
                    if not await records.count(task.agent_id, limit.scope, limit.counterpart, limit.most, now):
                        return Passed(limit.reason, whom=whom, limit=limit.most)
                if not (heard.is_fellow or await self._allowance.begin(records, task.agent_id)):
                    return Passed(PassReason.MODEL_CALLS_LIMIT, whom=whom)
                await records.commit()
        return None

    def _counted(self, conversation_id: str, heard: Heard) -> Iterator[_Limit]:
        """Yield what a reply counts against."""
        in_one = MOST_REPLIES_TO_A_FELLOW if heard.is_fellow else MOST_REPLIES_TO_A_STRANGER
        yield _Limit(conversation_id, heard.counterpart, in_one, PassReason.CONVERSATION_LIMIT)
        today = replies_of(self._cast.day())
        yield _Limit(today, heard.counterpart, self._limits.to_one, PassReason.COUNTERPART_LIMIT)
        if not heard.is_fellow:
            # Fellows have limits of their own, and strangers are as many as they like: together they get so much.
            yield _Limit(today, "", self._limits.to_strangers, PassReason.STRANGERS_LIMIT)
