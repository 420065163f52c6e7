"""How agents feel: changed by their operator, and shown over time."""

from dataclasses import dataclass
from datetime import datetime

from services.agents.domain.entities import AgentRecord, MoodRecord
from services.agents.domain.errors import AgentNotFound
from services.agents.domain.mood import Mood, baseline
from services.agents.domain.mood_history import SHOWN, Curve, Felt, Span
from services.agents.domain.records import MoodAdjusted, Trigger
from services.agents.ports.store import Records, Store
from services.agents.service.cast import Cast
from services.agents.service.journal import TURN, Entry, Journal
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id

_AT_ONCE = 2_000
ADJUSTED = "adjusted"
"""The cause of a mood that the operator has set."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A mood to have: what is None stays as it is."""

    valence: float | None = None
    arousal: float | None = None
    dominance: float | None = None

    def applied(self, mood: Mood) -> Mood:
        """Return a mood with these levels."""
        return Mood(
            mood.valence if self.valence is None else self.valence,
            mood.arousal if self.arousal is None else self.arousal,
            mood.dominance if self.dominance is None else self.dominance,
        )


@dataclass(frozen=True, slots=True)
class Push:
    """What is added to a mood."""

    valence: float
    arousal: float
    dominance: float

    def applied(self, mood: Mood) -> Mood:
        """Return a mood after it, within the ranges."""
        return mood.moved(self.valence, self.arousal, self.dominance)


@dataclass(frozen=True, slots=True)
class History:
    """How an agent felt over time, and what it relaxes to."""

    points: list[Felt]
    usual: Mood


class Moods:
    """The use cases about the visible mood. None of them knows the one that trades read."""

    def __init__(self, store: Store, cast: Cast, journal: Journal, speed: float) -> None:
        """Take how many hours of the characters pass in one of ours."""
        self._store = store
        self._cast = cast
        self._journal = journal
        self._speed = speed

    async def adjust(self, agent_id: str, change: Levels | Push, reason: str, key: RequestKey) -> Mood:
        """Change how an agent feels, once for a request, and return how it feels then. Raises AgentNotFound."""
        async with self._store.writing(TURN) as records:
            agent = await _existing(records, agent_id)
            before = self._cast.of(agent).mood
            if await records.claim(key, agent_id) is not None:
                return before
            now, after = self._journal.now(), change.applied(before)
            agent.put_mood(after, now)
            await records.save(agent)
            await records.save(MoodRecord.of(agent_id, after, (ADJUSTED,), now))
            entry = Entry(MoodAdjusted(before, after, reason), trigger=Trigger.REQUEST)
            await self._journal.add(records, agent, new_id("mood"), "end", entry)
            await records.commit()
        self._journal.announce()
        return after

    async def history(self, agent_id: str, start: datetime | None, end: datetime | None, limit: int) -> History:
        """Return how an agent felt, in at most so many points. Raises AgentNotFound and InvalidRequest."""
        now = self._journal.now()
        until = now if end is None else min(end, now)
        async with self._store.reading() as records:
            agent = await _existing(records, agent_id)
            since = until - min(SHOWN / self._speed, until - agent.create_time) if start is None else start
            if since >= until:
                raise InvalidRequest([Violation("start_time", "must be before end_time, and before now")])
            before = await records.mood_before(agent_id, since)
            usual = baseline(self._cast.of(agent).persona.personality.default_mood)
            curve = Curve(Span(since, until, limit, self._speed), usual, _felt(before) if before else None)
            place = 0
            while rows := await records.moods(agent_id, since, until, place, _AT_ONCE):
                curve.add(map(_felt, rows))
                place = rows[-1].seq or place
        return History(list(curve.points()), usual)


def _felt(row: MoodRecord) -> Felt:
    return Felt(row.create_time, row.mood, tuple(row.causes.split()))


async def _existing(records: Records, agent_id: str) -> AgentRecord:
    if agent := await records.agent(agent_id):
        return agent
    raise AgentNotFound(agent_id)
