"""A provider around another."""

from collections.abc import AsyncGenerator, Sequence

from typing_extensions import override

from services.llm.domain.embedding import Embedding, EmbedTask
from services.llm.domain.errors import Failure
from services.llm.domain.generation import Generation, StreamEnd
from services.llm.domain.models import Model
from services.llm.domain.prompt import Task
from services.llm.ports import Guarded


class Decorator(Guarded):
    """Passes on to the provider inside whatever its subclass does nothing about."""

    def __init__(self, provider: Guarded) -> None:
        self._provider = provider
        self.name = provider.name
        self.shows_background = provider.shows_background
        self.price_source = provider.price_source

    @override
    def pause(self, agent_id: str) -> Failure | None:
        return self._provider.pause(agent_id)

    @override
    async def generate(self, task: Task, seconds: float) -> Generation:
        return await self._provider.generate(task, seconds)

    @override
    def stream(self, task: Task, seconds: float) -> AsyncGenerator[str | StreamEnd, None]:
        return self._provider.stream(task, seconds)

    @override
    async def embed(self, task: EmbedTask, seconds: float) -> Embedding:
        return await self._provider.embed(task, seconds)

    @override
    async def models(self, seconds: float) -> Sequence[Model]:
        return await self._provider.models(seconds)
