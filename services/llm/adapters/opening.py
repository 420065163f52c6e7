"""A provider that is opened when it is first asked: what speaks to it takes long to import, and 25 MB."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from types import TracebackType
from typing import Self

from typing_extensions import override

from services.llm.domain import Generation, Model, StreamEnd, Task
from services.llm.ports import Provider


class OpenedWhenAsked(Provider):
    """Opens a provider once, and closes it at the end of the block if it was opened."""

    def __init__(
        self, name: str, *, shows_background: bool, opened: Callable[[], AbstractAsyncContextManager[Provider]]
    ) -> None:
        """Take what is known of the provider before, and what opens it."""
        self.name = name
        self.shows_background = shows_background
        self._opened = opened
        self._provider: Provider | None = None
        self._stack = AsyncExitStack()
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

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
    async def models(self, seconds: float) -> Sequence[Model]:
        """List the models that it offers now, within this time, of which opening takes its part."""
        provider, left = await self._open(seconds)
        return await provider.models(left)

    async def _open(self, seconds: float) -> tuple[Provider, float]:
        """Return the provider, and the seconds that are left then."""
        if self._provider is not None:
            return self._provider, seconds
        now = asyncio.get_running_loop().time
        until = now() + seconds
        async with self._turn:
            if self._provider is None:
                self._provider = await self._stack.enter_async_context(self._opened())
        return self._provider, max(0.0, until - now())
