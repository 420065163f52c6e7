"""Asking a second model before something is published."""

from services.agents.domain.screening import SCHEMA, compose_screening, read_screening
from services.agents.ports.neighbours import LlmPort, Refused

_SEED = 1


class Screener:
    """Has texts judged by one model, which is not the one that wrote them unless the settings say so."""

    def __init__(self, llm: LlmPort, provider: str, model: str) -> None:
        self._llm = llm
        self._provider = provider
        self._model = model

    async def objections(self, agent_id: str, text: str, answered: str) -> list[str]:
        """Return why a text may not be published; a model that doesn't judge it objects.

        Raises Refused when the provider isn't configured, and DependencyUnavailable: nothing is published unjudged.
        """
        prompt = compose_screening(text, answered)
        try:
            written = await self._llm.generate(agent_id, prompt, self._provider, self._model, _SEED, SCHEMA)
            if written.withheld or len(written.candidates) != 1 or written.candidates[0].is_cut:
                return ["the second model doesn't judge it"]
            harms = read_screening(written.candidates[0].text)
        except Refused as refused:
            if refused.reason != "PROVIDER_REFUSED":
                raise
            return ["the second model doesn't judge it"]
        except (ValueError, TypeError):
            return ["the second model's judgement can't be read"]
        return [f"the second model sees {harm}" for harm in dict.fromkeys(harms)]
