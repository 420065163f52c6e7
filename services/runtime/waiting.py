"""Waiting for a change that is told within this process, or that is looked for now and then."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def poll(
    load: Callable[[], Awaitable[T]], is_enough: Callable[[T], bool], *, timeout_seconds: float, poll_seconds: float
) -> T:
    """Load every `poll_seconds` until that is enough; return what was loaded last, also when the timeout has passed."""
    return await Signal().until(load, is_enough, timeout_seconds=timeout_seconds, poll_seconds=poll_seconds)


class Signal:
    """Wakes everybody who waits for a change.

    Who looks before it waits takes the `version` first: `wait` returns at once when there was a change since then.
    """

    def __init__(self) -> None:
        self._version = 0
        self._changed = asyncio.Event()

    @property
    def version(self) -> int:
        """How many changes there have been."""
        return self._version

    def notify(self) -> None:
        """Wake all who wait."""
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, version: int, timeout_seconds: float | None = None) -> bool:
        """Wait for a change after that version, for this long; False when there was none. None is for ever."""
        if self._version == version:
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self._changed.wait()
            except TimeoutError:
                pass
        return self._version != version

    async def until(
        self,
        load: Callable[[], Awaitable[T]],
        is_enough: Callable[[T], bool],
        *,
        timeout_seconds: float,
        poll_seconds: float,
    ) -> T:
        """Load until that is enough, at each change and every `poll_seconds`; return what was loaded last.

        Polling is for what other replicas change, which notify nobody here. What is returned isn't enough when it is
        still not so at the timeout.
        """
        now = asyncio.get_running_loop().time
        end = now() + timeout_seconds
        while True:
            version = self.version
            loaded = await load()
            left = end - now()
            if is_enough(loaded) or left <= 0:
                return loaded
            await self.wait(version, min(left, poll_seconds))
