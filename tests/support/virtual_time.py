"""An event loop on which waiting takes no time: its clock jumps to when the next thing is due."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Adds up what it was to wait for, and doesn't wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("everything waits for something that nobody will do")
        self.waited += timeout
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.waited


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run this, which needs no files, sockets or threads; the loop's time is 0 at the start."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)
