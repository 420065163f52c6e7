"""The schedule: what is due becomes a workflow, named after what it is and when it was due."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator
from datetime import datetime

from services.agents.behaviours import Registry
from services.agents.domain.entities import ScheduleEntry
from services.agents.domain.records import Trigger
from services.agents.domain.schedule import awake_due, caught_up, first_due, in_reach, is_forgotten, next_due
from services.agents.domain.tasks import CarryOutTask, NoticeTask, Task, WithdrawTask
from services.agents.ports.store import Store
from services.agents.ports.workflows import Workflows
from services.agents.service import Cast, Cooldown
from services.runtime.clock import Clock
from services.runtime.telemetry import Histogram

log = logging.getLogger(__name__)

_AT_ONCE = 50
_COOLDOWN_SPREAD = 4
"""What has failed of many is tried again within a fourth of the time for which they have waited."""
LATENESS = Histogram(
    "puppet.schedule.lateness", "s", "How late what was due was begun.", (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 600)
)


class Scheduler:
    """Begins what is due. Any number of replicas may do this at once: the same entry makes the same workflow."""

    def __init__(
        self,
        store: Store,
        cast: Cast,
        behaviours: Registry,
        workflows: Workflows,
        cooldown: Cooldown,
        clock: Clock,
        speed: float,
    ) -> None:
        """Take how many hours of the characters pass in one of ours."""
        self._store = store
        self._cast = cast
        self._behaviours = behaviours
        self._workflows = workflows
        self._cooldown = cooldown
        self._clock = clock
        self._speed = speed
        self._under_way: dict[tuple[str, str, str], asyncio.Task[None]] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End what `poll` has begun and not finished when the block ends."""
        try:
            yield
        finally:
            tasks = list(self._under_way.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def poll(self) -> None:
        """Begin each entry that is due; a look that takes long keeps nothing else waiting."""
        free = _AT_ONCE - len(self._under_way)
        if free <= 0:
            return
        async with self._store.reading() as records:
            due = await records.due(self._clock.now(), _AT_ONCE + len(self._under_way))
        new = [entry for entry in due if _key(entry) not in self._under_way]
        for entry in new[:free]:
            key = _key(entry)
            task = self._under_way[key] = asyncio.create_task(self._begin(entry))
            task.add_done_callback(lambda _task, key=key: self._under_way.pop(key))  # type: ignore[misc]

    async def mend(self) -> None:
        """Plan anew what is due later than its longest pause allows: the speed or the clock may have changed."""
        async with self._store.reading() as records:
            planned = await records.recurring()
        for entry in planned:
            try:
                await self._mend(entry)
            except Exception:
                log.exception("could not mend the schedule", extra={"agent_id": entry.agent_id})

    async def _mend(self, entry: ScheduleEntry) -> None:
        character, now = await self._cast.character(entry.agent_id), self._clock.now()
        pauses = self._behaviours.pauses(character.record, character.persona).get(entry.kind)
        if pauses is None:
            await self._drop(entry)
            return
        rng = random.Random(f"{entry.kind}/{entry.agent_id}/{now.isoformat()}")
        due_time = in_reach(pauses, entry.due_time, character.persona.behavior, now, self._speed, rng)
        if due_time != entry.due_time:
            await self._move(entry, due_time)

    async def _begin(self, entry: ScheduleEntry) -> None:
        try:
            await (self._begin_once(entry) if entry.key else self._begin_recurring(entry))
        except Exception:
            # One agent that can't be started must not keep the others waiting.
            log.exception("could not begin what is due", extra={"agent_id": entry.agent_id, "kind": entry.kind})

    async def _begin_once(self, entry: ScheduleEntry) -> None:
        if entry.task is not None:
            name = f"{entry.kind}/{entry.agent_id}/{entry.key}"
            if not _is_by_hand(entry.task):
                due_time = await self._put_off(entry, random.Random(f"{name}/{entry.due_time.isoformat()}"))
                if due_time is not None:
                    await self._move(entry, due_time)
                    return
            self._note_lateness(entry)
            await self._workflows.start(name, entry.task)
        await self._drop(entry)

    async def _put_off(self, entry: ScheduleEntry, rng: random.Random) -> datetime | None:
        """Return when to do instead what is to be done once and is due; None when it is to be done now."""
        now, behavior = self._clock.now(), (await self._cast.character(entry.agent_id)).persona.behavior
        if is_forgotten(entry.due_time, now):
            return caught_up(behavior, now, self._speed, rng)
        aim = behaviour.aim if (behaviour := self._behaviours.get(entry.kind)) else ""
        due_time = awake_due(await self._cooled(entry.agent_id, aim, now, rng), behavior, self._speed, rng)
        return due_time if due_time > now else None

    async def _cooled(self, agent_id: str, aim: str, now: datetime, rng: random.Random) -> datetime:
        """Return when something may be tried again that has failed, and not by all at once; now of anything else."""
        end = await self._cooldown.end(agent_id, aim, now)
        return end + rng.random() * (end - now) / _COOLDOWN_SPREAD if end else now

    async def _begin_recurring(self, entry: ScheduleEntry) -> None:
        character, now = await self._cast.character(entry.agent_id), self._clock.now()
        behaviour = self._behaviours.get(entry.kind)
        pauses = self._behaviours.pauses(character.record, character.persona).get(entry.kind)
        if behaviour is None or pauses is None:
            await self._drop(entry)
            return
        name = f"{entry.kind}/{entry.agent_id}/{entry.due_time.isoformat()}"
        rng = random.Random(name)
        behavior = character.persona.behavior
        if is_forgotten(entry.due_time, now):
            await self._move(entry, first_due(pauses, behavior, now, self._speed, rng))
            return
        if (due_time := awake_due(now, behavior, self._speed, rng)) > now:
            await self._move(entry, due_time)
            return
        next_time = next_due(pauses, behavior, self._clock.now(), self._speed, rng)
        task = behaviour.task(entry.agent_id)
        # A look has no effect, and is how an agent learns that what kept it is over.
        if task and (cooled := await self._cooled(entry.agent_id, behaviour.aim, now, rng)) > now:
            await self._move(entry, min(next_time, awake_due(cooled, behavior, self._speed, rng)))
            return
        self._note_lateness(entry)
        if task is not None:
            await self._workflows.start(name, task)
        # Of several replicas one takes a look; if it dies over that, the next look comes soon enough.
        if await self._move(entry, next_time) and task is None:
            await behaviour.look(entry.agent_id, name)

    async def _move(self, entry: ScheduleEntry, due_time: datetime) -> bool:
        async with self._store.writing() as records:
            is_moved = await records.move(entry, due_time)
            await records.commit()
        return is_moved

    async def _drop(self, entry: ScheduleEntry) -> None:
        async with self._store.writing() as records:
            await records.unplan(entry)
            await records.commit()

    def _note_lateness(self, entry: ScheduleEntry) -> None:
        LATENESS.record((self._clock.now() - entry.due_time).total_seconds(), kind=entry.kind)


def _is_by_hand(task: Task) -> bool:
    """Say whether somebody has asked for it, perhaps by an event, or approved it: then it isn't put off."""
    if isinstance(task, NoticeTask | CarryOutTask | WithdrawTask):
        return True
    return task.trigger not in (Trigger.SCHEDULE, Trigger.MENTION)


def _key(entry: ScheduleEntry) -> tuple[str, str, str]:
    return entry.agent_id, entry.kind, entry.key
