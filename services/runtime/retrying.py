"""Repeating what failed for now, further and further apart."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.runtime.errors import RetryLater

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 5.0


async def retry(
    action: Callable[[], Awaitable[T]],
    timeout_seconds: float,
    on_failure: Callable[[RetryLater], None] | None = None,
) -> T:
    """Do this until it raises no RetryLater, with pauses that double from 0.2 s to 5 s, or that the error asks for.

    `on_failure` hears of every failed attempt. Raises the last RetryLater when the next attempt would begin after the
    timeout, and at once whatever else the action raises.
    """
    now = asyncio.get_running_loop().time
    end, backoff = now() + timeout_seconds, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await action()
        except RetryLater as error:
            if on_failure is not None:
                on_failure(error)
            pause = max(backoff, error.retry_after)
            if now() + pause > end:
                raise
        await asyncio.sleep(pause)
        backoff = min(2 * backoff, MAX_PAUSE_SECONDS)
