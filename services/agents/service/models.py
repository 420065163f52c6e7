"""What is known of the models that write for characters."""

from datetime import datetime, timedelta

from services.agents.ports.neighbours import LlmPort
from services.agents.service.cast import Character
from services.runtime.clock import Clock

_KEPT = timedelta(minutes=1)
"""What a model is shown is decided, and told, with each answer: this only says what is worth writing for it."""
_MAX_KEPT = 1_000


class Models:
    """Asks the llm service which model writes for a character, and what it makes of a prompt, once a minute."""

    def __init__(self, llm: LlmPort, clock: Clock) -> None:
        self._llm = llm
        self._clock = clock
        self._known: dict[str, tuple[datetime, bool]] = {}

    async def shows_background(self, character: Character) -> bool:
        """Say whether a character's model is shown notes, conversations, and whatever else isn't asked.

        A small one isn't: it would go on with them. Raises DependencyUnavailable.
        """
        name, now = character.persona.llm.provider, self._clock.now()
        known = self._known.get(name)
        if known is not None and now - known[0] < _KEPT:
            return known[1]
        provider = await self._llm.provider(name)
        if provider is None and name:
            # Another one writes in its place.
            provider = await self._llm.provider("")
        shows = provider is not None and provider.shows_background
        if len(self._known) >= _MAX_KEPT:
            self._known.clear()
        self._known[name] = now, shows
        return shows
