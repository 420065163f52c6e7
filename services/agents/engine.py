"""How agents act: propose, count, perhaps ask a person, carry out, remember, record.

Each is a step of a durable workflow, whose id is the name of all that comes of it: the world sees it once.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

from services.agents.behaviours import AnyBehaviour, Registry
from services.agents.domain.entities import Hindrance
from services.agents.domain.mood import SocialEvent
from services.agents.domain.records import NO_GROUNDS, Failed
from services.agents.domain.tasks import (
    ActionTask,
    ActTask,
    PostTask,
    ReplyTask,
    TradePostTask,
    TradeTask,
    WithdrawTask,
)
from services.agents.ports.stored import Effect, Pass, Progress, Proposal
from services.agents.ports.workflows import Run, StepFailed
from services.agents.service import Entry, Journal, Publisher

_AWAITED_SECONDS = 4.0
"""How long a model's failure is repeated for somebody who waits: a service that is restarted is back by then."""

_OF_THIS_ONE = frozenset((Progress.FAILED.name, Progress.UNDECIDED.name, Progress.UNDER_WAY.name, "INTERNAL"))
"""Reasons that say nothing of what keeps the next one."""

Handler: TypeAlias = Callable[[Run, Any], Awaitable[None]]


class Engine:
    """Runs the tasks of all behaviours."""

    def __init__(self, behaviours: Registry, publisher: Publisher, journal: Journal) -> None:
        self._behaviours = behaviours
        self._publisher = publisher
        self._journal = journal

    def handlers(self) -> Mapping[type, Handler]:
        """Return what runs each kind of task."""
        acting = (PostTask, TradePostTask, ReplyTask, TradeTask, ActTask)
        return {**dict.fromkeys(acting, self.act), WithdrawTask: self.withdraw}

    async def act(self, run: Run, task: ActionTask) -> None:
        """Do what a behaviour proposes."""
        behaviour = self._behaviours.of_task(task)
        async with self._failures(run, behaviour, task):
            is_awaited = isinstance(task, PostTask) and task.is_awaited
            propose = partial(self._proposed, run.id, behaviour, task)
            proposal = await run.step("propose", propose, _AWAITED_SECONDS if is_awaited else None)
            if isinstance(proposal, Pass):
                await self._pass(run, behaviour, task, proposal)
                return
            await self._carry_out(run, run.id, behaviour, task, proposal)

    async def withdraw(self, run: Run, task: WithdrawTask) -> None:
        """Take back what is held back of an agent that was stopped."""
        try:
            await self._publisher.withdraw_held(run, task.agent_id)
        except StepFailed as failed:
            entry = _failure("take back what was held back", "", failed)
            await run.step("fail", lambda: self._journal.record(task.agent_id, "failure", {run.id: entry}))

    async def _proposed(self, name: str, behaviour: AnyBehaviour, task: ActionTask) -> Proposal | Pass:
        proposal: Proposal | Pass = await behaviour.propose(name, task)
        return proposal if isinstance(proposal, Pass) else await behaviour.claim(name, proposal)

    async def _carry_out(
        self, run: Run, name: str, behaviour: AnyBehaviour, task: ActionTask, proposal: Proposal
    ) -> None:
        effect: Effect | Pass = await behaviour.carry_out(run, name, proposal)
        if isinstance(effect, Pass):
            await self._pass(run, behaviour, task, replace(effect, grounds=getattr(proposal, "grounds", NO_GROUNDS)))
            return
        entry = behaviour.record(proposal, effect)
        try:
            await run.step("remember", partial(behaviour.remember, name, proposal, effect))
        except StepFailed:
            # What can't be remembered has happened all the same.
            await self._end(run, behaviour, task, entry, behaviour.aim)
            raise
        await self._end(run, behaviour, task, entry, behaviour.aim)
        await behaviour.follow_up(run, name, proposal, effect)

    @contextlib.asynccontextmanager
    async def _failures(self, run: Run, behaviour: AnyBehaviour, task: ActionTask) -> AsyncIterator[None]:
        """Log that the aim wasn't reached when a step of the block fails."""
        try:
            yield
        except StepFailed as failed:
            whom = task.mention.author_handle if isinstance(task, ReplyTask) else ""
            entry = replace(_failure(behaviour.aim, whom, failed), behaviour=behaviour.kind, trigger=task.trigger)
            if failed.reason in _OF_THIS_ONE:
                await run.step("fail", lambda: self._journal.record(task.agent_id, "failure", {run.id: entry}))
                return
            hindrance = Hindrance(
                agent_id=task.agent_id,
                aim=behaviour.aim,
                cause=failed.cause,
                words=failed.message,
                begin_time=self._journal.now(),
                retry_time=failed.retry_time,
            )
            await run.step("fail", lambda: self._journal.hinder(run.id, entry, hindrance, is_told_once=False))

    async def _pass(self, run: Run, behaviour: AnyBehaviour, task: ActionTask, decision: Pass) -> None:
        await self._end(run, behaviour, task, Entry(decision.passed, decision.grounds))

    async def _end(self, run: Run, behaviour: AnyBehaviour, task: ActionTask, entry: Entry, reached: str = "") -> None:
        entry = replace(entry, behaviour=behaviour.kind, trigger=task.trigger)
        await run.step("end", lambda: self._journal.record(task.agent_id, "end", {run.id: entry}, reached))


def _failure(aim: str, whom: str, failed: StepFailed) -> Entry:
    cause = failed.cause if failed.cause != failed.reason else ""
    event = Failed(aim, failed.reason, failed.message, whom, cause, failed.retry_time)
    return Entry(event, moods=(SocialEvent.FAILED,))
