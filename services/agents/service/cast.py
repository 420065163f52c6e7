"""The characters, as their workflows meet them."""

from dataclasses import dataclass
from datetime import datetime

from services.agents.domain.entities import AgentRecord
from services.agents.domain.errors import AgentNotFound
from services.agents.domain.hours import own_day
from services.agents.domain.mood import Mood, TradingMood, baseline, decay
from services.agents.domain.persona import Persona
from services.agents.ports.store import Store
from services.agents.service.personas import Personas
from services.runtime.clock import Clock


@dataclass(frozen=True, slots=True)
class Character:
    """An agent now: its record, its persona, how it feels, and the mood that its trades read."""

    record: AgentRecord
    persona: Persona
    mood: Mood
    trading_mood: TradingMood


class Cast:
    """Reads characters."""

    def __init__(self, store: Store, clock: Clock, speed: float) -> None:
        """Take how many hours of the characters pass in one of ours."""
        self._store = store
        self._clock = clock
        self._speed = speed
        self._personas = Personas()

    def now(self) -> datetime:
        """Return the time of the world, which is the networks' too."""
        return self._clock.now()

    def day(self) -> int:
        """Return the number of the day that it is in the characters' own time."""
        return own_day(self._clock.now(), self._speed)

    async def character(self, agent_id: str) -> Character:
        """Return an agent as it is now. Raises AgentNotFound."""
        async with self._store.reading() as records:
            record = await records.agent(agent_id)
        if record is None:
            raise AgentNotFound(agent_id)
        return self.of(record)

    async def fellows(self, agent_id: str) -> list[AgentRecord]:
        """Return the other characters of this suite that have an account."""
        async with self._store.reading() as records:
            return await records.fellows(agent_id)

    def of(self, record: AgentRecord) -> Character:
        """Return a character as it is now."""
        persona, now = self.persona(record), self._clock.now()
        return Character(record, persona, self.mood(record, persona, now), self._trading_mood(record, persona, now))

    def persona(self, record: AgentRecord) -> Persona:
        """Return the persona of an agent."""
        return self._personas.of(record)

    def mood(self, record: AgentRecord, persona: Persona, now: datetime) -> Mood:
        """Return how an agent feels at this time."""
        return decay(record.mood, baseline(persona.personality.default_mood), (now - record.mood_time) * self._speed)

    def _trading_mood(self, record: AgentRecord, persona: Persona, now: datetime) -> TradingMood:
        usual = baseline(persona.personality.default_mood)
        if record.trading_mood is None:
            return TradingMood(usual)
        mood, time = record.trading_mood
        return mood.decayed(usual, (now - time) * self._speed)
