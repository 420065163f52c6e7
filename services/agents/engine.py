"""How agents act: propose, perhaps ask a person, carry out, remember, record.

Each is a step of a durable workflow. The id of the workflow that proposed is the name of all that comes of it: the
world sees it once. Approval only decides who begins the second half.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from services.agents.behaviours import AnyBehaviour, Registry
from services.agents.domain.drafts import DraftState
from services.agents.domain.entities import Hindrance
from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.mood import SocialEvent
from services.agents.domain.occasions import Occasion
from services.agents.domain.proposals import Kept, Pass, Proposal
from services.agents.domain.records import NO_GROUNDS, Failed, Trigger
from services.agents.domain.tasks import (
    ActionTask,
    ActTask,
    CarryOutTask,
    NoticeTask,
    PostTask,
    RemarkTask,
    ReplyTask,
    TradePostTask,
    TradeTask,
    WithdrawTask,
    occasion_of,
)
from services.agents.ports.stored import Effect, Progress
from services.agents.ports.workflows import Run, StepFailed
from services.agents.service import NOTICE, Cast, Drafts, Entry, Journal, Noticing, Publisher
from services.runtime.errors import InvalidRequest, Unavailable

_AWAITED_SECONDS = 4.0
"""How long a model's failure is repeated for somebody who waits: a service that is restarted is back by then."""

_ANSWER_SECONDS = 1200.0
"""How long an answer is proposed again while something that it takes is away, the attempts themselves not counted."""
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 60.0
_PASSING = frozenset((DependencyUnavailable.reason, Unavailable.reason))

_OF_THIS_ONE = frozenset(
    (Progress.FAILED.name, Progress.UNDECIDED.name, Progress.UNDER_WAY.name, "INTERNAL", InvalidRequest.reason)
)
"""Reasons that say nothing of what keeps the next one."""

Handler: TypeAlias = Callable[[Run, Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Act:
    """One thing that an agent does: by whose behaviour, under which name, begun for what, and perhaps for whom."""

    behaviour: AnyBehaviour
    name: str
    agent_id: str
    trigger: Trigger
    whom: str = ""
    occasion: Occasion | None = None


class Engine:
    """Runs the tasks of all behaviours."""

    def __init__(
        self,
        behaviours: Registry,
        cast: Cast,
        drafts: Drafts,
        noticing: Noticing,
        publisher: Publisher,
        journal: Journal,
    ) -> None:
        self._noticing = noticing
        self._behaviours = behaviours
        self._cast = cast
        self._drafts = drafts
        self._publisher = publisher
        self._journal = journal

    def handlers(self) -> Mapping[type, Handler]:
        """Return what runs each kind of task."""
        acting = (PostTask, TradePostTask, ReplyTask, TradeTask, RemarkTask, ActTask)
        others: dict[type, Handler] = {
            CarryOutTask: self.carry_out,
            NoticeTask: self.notice,
            WithdrawTask: self.withdraw,
        }
        return {**dict.fromkeys(acting, self.act), **others}

    async def act(self, run: Run, task: ActionTask) -> None:
        """Do what a behaviour proposes, or keep it for a person."""
        whom = task.mention.author_handle if isinstance(task, ReplyTask) else ""
        occasion = occasion_of(run.id, task)
        act = _Act(self._behaviours.of_task(task), run.id, task.agent_id, task.trigger, whom, occasion)
        async with self._failures(run, act):
            proposal = await self._proposal(run, act, task)
            if isinstance(proposal, Pass):
                await self._pass(run, act, proposal)
            elif not isinstance(proposal, Kept):
                await self._done(run, act, proposal)

    async def carry_out(self, run: Run, task: CarryOutTask) -> None:
        """Do what a person has approved."""
        behaviour = self._behaviours.get(task.kind)
        if behaviour is None:
            await run.repeat("close", lambda: self._drafts.close(task.draft_id, DraftState.FAILED))
            return
        act = _Act(behaviour, task.name, task.agent_id, task.trigger)
        state = DraftState.FAILED
        async with self._failures(run, act):
            proposal = await run.step("propose", partial(self._approved, act, task.draft_id))
            if isinstance(proposal, Pass):
                await self._pass(run, act, proposal)
            elif await self._done(run, act, proposal):
                state = DraftState.CARRIED_OUT
        await run.repeat("close", lambda: self._drafts.close(task.draft_id, state))

    async def notice(self, run: Run, task: NoticeTask) -> None:
        """Let an event reach an agent, and begin what comes of it."""
        try:
            reaction = await run.step("notice", partial(self._noticing.notice, run.id, task))
        except StepFailed as failed:
            entry = replace(_failure("take in an event", "", failed), behaviour=NOTICE, trigger=Trigger.EVENT)
            await run.repeat("fail", lambda: self._journal.record(task.agent_id, "failure", {run.id: entry}))
            return
        if reaction is not None:
            kind = self._behaviours.of_task(reaction).kind
            await run.start(run.id.replace(NOTICE, kind, 1), reaction)

    async def withdraw(self, run: Run, task: WithdrawTask) -> None:
        """Take back what is held back of an agent that was stopped."""
        try:
            await self._publisher.withdraw_held(run, task.agent_id)
        except StepFailed as failed:
            entry = _failure("take back what was held back", "", failed)
            await run.repeat("fail", lambda: self._journal.record(task.agent_id, "failure", {run.id: entry}))

    async def _proposal(self, run: Run, act: _Act, task: ActionTask) -> Proposal | Pass | Kept:
        """Return what a behaviour proposes. Raises StepFailed.

        An answer is proposed again for a while when something was away: nothing would ask for it once more.
        """
        is_awaited = isinstance(task, PostTask | ReplyTask) and task.is_awaited
        waited, pause = 0.0, _FIRST_PAUSE_SECONDS
        while True:
            try:
                propose = partial(self._proposed, act, task)
                return await run.step("propose", propose, _AWAITED_SECONDS if is_awaited else None)
            except StepFailed as failed:
                is_passing = failed.reason in _PASSING and failed.retry_time is None
                if is_awaited or not (is_passing and isinstance(task, ReplyTask) and waited < _ANSWER_SECONDS):
                    raise
            await run.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _proposed(self, act: _Act, task: ActionTask) -> Proposal | Pass | Kept:
        behaviour = act.behaviour
        proposal: Proposal | Pass = await behaviour.propose(act.name, task)
        proposal = replace(proposal, grounds=replace(proposal.grounds, occasion=act.occasion))
        if isinstance(proposal, Pass):
            return proposal
        claimed: Proposal | Pass = await behaviour.claim(act.name, proposal)
        if isinstance(claimed, Pass):
            return claimed
        persona = (await self._cast.character(act.agent_id)).persona
        if not behaviour.needs_approval(persona):
            return claimed
        return Kept(await self._drafts.keep(act.name, behaviour.kind, act.trigger, claimed))

    async def _approved(self, act: _Act, draft_id: str) -> Proposal | Pass:
        # Its words may have been said elsewhere while it waited.
        claimed: Proposal | Pass = await act.behaviour.claim(act.name, await self._drafts.load(draft_id))
        return claimed

    async def _done(self, run: Run, act: _Act, proposal: Proposal) -> bool:
        """Carry a proposal out; False when nothing was done."""
        behaviour = act.behaviour
        effect: Effect | Pass = await behaviour.carry_out(run, act.name, proposal)
        if isinstance(effect, Pass):
            await self._pass(run, act, replace(effect, grounds=proposal.grounds))
            return False
        entry, do = behaviour.record(proposal, effect), run.step if behaviour.follows_up else run.repeat
        try:
            await do("remember", partial(behaviour.remember, act.name, proposal, effect))
        except StepFailed as failed:
            # What can't be remembered has happened all the same.
            await self._end(run, act, entry, behaviour.aim)
            await self._fail(run, act, failed)
            return True
        await do("end", self._ending(act, entry, behaviour.aim))
        await behaviour.follow_up(run, act.name, proposal, effect)
        return True

    @contextlib.asynccontextmanager
    async def _failures(self, run: Run, act: _Act) -> AsyncIterator[None]:
        """Log that the aim wasn't reached when a step of the block fails."""
        try:
            yield
        except StepFailed as failed:
            await self._fail(run, act, failed)

    async def _fail(self, run: Run, act: _Act, failed: StepFailed) -> None:
        aim = act.behaviour.aim
        grounds = replace(NO_GROUNDS, occasion=act.occasion)
        kind, trigger = act.behaviour.kind, act.trigger
        entry = replace(_failure(aim, act.whom, failed), grounds=grounds, behaviour=kind, trigger=trigger)
        if failed.reason in _OF_THIS_ONE:
            await run.repeat("fail", lambda: self._journal.record(act.agent_id, "failure", {act.name: entry}))
            return
        hindrance = Hindrance(
            agent_id=act.agent_id,
            aim=aim,
            cause=failed.cause,
            words=failed.message,
            begin_time=self._journal.now(),
            retry_time=failed.retry_time,
        )
        await run.repeat("fail", lambda: self._journal.hinder(act.name, entry, hindrance, is_told_once=False))

    async def _pass(self, run: Run, act: _Act, decision: Pass) -> None:
        await self._end(run, act, Entry(decision.passed, decision.grounds))

    async def _end(self, run: Run, act: _Act, entry: Entry, reached: str = "") -> None:
        await run.repeat("end", self._ending(act, entry, reached))

    def _ending(self, act: _Act, entry: Entry, reached: str) -> Callable[[], Awaitable[None]]:
        entry = replace(entry, behaviour=act.behaviour.kind, trigger=act.trigger)
        return partial(self._journal.record, act.agent_id, "end", {act.name: entry}, reached)


def _failure(aim: str, whom: str, failed: StepFailed) -> Entry:
    cause = failed.cause if failed.cause != failed.reason else ""
    event = Failed(aim, failed.reason, failed.message, whom, cause, failed.retry_time)
    return Entry(event, moods=(SocialEvent.FAILED,))
