"""A provider that is opened when it is first asked: what speaks to it takes long to import, and 25 MB."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from typing_extensions import override

from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.generation import Generation, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.ports import Provider
from services.runtime.deferred import Deferred


class OpenedWhenAsked(Provider):
    """Hands on what is asked to a provider that may have to be opened first."""

    def __init__(self, name: str, *, shows_background: bool, provider: Deferred[Provider]) -> None:
        """Take what is known of the provider before, and the provider."""
        self.name = name
        self.shows_background = shows_background
        self._provider = provider

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        """Write the candidates within this time, of which opening takes its part."""
        provider, left = await self._open(seconds)
        return await provider.generate(task, left)

    @override
    async def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        provider, _ = await self._open(seconds)
        async with aclosing(provider.stream(task, seconds)) as parts:
            async for part in parts:
                yield part

    @override
    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        """Make vectors of the texts within this time, of which opening takes its part."""
        provider, left = await self._open(seconds)
        return await provider.embed(task, left)

    @override
    async def models(self, seconds: float) -> Sequence[Model]:
        """List the models that it offers now, within this time, of which opening takes its part."""
        provider, left = await self._open(seconds)
        return await provider.models(left)

    async def _open(self, seconds: float) -> tuple[Provider, float]:
        """Return the provider, and the seconds that are left then."""
        now = asyncio.get_running_loop().time
        until = now() + seconds
        return await self._provider.get(), max(0.0, until - now())
