"""Removing what is of no use any more, a few rows at a time: nobody waits for long behind it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from services.runtime.clock import Clock

TIDY_SECONDS = 3600.0
"""How often a service looks for what is old."""

_AT_ONCE = 500


class Records(Protocol):
    """One transaction."""

    async def forget_requests(self, before: datetime, limit: int) -> int:
        """Forget up to `limit` requests of before this time whose effect is decided; the value says how many."""
        ...

    async def commit(self) -> None:
        """Make it durable."""
        ...


class Store(Protocol):
    """What opens transactions."""

    def writing(self, *lock_keys: str) -> AbstractAsyncContextManager[Records]:
        """Open a transaction that may write."""
        ...


class Tidying:
    """Forgets the requests of a service that nobody repeats any more."""

    def __init__(self, store: Store, clock: Clock, kept: timedelta) -> None:
        """Take how long a request is remembered."""
        self._store = store
        self._clock = clock
        self._kept = kept

    async def tidy(self) -> None:
        """Forget what is old enough."""
        before = self._clock.now() - self._kept

        async def some(limit: int) -> int:
            async with self._store.writing() as records:
                number = await records.forget_requests(before, limit)
                await records.commit()
            return number

        await in_batches(some)


async def in_batches(some: Callable[[int], Awaitable[int]]) -> None:
    """Call what removes up to so many rows, each time in a transaction of its own, until there are fewer."""
    while await some(_AT_ONCE) == _AT_ONCE:
        pass
