"""The order of the steps. The world sees each effect once: the workflow's id is its name.

What a workflow does between steps depends on what the steps returned only, since a replay goes the same way again.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from services.agents.domain.entities import ActivityKind, Hindrance
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.mood import SocialEvent
from services.agents.ports.stored import (
    MentionsTask,
    Pass,
    Post,
    PostTask,
    Progress,
    ReplyTask,
    TradeTask,
    WithdrawTask,
)
from services.agents.ports.workflows import Run, StepFailed
from services.agents.service.hearing import READING, Hearing
from services.agents.service.journal import Entry, Journal
from services.agents.service.posting import Posting, posted
from services.agents.service.replying import Replying, replied
from services.agents.service.sifting import Sifting, passed, reply_id
from services.agents.service.trading import Dealing, traded

_SIFTED_AT_ONCE = 50
_AWAITED_SECONDS = 4.0
"""How long a model's failure is repeated for somebody who waits: a service that is restarted is back by then."""

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
_LONGEST_DOUBT_SECONDS = 300.0
_LONGEST_RESEND_SECONDS = 60.0  # each one asks a network that may have said to come back later


class _Effect(Protocol):
    """A post or a trade on its way."""

    @property
    def id(self) -> str: ...
    @property
    def progress(self) -> Progress: ...
    @property
    def reason(self) -> str: ...


POSTING, ANSWERING, TRADING = "post", "answer", "trade"

_OF_THIS_ONE = frozenset((Progress.FAILED.name, Progress.UNDECIDED.name, Progress.UNDER_WAY.name, "INTERNAL"))
"""Reasons that say nothing of what keeps the next one."""

T = TypeVar("T")
EffectT = TypeVar("EffectT", bound=_Effect)


class Flows:
    """The workflows."""

    def __init__(
        self,
        posting: Posting,
        hearing: Hearing,
        replying: Replying,
        dealing: Dealing,
        journal: Journal,
        settle_seconds: float,
    ) -> None:
        """Take how long to wait for an effect whose outcome is not known yet."""
        self._posting = posting
        self._hearing = hearing
        self._replying = replying
        self._sifting = Sifting(hearing, replying, journal)
        self._readers: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._dealing = dealing
        self._journal = journal
        self._settle_seconds = settle_seconds

    async def post(self, run: Run, task: PostTask) -> None:
        """Post something."""
        async with self._failures(run, task.agent_id, POSTING):
            patience = _AWAITED_SECONDS if task.is_awaited else None
            draft = await run.step("write", lambda: self._posting.write(run.id, task), patience)
            if isinstance(draft, Pass):
                await self._pass(run, task.agent_id, draft)
                return
            post = await self._published(run, task.agent_id, draft.text)
            if isinstance(post, Pass):
                await self._pass(run, task.agent_id, post)
                return
            remember = partial(self._posting.remember, run.id, task.agent_id, draft, post)
            await self._done(run, task.agent_id, remember, posted(draft, post), POSTING)

    async def mentions(self, run: Run, task: MentionsTask) -> None:
        """Note every new mention, and start a reply to each that is to be answered."""
        # Who looks again before the last look has ended would hear the same mentions once more.
        async with self._readers[task.agent_id], self._failures(run, task.agent_id, READING, is_told_once=True):
            inbox = await run.step("look", lambda: self._hearing.inbox(task))
            read = inbox.before
            for first in range(0, len(inbox.mentions), _SIFTED_AT_ONCE):
                some = inbox.mentions[first : first + _SIFTED_AT_ONCE]
                shortlist = await run.step("sift", partial(self._sifting.sift, task.agent_id, some))
                for mention in shortlist.mentions:
                    reply = ReplyTask(task.agent_id, mention)
                    await run.start(reply_id(reply), reply)
                last = some[-1].network_post_id
                await run.step("advance", partial(self._hearing.advance, task, read, last))
                read = last
            if read != inbox.after:
                await run.step("advance", partial(self._hearing.advance, task, read, inbox.after))
            if inbox.is_hindered:
                await run.step("relieve", lambda: self._journal.relieve(task.agent_id, READING, run.id))

    async def reply(self, run: Run, task: ReplyTask) -> None:
        """Answer a mention, or decide not to."""
        agent_id = task.agent_id
        async with self._failures(run, agent_id, ANSWERING, task.mention.author_handle):
            heard = await run.step("hear", lambda: self._hearing.hear(run.id, task))
            refusal = await run.step("consider", lambda: self._replying.consider(run.id, task, heard))
            if refusal is not None:
                await self._pass(run, agent_id, refusal)
                return
            async with self._replying.turn(task.agent_id, heard):
                draft = await run.step("write", lambda: self._replying.write(run.id, task, heard))
            if isinstance(draft, Pass):
                await self._pass(run, agent_id, draft)
                return
            post = await self._published(run, agent_id, draft.text, task.mention.network_post_id)
            if isinstance(post, Pass):
                await self._pass(run, agent_id, post)
                return
            feelings = await run.step("feel", lambda: self._replying.feelings(task, heard))
            remember = partial(self._replying.remember, run.id, task, heard, draft, post)
            await self._done(run, agent_id, remember, replied(heard, draft, post, feelings), ANSWERING)

    async def trade(self, run: Run, task: TradeTask) -> None:
        """Consider a trade, make it, and perhaps tell of it."""
        agent_id = task.agent_id
        async with self._failures(run, agent_id, TRADING):
            order = await run.step("decide", lambda: self._dealing.decide(run.id, agent_id))
            if isinstance(order, Pass):
                await self._pass(run, agent_id, order)
                return
            trade = await self._settled(run, lambda: self._dealing.execute(run.id, agent_id, order), self._dealing.look)
            if isinstance(trade, Pass):
                await self._pass(run, agent_id, trade)
                return
            remember = partial(self._dealing.remember, run.id, agent_id, order, trade)
            await self._done(run, agent_id, remember, traded(order, trade), TRADING)
            telling = await run.step("tell", lambda: self._dealing.telling(run.id, agent_id, order, trade))
            if telling is not None:
                await run.start(f"{run.id}/post", telling)

    async def withdraw(self, run: Run, task: WithdrawTask) -> None:
        """Take back what is held back of an agent that was stopped."""
        async with self._failures(run, task.agent_id, "take back what was held back"):
            await _persistent(run, "withdraw", lambda: self._posting.withdraw_held(task.agent_id))

    async def _published(self, run: Run, agent_id: str, text: str, in_reply_to: str = "") -> Post | Pass:
        """Publish, and wait until the post is settled; a Pass says why nothing was sent.

        Raises StepFailed when it isn't on the network and won't be: what is held for too long is taken back, and what
        may have been sent is waited for until that is known or nobody looks any more.
        """
        try:
            send = partial(self._posting.publish, run.id, agent_id, text, in_reply_to)
            return await self._settled(run, send, self._posting.look)
        except StepFailed as failed:
            if failed.reason == Progress.FAILED.name:
                raise
            return await self._taken_back(run, agent_id, failed)

    async def _taken_back(self, run: Run, agent_id: str, failed: StepFailed) -> Post:
        """Take a post back; return it when it turns out to be on the network, else raise why it isn't."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            post = await _persistent(run, "withdraw", partial(self._posting.withdraw, run.id, agent_id))
            if post is None or post.progress in (Progress.FAILED, Progress.UNDECIDED):
                raise failed
            if post.progress is Progress.SETTLED:
                return post
            await run.sleep(pause)
            pause = min(2 * pause, _LONGEST_DOUBT_SECONDS)

    async def _settled(
        self, run: Run, send: Callable[[], Awaitable[EffectT | Pass]], look: Callable[[str], Awaitable[EffectT]]
    ) -> EffectT | Pass:
        """Send, and wait until the effect is settled; a Pass says why nothing was sent.

        Raises StepFailed when the effect failed, or isn't settled for long.
        """
        effect: EffectT | None = None
        waited, pause = 0.0, _FIRST_PAUSE_SECONDS
        while True:
            try:
                if effect:
                    effect = await run.step("look", partial(look, effect.id))
                else:
                    sent = await run.step("send", send)
                    if isinstance(sent, Pass):
                        return sent
                    effect = sent
            except StepFailed as failed:
                # It may have been taken, to happen later: it is asked for again, by the same name.
                if failed.reason != DependencyUnavailable.reason or waited >= self._settle_seconds:
                    raise
            if effect and (effect.progress is not Progress.UNDER_WAY or waited >= self._settle_seconds):
                break
            await run.sleep(pause)
            longest = _LONGEST_PAUSE_SECONDS if effect else _LONGEST_RESEND_SECONDS
            waited, pause = waited + pause, min(2 * pause, longest)
        if effect.progress is not Progress.SETTLED:
            raise StepFailed(effect.progress.name, effect.reason or "its outcome is not known yet")
        return effect

    @contextlib.asynccontextmanager
    async def _failures(
        self, run: Run, agent_id: str, aim: str, whom: str = "", *, is_told_once: bool = False
    ) -> AsyncIterator[None]:
        """Log that the aim wasn't reached when a step of the block fails; for the same cause once, if so asked for."""
        try:
            yield
        except StepFailed as failed:
            entry = _failure(f"could not {aim} {whom}".rstrip(), failed)
            if failed.reason in _OF_THIS_ONE and not is_told_once:
                await run.step("fail", lambda: self._journal.record(agent_id, "failure", {run.id: entry}))
                return
            hindrance = Hindrance(
                agent_id=agent_id,
                aim=aim,
                cause=failed.cause,
                words=failed.message,
                begin_time=self._journal.now(),
                retry_time=failed.retry_time,
            )
            hinder = partial(self._journal.hinder, run.id, entry, hindrance, is_told_once=is_told_once)
            await run.step("fail", hinder)

    async def _pass(self, run: Run, agent_id: str, decision: Pass) -> None:
        await self._end(run, agent_id, passed(decision))

    async def _done(
        self, run: Run, agent_id: str, remember: Callable[[], Awaitable[None]], entry: Entry, aim: str
    ) -> None:
        """Remember a settled effect and log it; what can't be remembered has happened all the same."""
        try:
            await run.step("remember", remember)
        except StepFailed:
            await self._end(run, agent_id, entry, aim)
            raise
        await self._end(run, agent_id, entry, aim)

    async def _end(self, run: Run, agent_id: str, entry: Entry, reached: str = "") -> None:
        await run.step("end", lambda: self._journal.record(agent_id, "end", {run.id: entry}, reached))


def _failure(summary: str, failed: StepFailed) -> Entry:
    details, reason = {"error": failed.reason}, failed.message
    if failed.cause != failed.reason:
        details["cause"] = failed.cause
    if failed.retry_time is not None:
        details["retry_time"] = failed.retry_time.isoformat(timespec="seconds")
        reason = f"{reason}; it is tried again after {failed.retry_time:%Y-%m-%d %H:%M} UTC"
    return Entry(ActivityKind.FAILURE, summary, reason, details, (SocialEvent.FAILED,))


async def _persistent(run: Run, name: str, action: Callable[[], Awaitable[T]]) -> T:
    """Do this step until the other service answers. Raises StepFailed when it refuses."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await run.step(name, action)
        except StepFailed as failed:
            if failed.reason != DependencyUnavailable.reason:
                raise
        await run.sleep(pause)
        pause = min(2 * pause, _LONGEST_DOUBT_SECONDS)
