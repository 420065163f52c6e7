"""The schedule: what is due becomes a workflow, named after what it is and when it was due."""

import asyncio
import contextlib
import logging
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.agents.behaviours import AnyBehaviour, Registry
from services.agents.domain.entities import AgentRecord, ScheduleEntry
from services.agents.domain.records import Trigger
from services.agents.domain.schedule import (
    CROWDED,
    awake_due,
    caught_up,
    first_due,
    in_reach,
    is_forgotten,
    next_due,
    spread_of,
)
from services.agents.domain.tasks import CarryOutTask, NoticeTask, Task, WithdrawTask
from services.agents.ports.store import Store
from services.agents.ports.workflows import Workflows
from services.agents.rhythms import Rhythm, Rhythms
from services.agents.service import Cast, Cooldown
from services.runtime.clock import Clock
from services.runtime.pages import Page
from services.runtime.telemetry import Histogram

log = logging.getLogger(__name__)

_AT_ONCE = 50
_RUNNING_LIMIT = 24
"""Workflows of one kind in this process; more at once end no sooner, and what is due waits in the schedule."""
_PAGE = 200
_MARK = "mended"
_SET_BACK = timedelta(minutes=1)
"""By so much clocks of replicas may differ."""
_COOLDOWN_SPREAD = 4
"""What has failed of many is tried again within a fourth of the time for which they have waited."""
_NOT_BEGUN = "could not begin what is due"
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
        self._rhythms = Rhythms(cast, behaviours)
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
        load = Counter(kind for kind, _ in map(_whose, self._workflows.under_way()))
        load.update(kind for _, kind, _ in self._under_way)
        full = [kind for kind, number in load.items() if number >= _RUNNING_LIMIT]
        async with self._store.reading() as records:
            due = await records.due(self._clock.now(), _AT_ONCE + len(self._under_way), full=full)
        new = [entry for entry in due if _key(entry) not in self._under_way]
        looks: defaultdict[str, list[ScheduleEntry]] = defaultdict(list)
        deeds: defaultdict[str, list[ScheduleEntry]] = defaultdict(list)
        for entry in new[:free]:
            behaviour = None if entry.key else self._behaviours.get(entry.kind)
            if behaviour is not None and behaviour.task(entry.agent_id) is None:
                looks[entry.kind].append(entry)
            elif load[entry.kind] < _RUNNING_LIMIT:
                load[entry.kind] += 1
                if entry.key:
                    self._run(self._begin_once(entry), [entry])
                else:
                    deeds[entry.kind].append(entry)
        for kind, entries in looks.items():
            self._run(self._look(kind, entries), entries)
        for kind, entries in deeds.items():
            self._run(self._begin_recurring(kind, entries), entries)

    def _run(self, beginning: Coroutine[Any, Any, None], entries: Sequence[ScheduleEntry]) -> None:
        task, keys = asyncio.create_task(beginning), [_key(entry) for entry in entries]
        self._under_way.update(dict.fromkeys(keys, task))
        task.add_done_callback(lambda _task: [self._under_way.pop(key) for key in keys])

    async def _look(self, kind: str, entries: Sequence[ScheduleEntry]) -> None:
        """Take the looks of one kind that are due, which together cost as many statements as one."""
        try:
            async with self._store.reading() as records:
                rhythms = await self._rhythms.of(records, kind, [entry.agent_id for entry in entries])
            moves, names = list[tuple[ScheduleEntry, datetime]](), dict[str, str]()
            for entry in entries:
                if (rhythm := rhythms.get(entry.agent_id)) is None:
                    await self._drop(entry)
                    continue
                due_time, is_now = self._next_look(entry, rhythm)
                moves.append((entry, due_time))
                if is_now:
                    self._note_lateness(entry)
                    names[entry.agent_id] = _name(entry)
            # Of several replicas one takes a look; if it dies over that, the next look comes soon enough.
            async with self._store.writing() as records:
                moved = {entry.agent_id for entry in await records.move_all(moves)}
                await records.commit()
            behaviour = self._behaviours.get(kind)
            if behaviour is not None and (mine := {one: name for one, name in names.items() if one in moved}):
                await behaviour.look(mine)
        except Exception:
            log.exception("could not look", extra={"kind": kind})

    def _next_look(self, entry: ScheduleEntry, rhythm: Rhythm) -> tuple[datetime, bool]:
        """Return when to look again, and whether to look now."""
        now, rng = self._clock.now(), random.Random(_name(entry))
        if is_forgotten(entry.due_time, now):
            return first_due(rhythm.pauses, rhythm.behavior, now, self._speed, rng), False
        if (due_time := awake_due(now, rhythm.behavior, self._speed, rng)) > now:
            return due_time, False
        return next_due(rhythm.pauses, rhythm.behavior, now, self._speed, rng), True

    async def mend(self) -> None:
        """Plan anew what is due later than its longest pause allows, if the speed is another, or the clock set back."""
        now = self._clock.now()
        async with self._store.reading() as records:
            speed, _, time = (await records.mark(_MARK)).partition(" ")
        is_same = speed == f"{self._speed:g}" and datetime.fromisoformat(time) <= now + _SET_BACK
        after, is_last = None, is_same
        while not is_last:
            async with self._store.reading() as records:
                page = await records.recurring(Page(_PAGE, after))
                agents = await records.agents_of(list({entry.agent_id for entry in page.rows}))
            await self._mend({agent.id: agent for agent in agents}, page.rows)
            after, is_last = page.next_key, page.next_key is None
        async with self._store.writing() as records:
            await records.set_mark(_MARK, f"{self._speed:g} {now.isoformat()}")
            await records.commit()

    async def _mend(self, agents: Mapping[str, AgentRecord], entries: Sequence[ScheduleEntry]) -> None:
        now = self._clock.now()
        moves = list[tuple[ScheduleEntry, datetime]]()
        for entry in entries:
            if (agent := agents.get(entry.agent_id)) is None:
                continue
            persona = self._cast.persona(agent)
            if (pauses := self._behaviours.pauses(agent, persona).get(entry.kind)) is None:
                await self._drop(entry)
                continue
            rng = random.Random(f"{entry.kind}/{entry.agent_id}/{now.isoformat()}")
            due_time = in_reach(pauses, entry.due_time, persona.behavior, now, self._speed, rng)
            if due_time != entry.due_time:
                moves.append((entry, due_time))
        await self._move_all(moves)

    async def _begin_once(self, entry: ScheduleEntry) -> None:
        try:
            if entry.task is not None:
                name = f"{entry.kind}/{entry.agent_id}/{entry.key}"
                if not _is_by_hand(entry.task):
                    due_time = await self._put_off(entry, random.Random(f"{name}/{entry.due_time.isoformat()}"))
                    if due_time is not None:
                        await self._move_all([(entry, due_time)])
                        return
                self._note_lateness(entry)
                await self._workflows.start(name, entry.task)
            await self._drop(entry)
        except Exception:
            log.exception(_NOT_BEGUN, extra={"agent_id": entry.agent_id, "kind": entry.kind})

    async def _put_off(self, entry: ScheduleEntry, rng: random.Random) -> datetime | None:
        """Return when to do instead what is to be done once and is due; None when it is to be done now."""
        now, behavior = self._clock.now(), (await self._cast.character(entry.agent_id)).persona.behavior
        if is_forgotten(entry.due_time, now):
            return caught_up(behavior, now, self._speed, rng)
        aim = behaviour.aim if (behaviour := self._behaviours.get(entry.kind)) else ""
        cooling = (await self._cooldown.ends([entry.agent_id], aim, now)).get(entry.agent_id)
        due_time = awake_due(_cooled(cooling, now, rng), behavior, self._speed, rng)
        return due_time if due_time > now else None

    async def _begin_recurring(self, kind: str, entries: Sequence[ScheduleEntry]) -> None:
        """Begin what of one kind is due, which together costs as many statements as one, but for the workflows."""
        try:
            behaviour, now = self._behaviours.get(kind), self._clock.now()
            agent_ids = [entry.agent_id for entry in entries]
            async with self._store.reading() as records:
                agents = {agent.id: agent for agent in await records.agents_of(agent_ids)}
            cooling = await self._cooldown.ends(agent_ids, behaviour.aim, now) if behaviour else {}

            async def begin(entry: ScheduleEntry) -> tuple[ScheduleEntry, datetime] | None:
                agent = agents.get(entry.agent_id)
                if behaviour is None or agent is None:
                    await self._drop(entry)
                    return None
                due_time = await self._next_deed(behaviour, agent, entry, now, cooling.get(agent.id))
                return None if due_time is None else (entry, due_time)

            # One agent that can't be started must not keep the others waiting.
            begun = await asyncio.gather(*map(begin, entries), return_exceptions=True)
            for entry, outcome in zip(entries, begun, strict=True):
                if isinstance(outcome, Exception):
                    told = {"agent_id": entry.agent_id, "kind": kind}
                    log.error(_NOT_BEGUN, exc_info=outcome, extra=told)
            await self._move_all([move for move in begun if isinstance(move, tuple)])
        except Exception:
            log.exception(_NOT_BEGUN, extra={"kind": kind})

    async def _next_deed(
        self, behaviour: AnyBehaviour, agent: AgentRecord, entry: ScheduleEntry, now: datetime, cooling: datetime | None
    ) -> datetime | None:
        """Do it now unless it is put off, and return when it is due next; None when it isn't at all."""
        persona = self._cast.persona(agent)
        if (pauses := self._behaviours.pauses(agent, persona).get(entry.kind)) is None:
            await self._drop(entry)
            return None
        if (task := behaviour.task(agent.id)) is None:
            return None
        name, behavior = _name(entry), persona.behavior
        rng = random.Random(name)
        if is_forgotten(entry.due_time, now):
            return first_due(pauses, behavior, now, self._speed, rng, await self._spread(now))
        if (due_time := awake_due(now, behavior, self._speed, rng)) > now:
            return due_time
        next_time = next_due(pauses, behavior, now, self._speed, rng)
        # A look isn't put off by this: it has no effect, and is how an agent learns that what kept it is over.
        if (cooled := _cooled(cooling, now, rng)) > now:
            return min(next_time, awake_due(cooled, behavior, self._speed, rng))
        # Whoever is still at the last one leaves this one out.
        if (entry.kind, entry.agent_id) not in map(_whose, self._workflows.under_way()):
            self._note_lateness(entry)
            await self._workflows.start(name, task)
        return next_time

    async def _spread(self, now: datetime) -> timedelta:
        async with self._store.reading() as records:
            return spread_of(await records.planned_until(now + CROWDED))

    async def _move_all(self, moves: Sequence[tuple[ScheduleEntry, datetime]]) -> None:
        if moves:
            async with self._store.writing() as records:
                await records.move_all(moves)
                await records.commit()

    async def _drop(self, entry: ScheduleEntry) -> None:
        async with self._store.writing() as records:
            await records.unplan(entry)
            await records.commit()

    def _note_lateness(self, entry: ScheduleEntry) -> None:
        LATENESS.record((self._clock.now() - entry.due_time).total_seconds(), kind=entry.kind)


def _cooled(end: datetime | None, now: datetime, rng: random.Random) -> datetime:
    """Return when something may be tried again that has failed, and not by all at once; now of anything else."""
    return end + rng.random() * (end - now) / _COOLDOWN_SPREAD if end else now


def _is_by_hand(task: Task) -> bool:
    """Say whether somebody has asked for it, perhaps by an event, or approved it: then it isn't put off."""
    if isinstance(task, NoticeTask | CarryOutTask | WithdrawTask):
        return True
    return task.trigger not in (Trigger.SCHEDULE, Trigger.MENTION)


def _name(entry: ScheduleEntry) -> str:
    """Return the name of what is done again and again at this time."""
    return f"{entry.kind}/{entry.agent_id}/{entry.due_time.isoformat()}"


def _whose(workflow_id: str) -> tuple[str, str]:
    """Return of which kind a workflow is, and which agent's."""
    kind, agent_id, *_ = (*workflow_id.split("/", 2), "")
    return kind, agent_id


def _key(entry: ScheduleEntry) -> tuple[str, str, str]:
    return entry.agent_id, entry.kind, entry.key
