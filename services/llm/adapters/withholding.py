"""A provider whose models give no known key away: what holds one is withheld, as a provider's own filter does."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from typing_extensions import override

from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.generation import Candidate, FinishReason, Generation, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.ports import Provider
from services.runtime.text.fingerprints import Fingerprints

log = logging.getLogger(__name__)

_TAIL = 120
"""How much of a stream's text is looked at with each piece: the run of a key that was just completed ends it."""


class Withholding(Provider):
    """Passes on what a provider writes, but for texts that hold a known key."""

    def __init__(self, provider: Provider, keys: Fingerprints) -> None:
        self._provider = provider
        self._keys = keys
        self.name = provider.name
        self.shows_background = provider.shows_background

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        """Write the candidates within this time; one that is withheld is empty."""
        written = await self._provider.generate(task, seconds)
        return replace(written, candidates=tuple([await self._passed(each) for each in written.candidates]))

    @override
    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        """Write one candidate, piece by piece; from a key on all is withheld, and what came before has gone out."""
        tail, is_withheld = "", False
        async with aclosing(self._provider.stream(task, seconds)) as parts:
            async for part in parts:
                if isinstance(part, StreamEnd):
                    yield replace(part, finish_reason=FinishReason.CONTENT_FILTER) if is_withheld else part
                    return
                tail = f"{tail}{part}"[-_TAIL - len(part) :]
                is_withheld = is_withheld or await self._gives_away(tail)
                if not is_withheld:
                    yield part

    @override
    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        return await self._provider.embed(task, seconds)

    @override
    async def models(self, seconds: float) -> Sequence[Model]:
        return await self._provider.models(seconds)

    async def _passed(self, candidate: Candidate) -> Candidate:
        return Candidate("", FinishReason.CONTENT_FILTER) if await self._gives_away(candidate.text) else candidate

    async def _gives_away(self, text: str) -> bool:
        # Twelve ways to read a long text take a while.
        found = await asyncio.to_thread(self._keys.are_in, text)
        if found:
            log.warning("a text that holds a provider's API key is withheld", extra={"provider": self.name})
        return found
