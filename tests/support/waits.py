"""Waiting for what comes to pass by itself."""

import asyncio
from collections.abc import Awaitable, Callable

WAIT_SECONDS = 120.0
"""How long a test waits for what must come: a bound for what hangs, which a busy machine doesn't reach."""


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = WAIT_SECONDS) -> None:
    """Wait until a condition holds; fail after so many seconds."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
