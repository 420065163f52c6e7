"""Words: candidates from a model, and the best of those that may be published."""

import asyncio
import random
from dataclasses import dataclass

from services.agents.domain.guard import Context, Purpose, review
from services.agents.domain.prompts import PromptParts
from services.agents.ports.neighbours import LlmPort, Refused, Written
from services.agents.service.cast import Character

_TRIES = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """The best candidate; the text is empty when none may be published. `account` tells how it was chosen."""

    text: str
    account: str


class Writer:
    """Asks a model, and judges what it wrote."""

    def __init__(self, llm: LlmPort) -> None:
        self._llm = llm

    async def write(
        self, character: Character, purpose: Purpose, prompt: PromptParts, context: Context, rng: random.Random
    ) -> Choice:
        """Return the best candidate, asking a second time when none may be published."""
        refused: list[str] = []
        model = ""
        for _ in range(_TRIES):
            written = await self._generate(character, prompt, rng.getrandbits(31))
            model = written.model
            # The first time it reads its dictionaries, for some seconds.
            reviewed = await asyncio.to_thread(review, written.candidates, purpose, character.persona, context)
            good = [item for item in reviewed if item.verdict.ok]
            if good:
                account = f"best of {len(good)} good in {len(reviewed)} by {model}, score {good[0].score:.2f}"
                return Choice(good[0].text, account)
            refused += [reason for item in reviewed for reason in item.verdict.reasons]
        why = "; ".join(list(dict.fromkeys(refused))[:5]) or "nothing was written"
        return Choice("", f"none of the candidates by {model} may be published: {why}")

    async def _generate(self, character: Character, prompt: PromptParts, seed: int) -> Written:
        chosen, agent_id = character.persona.llm, character.record.id
        try:
            return await self._llm.generate(agent_id, prompt, chosen.provider, chosen.model, seed)
        except Refused as refused:
            if refused.reason != "PROVIDER_NOT_FOUND":
                raise
            # A persona may name a provider that this suite isn't configured for: whichever there is speaks for it.
            return await self._llm.generate(agent_id, prompt, "", "", seed)
