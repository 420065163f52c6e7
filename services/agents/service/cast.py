"""The characters, as their workflows meet them."""

from collections.abc import Set as AbstractSet
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

    async def fellows_called(self, agent_id: str, names: AbstractSet[str]) -> list[AgentRecord]:
        """Return the other characters with an account whose id, name or handle is one of these."""
        async with self._store.reading() as records:
            found = await records.members_called(names)
        return [one for one in found if one.id != agent_id and names & {one.id, one.name, one.handle}]

    async def fellow_at_random(self, agent_id: str, draw: float) -> AgentRecord | None:
        """Return another character that can be spoken to; `draw`, from 0 to below 1, says which of them."""
        async with self._store.reading() as records:
            return await records.member_at_random(agent_id, draw)

    async def fellows_of(self, agent_id: str, user_ids: AbstractSet[str]) -> dict[str, AgentRecord]:
        """Return the other characters that have these ids on the network, by these."""
        async with self._store.reading() as records:
            return {one.network_user_id: one for one in await records.members_of(user_ids) if one.id != agent_id}

    async def names_of_fellows(self, *but_ids: str) -> tuple[str, ...]:
        """Return the names and handles of all characters with an account, but for these."""
        async with self._store.reading() as records:
            found = await records.member_names()
        return tuple(name for one in found if one.id not in but_ids for name in (one.name, one.handle) if name)

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
