"""Words: candidates from a model, and those of them that may be published."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from services.agents.domain.guard import Context, Purpose, Reviewed, Rule, review
from services.agents.domain.prompts import PromptParts
from services.agents.domain.records import CallPurpose, Judged, ModelCall, Objection, Writing
from services.agents.ports.neighbours import PROVIDER_NOT_FOUND, Capabilities, LlmPort, Refused, Written
from services.agents.service.capabilities import NetworkCapabilities
from services.agents.service.cast import Character
from services.agents.service.models import Models
from services.agents.service.prompts import Prompts
from services.agents.service.reserving import Reservations
from services.agents.service.screening import Screener, call_of
from services.runtime.text.weight import TextLimit

_TRIES = 2
_SMALL_CANDIDATES = 16
"""Of a small model, which is cheap and writes one good text in several."""
_SCREENED = 3
"""So many of a try's good candidates are shown to the second model, the best first."""
_USED_UP = Objection(Rule.CALLS_USED_UP, "its calls for this are used up today")
_BUDGET_LOW = Objection(Rule.CALLS_USED_UP, "little is left of the day's budget: it isn't tried again")
_SAID_ELSEWHERE = Objection(Rule.SAID_ELSEWHERE, "it is saying the same elsewhere")


@dataclass(frozen=True, slots=True)
class Choice:
    """The texts that may be published, the best first, and how they came about; there may be none.

    `knew` is True when the model was told what the character remembers.
    """

    texts: tuple[str, ...]
    writing: Writing
    knew: bool = False


async def _always() -> bool:
    return True


class Writer:
    """Asks a model, and judges what it wrote; a second model is asked as well when there is a screener."""

    def __init__(
        self,
        llm: LlmPort,
        models: Models,
        prompts: Prompts,
        reservations: Reservations,
        capabilities: NetworkCapabilities,
        screener: Screener | None = None,
        *,
        falls_back: bool = True,
    ) -> None:
        """Take whether another provider writes for a persona whose own isn't there."""
        self._llm = llm
        self._models = models
        self._prompts = prompts
        self._capabilities = capabilities
        self._reservations = reservations
        self._falls_back = falls_back
        self._screener = screener

    async def limit(self, character: Character) -> TextLimit:
        """Return how long a post of it had better be, by its network, as far as that is known, and by its persona."""
        return _narrowed(await self._capabilities.expected(character.record.account_id), character)

    async def known_limit(self, character: Character) -> TextLimit:
        """Return how long its posts may be, by its network and by its persona; raises what `of` raises."""
        return _narrowed(await self._capabilities.of(character.record.account_id), character)

    async def write(
        self,
        workflow_id: str,
        character: Character,
        purpose: Purpose,
        prompt: PromptParts,
        context: Context,
        rng: random.Random,
        may_ask: Callable[[], Awaitable[bool]] = _always,
        *,
        is_awaited: bool = False,
    ) -> Choice:
        """Return what may be published, but for what another workflow of the character says.

        A second time is asked when that is nothing, if `may_ask` lets it. A model that is busy writes first what
        somebody waits for.
        """
        context = replace(context, system=prompt.portrait, limit=await self.limit(character))
        if not await self._models.shows_background(character):
            prompt = replace(prompt, candidate_count=_SMALL_CANDIDATES)
        writing = Writing()
        for _ in range(_TRIES):
            if not await may_ask():
                return Choice((), replace(writing, objections=(_USED_UP, *writing.objections)))
            written, call = await self._generate(
                workflow_id, character, prompt, rng.getrandbits(31), is_awaited=is_awaited
            )
            # The first time it reads its dictionaries, for some seconds.
            reviewed = await asyncio.to_thread(review, written.candidates, purpose, character.persona, context)
            judged, screens, is_over = await self._judged(
                workflow_id, character, purpose, reviewed, context, may_ask, is_awaited=is_awaited
            )
            writing = _writing(written, judged, (call, *screens)).after(writing)
            if is_over:
                writing = replace(writing, objections=(_USED_UP, *writing.objections))
            if good := tuple(item.text for item in judged if not item.objections):
                return Choice(good, writing, written.background_shown)
            if written.budget_is_low:
                # What is left of the day is for words that come at the first try.
                return Choice((), replace(writing, objections=(_BUDGET_LOW, *writing.objections)))
        return Choice((), writing)

    async def answer(
        self, workflow_id: str, character: Character, prompt: PromptParts, seed: int, json_schema: str
    ) -> tuple[Written, ModelCall]:
        """Return what a character's model answers in JSON of this schema: for the character, and never published."""
        return await self._generate(workflow_id, character, prompt, seed, json_schema)

    async def _judged(
        self,
        workflow_id: str,
        character: Character,
        purpose: Purpose,
        reviewed: Sequence[Reviewed],
        context: Context,
        may_ask: Callable[[], Awaitable[bool]],
        *,
        is_awaited: bool,
    ) -> tuple[list[Judged], list[ModelCall], bool]:
        """Return the candidates with all that is held against them, what judged them, and if calls were used up."""
        good = [item.text for item in reviewed if item.verdict.ok]
        elsewhere = await self._reservations.said_elsewhere(character.record.id, workflow_id, good)
        judged, calls, left, is_over = list[Judged](), list[ModelCall](), _SCREENED, False
        for item in reviewed:
            objections = item.verdict.objections
            if item.text in elsewhere:
                objections = (*objections, _SAID_ELSEWHERE)
            if self._screener and not objections:
                if not left:
                    continue  # it was not looked at: an earlier one is taken, or none
                left -= 1
                is_over = is_over or not await may_ask()
                if is_over:
                    break
                answered = context.about if purpose is Purpose.REPLY else ""
                screening = await self._screener.screen(
                    workflow_id, character.record.id, item.text, answered, is_awaited=is_awaited
                )
                objections = tuple(Objection(Rule.SCREENING, words) for words in screening.objections)
                calls += [screening.call] if screening.call else []
                left = left if objections else 0
            judged.append(Judged(item.text, item.score if item.is_ranked else None, objections=objections))
        return judged, calls, is_over

    async def _generate(
        self,
        workflow_id: str,
        character: Character,
        prompt: PromptParts,
        seed: int,
        json_schema: str = "",
        *,
        is_awaited: bool = False,
    ) -> tuple[Written, ModelCall]:
        prompt_id = await self._prompts.keep(prompt)
        ask = partial(self._llm.generate, workflow_id, character.record.id, prompt, is_awaited=is_awaited)
        written = await self._written(ask, character, seed, json_schema)
        return written, call_of(written, CallPurpose.WRITE, prompt_id)

    async def _written(
        self, ask: Callable[[str, str, int, str], Awaitable[Written]], character: Character, seed: int, json_schema: str
    ) -> Written:
        chosen = character.persona.llm
        try:
            return await ask(chosen.provider, chosen.model, seed, json_schema)
        except Refused as refused:
            if refused.reason != PROVIDER_NOT_FOUND or not self._falls_back:
                raise
            # A persona may name a provider that this suite isn't configured for: whichever there is speaks for it.
            written = await ask("", "", seed, json_schema)
            return replace(written, note=f"in place of {chosen.provider}, which isn't configured")


def _writing(written: Written, judged: Sequence[Judged], calls: Sequence[ModelCall]) -> Writing:
    """Return what is recorded of a try: its calls, the first of which wrote."""
    return Writing(
        provider=written.provider,
        model=written.model,
        candidates=tuple(judged),
        objections=tuple(Objection(Rule.WITHHELD, words) for words in written.withheld),
        prompt_id=calls[0].prompt_id,
        prompt_tokens=sum(call.prompt_tokens for call in calls),
        completion_tokens=sum(call.completion_tokens for call in calls),
        provider_note=written.note,
        calls=tuple(calls),
    )


def _narrowed(capabilities: Capabilities, character: Character) -> TextLimit:
    limit, own = capabilities.text_limit, character.persona.style.max_post_length
    return limit if own is None else limit.narrowed(own)
