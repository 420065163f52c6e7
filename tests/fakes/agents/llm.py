"""The llm service as the agents service sees it."""

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal

from services.agents.adapters.llm_client import write_request
from services.agents.domain.guard import Candidate
from services.agents.domain.prompts import PromptParts
from services.agents.ports.neighbours import (
    Provider,
    Refused,
    Written,
)
from tests.fakes.agents.line import Line

_NOUNS = (
    *("harbour", "lantern", "ladder", "kettle", "orchard", "pigeon", "bridge", "candle", "cellar", "meadow"),
    *("window", "ferry", "button", "attic", "comet"),
)
_ENDS = ("before breakfast", "under the stairs", "behind the mill", "in late autumn", "without a hat", "at low tide")


class FakeLlm:
    """Writes plain sentences with the words of what it is asked; the same seed writes the same."""

    def __init__(self) -> None:
        self.line = Line("llm")
        self.prompts: list[PromptParts] = []
        self.providers: list[str] = []
        self.request_ids: list[str] = []
        self.awaited: list[bool] = []
        """Of each call whether somebody waits for it."""
        self.unknown_providers: set[str] = set()
        self.budgets: dict[str, tuple[Decimal | None, int | None]] = {}
        self.speak: Callable[[PromptParts, random.Random], str] = _sentence
        self.withholds = False
        """Whether its provider withholds judgements."""
        self.is_told = True
        """Whether it is shown a prompt's background and notes."""
        self.judge: Callable[[PromptParts], str] = lambda _: '{"harms": []}'
        self.thinking: asyncio.Event | None = None
        """When set, the words wait for this."""

    async def generate(
        self,
        workflow_id: str,
        agent_id: str,
        prompt: PromptParts,
        provider: str,
        model: str,
        seed: int,
        json_schema: str = "",
        *,
        is_awaited: bool = False,
    ) -> Written:
        self.line.pass_through()
        request = write_request(
            workflow_id, agent_id, prompt, provider, model, seed, json_schema, is_awaited=is_awaited
        )
        self.request_ids.append(request.request_id)
        self.awaited.append(request.is_awaited)
        self.line.checked(request)
        self.providers.append(provider)
        if provider in self.unknown_providers:
            raise Refused("llm", "PROVIDER_NOT_FOUND", f"no provider {provider!r}")
        if json_schema and self.withholds:
            return Written((), "fake", "second", ("the provider withheld it",))
        if json_schema:
            return Written((Candidate(self.judge(prompt)),), "fake", "second")
        self.prompts.append(prompt)
        if self.thinking is not None:
            await self.thinking.wait()
        rng = random.Random(seed)
        texts = [self.speak(prompt, rng) for _ in range(prompt.candidate_count)]
        return Written(tuple(Candidate(text) for text in texts), "fake", "words", background_shown=self.is_told)

    async def provider(self, name: str) -> Provider | None:
        self.line.pass_through()
        return None if name in self.unknown_providers else Provider(name or "fake", self.is_told)

    async def set_budget(self, agent_id: str, usd_per_day: Decimal | None, tokens_per_day: int | None) -> None:
        self.line.pass_through()
        self.budgets[agent_id] = (usd_per_day, tokens_per_day)


def _sentence(prompt: PromptParts, rng: random.Random) -> str:
    # Nothing is taken from what somebody else has said.
    told = [] if prompt.input_label == "to" else [prompt.input]
    told += [part.text for part in prompt.context if part.label == "memory"]
    words = [word.strip('.,:;!?"“”') for word in " ".join(told).split()] or ["quiet", "company"]
    first, second, third = rng.sample(_NOUNS, 3)
    if prompt.input_label == "trade":
        return f"I {words[0]} some {words[-1]} and put it beside the {first} and the {second}."
    telling = " ".join(word for word in words if len(word) > 3 and word.isalpha())[:60]
    return f"The {first} keeps {telling} beside a {second} and one {third} {rng.choice(_ENDS)}."
