"""What characters think of those they know: read as it is now, and moved by what is said between them."""

from services.agents.domain.mood import stress_in
from services.agents.domain.persona import Persona
from services.agents.domain.rapport import STRANGER, UPSET, Rapport, talked
from services.agents.domain.regard import regard, stands_out
from services.agents.domain.sentiment import tone
from services.agents.domain.tasks import Heard, Mention
from services.agents.ports.neighbours import HeldView, MemoryPort
from services.agents.ports.store import Store
from services.agents.service.allowance import replies_of
from services.agents.service.cast import Cast, Character


class Relations:
    """Knows who thinks what of whom."""

    def __init__(self, store: Store, cast: Cast, memory: MemoryPort, speed: float) -> None:
        """Take how many hours of the characters pass in one of ours."""
        self._store = store
        self._cast = cast
        self._memory = memory
        self._speed = speed

    async def note(self, character: Character, counterpart: str, known_as: str = "", *, is_fellow: bool) -> str:
        """Return what a character thinks of somebody, in words; of a stranger only what is worth telling.

        `known_as` is the name by which the persona knows a stranger; what it says of them stands below what came later.
        """
        views = [await self._view(character, name) for name in (counterpart, known_as) if name]
        known = [view for view in views if view is not None]
        if not known:
            return ""
        now = STRANGER
        for _, rapport in known:
            now = now.moved(rapport)
        notes = next((held.notes for held, _ in known if held.notes), "")
        is_told = is_fellow or notes or stands_out(now.sentiment, now.familiarity, now.trust)
        return regard(now.sentiment, now.familiarity, now.trust, notes) if is_told else ""

    async def after(self, character: Character, mention: Mention, heard: Heard, *, is_external: bool) -> Rapport:
        """Return by how much an exchange changes what a character thinks of who is answered.

        What has faded since the last one is part of the change.
        """
        agent_id, scope = character.record.id, replies_of(self._cast.day())
        async with self._store.reading() as records:
            number = await records.counted(agent_id, scope, heard.counterpart)
        friendly = tone(mention.text)
        if stress_in(mention.text, character.persona.personality.stress_triggers):
            friendly = min(friendly, UPSET)
        change = talked(friendly, is_external=is_external, number_today=number)
        found = await self._view(character, heard.counterpart)
        if found is None:
            return change
        held, now = found
        return Rapport(held.sentiment, held.familiarity, held.trust).change_to(now.moved(change))

    async def _view(self, character: Character, counterpart: str) -> tuple[HeldView, Rapport] | None:
        """Return what is stored of a view, and what is left of it now."""
        held = await self._memory.view_of(character.record.id, counterpart)
        if held is None:
            return None
        rapport = Rapport(held.sentiment, held.familiarity, held.trust)
        if held.last_time is not None:
            elapsed = (self._cast.now() - held.last_time) * self._speed
            rapport = rapport.faded(_usual(character.persona, counterpart), elapsed)
        return held, rapport


def _usual(persona: Persona, counterpart: str) -> Rapport:
    """Return what a persona says of somebody; nothing of a stranger."""
    for seed in persona.memory.relationships:
        if seed.counterpart == counterpart:
            return Rapport(seed.sentiment, seed.familiarity, seed.trust)
    return STRANGER
