"""What is known of the models that write for characters."""

from services.agents.ports.neighbours import LlmPort
from services.agents.service.cast import Character


class Models:
    """Asks the llm service which model writes for a character, and what it makes of a prompt."""

    def __init__(self, llm: LlmPort) -> None:
        self._llm = llm

    async def shows_background(self, character: Character) -> bool:
        """Say whether a character's model is shown notes, conversations, and whatever else isn't asked.

        A small one isn't: it would go on with them. Raises DependencyUnavailable.
        """
        name = character.persona.llm.provider
        provider = await self._llm.provider(name)
        if provider is None and name:
            # Another one writes in its place.
            provider = await self._llm.provider("")
        return provider is not None and provider.shows_background
