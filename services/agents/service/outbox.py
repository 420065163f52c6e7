"""The outbox: messages to a person, stored with what they tell of, and sent beside everything else."""

import asyncio
import logging
import random
from datetime import datetime

from services.agents.domain.drafts import DraftRecord, DraftState
from services.agents.domain.notices import Notice, draft_notice
from services.agents.domain.webhooks import MAX_AGE, MAX_WAITING, MessageRecord, MessageState
from services.agents.ports.store import Records, Store
from services.agents.ports.webhooks import WebhookError, WebhookPort
from services.runtime.clock import Clock
from services.runtime.telemetry import Counter

log = logging.getLogger(__name__)

_LOCK = "webhooks"
_AT_ONCE = 8
MESSAGES = Counter("puppet.webhook.messages", "{message}", "Attempts to send a message to the webhook.")


class Outbox:
    """Stores messages, and sends each until the receiver has taken it: once, or under the same id again."""

    def __init__(self, store: Store, webhook: WebhookPort | None, public_url: str, clock: Clock) -> None:
        """Take the receiver, None where there is none, and where the suite's pages are; empty where nowhere."""
        self._store = store
        self._webhook = webhook
        self._public_url = public_url
        self._clock = clock
        self._is_gone = False

    async def tell_of_draft(self, records: Records, draft: DraftRecord) -> None:
        """Store that a draft waits, within the transaction that stores the draft."""
        if self._webhook is not None:
            await self._add(records, draft_notice(draft, self._public_url), draft.expire_time, draft.id)

    async def tell(self, records: Records, notice: Notice) -> None:
        """Store a message within a transaction."""
        if self._webhook is not None:
            await self._add(records, notice, None)

    async def _add(self, records: Records, notice: Notice, useful_until: datetime | None, draft_id: str = "") -> None:
        now = self._clock.now()
        message = MessageRecord(
            body=notice.body(now),
            draft_id=draft_id,
            create_time=now,
            expire_time=min(now + MAX_AGE, useful_until or now + MAX_AGE),
            next_time=now,
        )
        await records.save(message)

    async def deliver(self) -> None:
        """Send what is due, a few messages at the same time; any number of replicas may do this at once."""
        if self._webhook is None or self._is_gone:
            return
        now = self._clock.now()
        async with self._store.reading() as records:
            if not await records.due_messages(now, 1):
                return
        taken = []
        async with self._store.writing(_LOCK) as records:
            for message in await records.due_messages(now, _AT_ONCE):
                if message.expire_time <= now:
                    message.end(MessageState.FAILED)
                elif await _is_overtaken(records, message):
                    message.end(MessageState.OVERTAKEN)
                else:
                    message.lease(now)
                    taken.append(message)
                await records.save(message)
            await records.commit()
        await asyncio.gather(*(self._send(self._webhook, message) for message in taken))

    async def bound(self) -> None:
        """Give up the oldest of more messages than may wait, also while the receiver wants none."""
        is_full = True
        while is_full:
            async with self._store.writing(_LOCK) as records:
                surplus = await records.surplus_messages(MAX_WAITING)
                for message in surplus:
                    message.end(MessageState.FAILED)
                    await records.save(message)
                await records.commit()
            is_full = bool(surplus)

    async def _send(self, webhook: WebhookPort, message: MessageRecord) -> None:
        try:
            await webhook.send(message.id, message.body, self._clock.now())
        except WebhookError as error:
            MESSAGES.add(outcome="gone" if error.is_gone else "failed")
            if error.is_gone and not self._is_gone:
                self._is_gone = True
                log.error("the webhook's receiver wants no more messages: none is sent until the service starts anew")
            await self._settle(message.id, error)
        else:
            MESSAGES.add(outcome="delivered")
            await self._settle(message.id, None)

    async def _settle(self, message_id: str, error: WebhookError | None) -> None:
        async with self._store.writing(_LOCK) as records:
            message = await records.message(message_id)
            if message is None or message.state is not MessageState.WAITING:
                return
            if error is None:
                message.end(MessageState.DELIVERED)
            else:
                luck = random.Random(f"{message.id}/{message.attempts}").random()
                message.fail(str(error), self._clock.now(), error.retry_after, luck)
                told = {"message_id": message.id, "attempts": message.attempts, "why": str(error)}
                log.warning("a message was not taken by the webhook's receiver", extra=told)
            await records.save(message)
            await records.commit()


async def _is_overtaken(records: Records, message: MessageRecord) -> bool:
    """Say whether somebody has decided about the draft that a message tells of."""
    if not message.draft_id:
        return False
    draft = await records.draft(message.draft_id)
    return draft is None or draft.state is not DraftState.WAITING
