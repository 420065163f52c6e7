"""Words: candidates from a model, and the best of those that may be published."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from services.agents.domain.guard import Context, Purpose, review
from services.agents.domain.prompts import PromptParts
from services.agents.ports.neighbours import PROVIDER_NOT_FOUND, LlmPort, Refused, Written
from services.agents.service.capabilities import NetworkCapabilities
from services.agents.service.cast import Character
from services.agents.service.reserving import Reservations
from services.agents.service.screening import Screener
from services.runtime.text.weight import TextLimit

_TRIES = 2
_USED_UP = "its calls for this are used up today"
_SCREENED = 3
"""So many of a try's good candidates are shown to the second model, the best first."""
_TAKEN = "it is saying the same elsewhere"


@dataclass(frozen=True, slots=True)
class Choice:
    """The best candidate; the text is empty when none may be published. `account` tells how it was chosen.

    `knew` is True when the model was told what the character remembers.
    """

    text: str
    account: str
    knew: bool = False


async def _always() -> bool:
    return True


class Writer:
    """Asks a model, and judges what it wrote; a second model is asked as well when there is a screener."""

    def __init__(
        self,
        llm: LlmPort,
        reservations: Reservations,
        capabilities: NetworkCapabilities,
        screener: Screener | None = None,
        *,
        falls_back: bool = True,
    ) -> None:
        """Take whether another provider writes for a persona whose own isn't there."""
        self._llm = llm
        self._capabilities = capabilities
        self._reservations = reservations
        self._falls_back = falls_back
        self._screener = screener

    async def limit(self, character: Character) -> TextLimit:
        """Return how long its posts may be, by its network and by its persona; raises what `of` raises."""
        limit, own = await self._capabilities.of(character.record.account_id), character.persona.style.max_post_length
        return limit.text_limit if own is None else limit.text_limit.narrowed(own)

    async def write(
        self,
        workflow_id: str,
        character: Character,
        purpose: Purpose,
        prompt: PromptParts,
        context: Context,
        rng: random.Random,
        may_ask: Callable[[], Awaitable[bool]] = _always,
    ) -> Choice:
        """Return the best candidate that no other workflow of the character says, and reserve it.

        A second time is asked when none may be published, if `may_ask` lets it.
        """
        context = replace(context, system=prompt.portrait, limit=await self.limit(character))
        refused: list[str] = []
        model = "the model"
        for _ in range(_TRIES):
            if not await may_ask():
                refused.insert(0, _USED_UP)
                break
            written = await self._generate(character, prompt, rng.getrandbits(31))
            model = written.model
            # The first time it reads its dictionaries, for some seconds.
            reviewed = await asyncio.to_thread(review, written.candidates, purpose, character.persona, context)
            good = [item for item in reviewed if item.verdict.ok]
            left = _SCREENED
            for best in good:
                if not left:
                    break
                if not await self._reservations.reserve(character.record.id, workflow_id, best.text):
                    refused.append(_TAKEN)
                    continue
                left -= 1
                if self._screener and not await may_ask():
                    refused.insert(0, _USED_UP)
                    break
                if objections := await self._objections(character, purpose, best.text, context):
                    refused += objections
                    continue
                account = f"best of {len(good)} good in {len(reviewed)} by {model}, score {best.score:.2f}"
                return Choice(best.text, account, written.background_shown)
            refused += [*written.withheld, *(reason for item in reviewed for reason in item.verdict.reasons)]
        why = "; ".join(list(dict.fromkeys(refused))[:5]) or "nothing was written"
        return Choice("", f"none of the candidates by {model} may be published: {why}")

    async def _objections(self, character: Character, purpose: Purpose, text: str, context: Context) -> list[str]:
        if self._screener is None:
            return []
        answered = context.about if purpose is Purpose.REPLY else ""
        return await self._screener.objections(character.record.id, text, answered)

    async def _generate(self, character: Character, prompt: PromptParts, seed: int) -> Written:
        chosen, agent_id = character.persona.llm, character.record.id
        try:
            return await self._llm.generate(agent_id, prompt, chosen.provider, chosen.model, seed)
        except Refused as refused:
            if refused.reason != PROVIDER_NOT_FOUND or not self._falls_back:
                raise
            # A persona may name a provider that this suite isn't configured for: whichever there is speaks for it.
            written = await self._llm.generate(agent_id, prompt, "", "", seed)
            return replace(written, model=f"{written.model} in place of {chosen.provider}, which isn't configured")
