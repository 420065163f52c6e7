"""How a suite that runs in this process is stopped: by a signal, by its time, or by what it waits for."""

import asyncio
import signal
from collections.abc import Awaitable


def stopped_by_signal() -> asyncio.Event:
    """Return what is set by the first Ctrl-C or SIGTERM; a second one doesn't wait for anything."""
    stopped = asyncio.Event()
    loop, main = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if stopped.is_set() and main is not None:
            main.cancel()
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    return stopped


async def unless(stopped: asyncio.Event, work: Awaitable[None], timeout_seconds: float | None) -> None:
    """Do the work until it is done, time is over or `stopped` is set. Raises what the work raises."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stopped.wait())
    try:
        done, _ = await asyncio.wait({working, stopping}, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        if working in done:
            await working
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
