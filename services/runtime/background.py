"""Work that goes on beside the calls: loops that outlive their own failures."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

log = logging.getLogger(__name__)


@contextlib.asynccontextmanager
async def repeating(name: str, seconds: float, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do this work again and again, `seconds` apart, until the block ends; a failure is logged and does not end it."""

    async def loop() -> None:
        while True:
            try:
                await work()
            except Exception:
                log.exception("background work failed", extra={"work": name})
            await asyncio.sleep(seconds)

    task = asyncio.create_task(loop(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
