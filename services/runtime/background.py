"""Work that goes on beside the calls: loops that outlive their own failures."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def repeating(
    name: str, seconds: float, work: Callable[[], Awaitable[None]], *, at_end: bool = False
) -> AsyncIterator[None]:
    """Do this work again and again, `seconds` apart, until the block ends, and if asked for once more `at_end`.

    A failure is logged and ends nothing.
    """

    async def attempt() -> None:
        try:
            await work()
        except Exception:
            log.exception("background work failed", extra={"work": name})

    async def loop() -> None:
        while True:
            await attempt()
            await asyncio.sleep(seconds)

    task = asyncio.create_task(loop(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        if at_end:
            await attempt()
