"""What is opened when it is first asked for: a library may take most of a second to import, and tens of megabytes."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Deferred(Generic[T]):
    """Opens something once, and closes it at the end of the block if it was opened."""

    def __init__(self, opened: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._opened = opened
        self._value: T | None = None
        self._stack = AsyncExitStack()
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def value(self) -> T | None:
        """What was opened; None as long as nobody has asked."""
        return self._value

    async def get(self) -> T:
        """Return it. Raises what opening raises, and then the next who asks tries again."""
        if self._value is not None:
            return self._value
        async with self._turn:
            if self._value is None:
                self._value = await self._stack.enter_async_context(self._opened())
            return self._value
