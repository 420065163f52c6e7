"""The schedule: what is due becomes a workflow, named after what it is and when it was due."""

import asyncio
import logging
import random

from services.agents.domain.entities import ActionKind, ScheduleEntry
from services.agents.domain.schedule import in_reach, next_due
from services.agents.ports.store import Store
from services.agents.ports.stored import MentionsTask, PostTask, Task, TradeTask
from services.agents.ports.workflows import Workflows
from services.agents.service.cast import Cast
from services.runtime.clock import Clock
from services.runtime.telemetry import Histogram

log = logging.getLogger(__name__)

_AT_ONCE = 50
LATENESS = Histogram(
    "puppet.schedule.lateness", "s", "How late what was due was begun.", (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 600)
)


class Scheduler:
    """Starts what is due. Any number of replicas may do this at once: the same entry makes the same workflow."""

    def __init__(self, store: Store, cast: Cast, workflows: Workflows, clock: Clock, speed: float) -> None:
        """Take how many hours of the characters pass in one of ours."""
        self._store = store
        self._cast = cast
        self._workflows = workflows
        self._clock = clock
        self._speed = speed

    async def poll(self) -> None:
        """Start a workflow for each entry that is due, then give the entry its next time."""
        async with self._store.reading() as records:
            due = await records.due(self._clock.now(), _AT_ONCE)
        await asyncio.gather(*map(self._begin, due))

    async def mend(self) -> None:
        """Plan anew what is due later than its longest pause allows: the speed or the clock may have changed."""
        async with self._store.reading() as records:
            planned = await records.planned()
        for entry in planned:
            try:
                await self._mend(entry)
            except Exception:
                log.exception("could not mend the schedule", extra={"agent_id": entry.agent_id})

    async def _mend(self, entry: ScheduleEntry) -> None:
        persona, now = (await self._cast.character(entry.agent_id)).persona, self._clock.now()
        rng = random.Random(f"{entry.kind}/{entry.agent_id}/{now.isoformat()}")
        due_time = in_reach(ActionKind(entry.kind), entry.due_time, persona, now, self._speed, rng)
        if due_time != entry.due_time:
            async with self._store.writing() as records:
                await records.move(entry, due_time)
                await records.commit()

    async def _begin(self, entry: ScheduleEntry) -> None:
        workflow_id = f"{entry.kind}/{entry.agent_id}/{entry.due_time.isoformat()}"
        try:
            LATENESS.record((self._clock.now() - entry.due_time).total_seconds(), kind=entry.kind)
            await self._workflows.start(workflow_id, _task(entry))
            persona = (await self._cast.character(entry.agent_id)).persona
            rng = random.Random(workflow_id)
            next_time = next_due(ActionKind(entry.kind), persona, self._clock.now(), self._speed, rng)
            async with self._store.writing() as records:
                await records.move(entry, next_time)
                await records.commit()
        except Exception:
            # One agent that can't be started must not keep the others waiting.
            log.exception("could not start what is due", extra={"workflow_id": workflow_id})


def _task(entry: ScheduleEntry) -> Task:
    match entry.kind:
        case ActionKind.POST:
            return PostTask(entry.agent_id)
        case ActionKind.REPLY:
            return MentionsTask(entry.agent_id)
        case ActionKind.TRADE:
            return TradeTask(entry.agent_id)
