"""Concurrent calls that are carried out together: one transaction, one flush, one round trip for all of them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from services.runtime.background import detached

T = TypeVar("T")
R = TypeVar("R")


class Grouping(Generic[T, R]):
    """Gathers what arrives while a group is under way, and carries that out as the next one.

    A lone call never waits. The work answers each item with its result, or with an exception for its caller alone; what
    the work raises goes to all callers of the group.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]], limit: int) -> None:
        """Take the work, and how many items go into a group at most."""
        self._work = work
        self._limit = limit
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def join(self, item: T) -> R:
        """Carry this out with the next group; a caller that goes away doesn't stop it."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = detached(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
            try:
                results = await self._work([item for item, _ in group])
            except Exception as error:  # noqa: BLE001 -- each caller raises it
                results = [error] * len(group)
            for (_, future), result in zip(group, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        self._task = None
