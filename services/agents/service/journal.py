"""The activity log: what agents did and why, and how it moved them; once for each step of a workflow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.agents.domain.entities import ActivityRecord, AgentRecord, Hindrance, MoodRecord
from services.agents.domain.mood import MoodEvent, OwnEvent, cause_of, feel
from services.agents.domain.records import (
    NO_GROUNDS,
    Event,
    Grounds,
    Lifecycle,
    LifecycleChange,
    Trigger,
    effect_of,
    kind_of,
)
from services.agents.ports.store import ActivityFilter, Records, Store
from services.agents.service.cast import Cast
from services.agents.service.tail import Tail
from services.runtime.clock import Clock
from services.runtime.pages import Page, Paged
from services.runtime.telemetry import Counter
from services.runtime.waiting import Signal

TURN = "activity"
"""Whoever adds activities takes this turn, so that their places in the log are in the order of their commits."""

_POLL_SECONDS = 1.0
ACTIVITIES = Counter("puppet.activities", "{activity}", "What agents did.")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be logged of a workflow: of which behaviour, begun for what, and how it moves the agent."""

    event: Event
    grounds: Grounds = NO_GROUNDS
    behaviour: str = ""
    trigger: Trigger = Trigger.UNKNOWN
    moods: tuple[MoodEvent, ...] = ()


class Journal:
    """Writes the log, and stirs those who wait for it."""

    def __init__(self, store: Store, cast: Cast, clock: Clock, tail: Tail) -> None:
        self._store = store
        self._tail = tail
        self._cast = cast
        self._clock = clock
        self._news = Signal()

    async def add(self, records: Records, agent: AgentRecord, workflow_id: str, step: str, entry: Entry) -> bool:
        """Log an activity within a transaction of the turn; False when this step is there already."""
        activity = self.activity(agent, workflow_id, step, entry)
        if not await records.log(activity):
            return False
        now = activity.create_time
        if (writing := entry.grounds.writing) and (asked := {call.prompt_id for call in writing.calls} - {""}):
            # They stay as long as what names them.
            await records.use_prompts(sorted(asked), now)
        if entry.moods:
            character = self._cast.of(agent)
            mood, trading_mood = character.mood, character.trading_mood
            for event in entry.moods:
                mood = feel(mood, event)
                if isinstance(event, OwnEvent):
                    trading_mood = trading_mood.after(event)
                    agent.put_trading_mood(trading_mood, now)
            agent.put_mood(mood, now)
            await records.save(agent, MoodRecord.of(agent.id, mood, [cause_of(event) for event in entry.moods], now))
        return True

    def activity(self, agent: AgentRecord, workflow_id: str, step: str, entry: Entry) -> ActivityRecord:
        """Return what is logged of this step, for a transaction of the turn."""
        kind = kind_of(entry.event)
        effect_id, network_effect_id = effect_of(entry.event)
        ACTIVITIES.add(kind=kind)
        return ActivityRecord(
            workflow_id=workflow_id,
            step=step,
            agent_id=agent.id,
            agent_name=agent.name,
            kind=kind,
            behaviour=entry.behaviour,
            trigger=entry.trigger,
            event=entry.event,
            grounds=entry.grounds,
            effect_id=effect_id,
            network_effect_id=network_effect_id,
            create_time=self._clock.now(),
        )

    async def record(self, agent_id: str, step: str, entries: Mapping[str, Entry], reached: str = "") -> None:
        """Log what came of an agent's workflows, by their ids, once for every step, and let the agent feel it.

        What kept it from the aim that it has reached by this, if any, is over.
        """
        async with self._store.writing(TURN) as records:
            agent = await records.agent(agent_id)
            if agent is not None:
                for workflow_id, entry in entries.items():
                    await self.add(records, agent, workflow_id, step, entry)
                if reached:
                    await records.end_hindrance(agent_id, reached)
                await records.commit()
        self.announce()

    async def hinder(self, workflow_id: str, entry: Entry, hindrance: Hindrance, *, is_told_once: bool) -> None:
        """Log what kept an agent from its aim, and keep in mind what that was.

        What has the same cause moves its mood once, whatever it aims at, and is logged once if that is asked for.
        """
        agent_id = hindrance.agent_id
        async with self._store.writing(TURN) as records:
            agent = await records.agent(agent_id)
            if agent is not None:
                known = await records.hindrances(agent_id)
                before = known.get(hindrance.aim)
                is_same = before is not None and before.cause == hindrance.cause
                if any(other.cause == hindrance.cause for other in known.values()):
                    entry = replace(entry, moods=())
                if not (is_same and is_told_once):
                    await self.add(records, agent, workflow_id, "failure", entry)
                current = hindrance if before is None else before.followed_by(hindrance)
                current.wait(self._clock.now())
                await records.save(current)
                await records.commit()
        self.announce()

    async def relieve(self, agent_id: str, aim: str, workflow_id: str, behaviour: str, trigger: Trigger) -> None:
        """Log that what kept an agent from its aim, of which it was told once, is over."""
        async with self._store.writing(TURN) as records:
            agent = await records.agent(agent_id)
            if agent is not None and (over := (await records.hindrances(agent_id)).get(aim)):
                recovered = Lifecycle(LifecycleChange.RECOVERED, aim, over.words)
                entry = Entry(recovered, behaviour=behaviour, trigger=trigger)
                await self.add(records, agent, workflow_id, "relief", entry)
                await records.end_hindrance(agent_id, aim)
                await records.commit()
        self.announce()

    async def logged(self, workflow_ids: Sequence[str]) -> set[str]:
        """Return those of these workflows of which something is logged."""
        async with self._store.reading() as records:
            return await records.logged(workflow_ids)

    def now(self) -> datetime:
        """Return the time of the log."""
        return self._clock.now()

    def announce(self) -> None:
        """Wake those who watch the log in this process; those of other replicas look by themselves."""
        self._news.notify()
        self._tail.stir()

    async def page(self, wanted: ActivityFilter, page: Page) -> Paged[ActivityRecord]:
        """Return a page of activities, newest first."""
        async with self._store.reading() as records:
            return await records.activities(wanted, page)

    async def outcome(self, workflow_id: str, seconds: float) -> ActivityRecord | None:
        """Return how a workflow ended, waiting for it; None when it hasn't within this time."""

        async def load() -> ActivityRecord | None:
            async with self._store.reading() as records:
                return await records.outcome(workflow_id)

        return await self._news.until(
            load, lambda found: found is not None, timeout_seconds=seconds, poll_seconds=_POLL_SECONDS
        )
