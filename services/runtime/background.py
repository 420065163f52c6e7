"""Work beside the calls: loops that outlive their own failures, and what outlasts the call that began it."""

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")

_of_a_call: list[contextvars.ContextVar[Any]] = []


def of_a_call(variable: contextvars.ContextVar[T | None]) -> contextvars.ContextVar[T | None]:
    """Declare that a variable belongs to the call that is being served: to work that outlasts it, it is None."""
    _of_a_call.append(variable)
    return variable


def leave_call() -> None:
    """Go on as the service itself in this task: a call's deadline and rights are not its own; its trace stays."""
    for variable in _of_a_call:
        variable.set(None)


def detached(work: Coroutine[Any, Any, T], name: str = "") -> asyncio.Task[T]:
    """Begin what outlasts the call that begins it; whoever takes the task ends it."""
    context = contextvars.copy_context()
    context.run(leave_call)
    return asyncio.create_task(work, name=name or None, context=context)


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
