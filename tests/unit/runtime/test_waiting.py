"""Waiting for a change."""

import asyncio

from services.runtime.waiting import Signal, poll
from tests.support.virtual_time import run


def test_a_change_wakes_all_who_wait() -> None:
    async def scene() -> list[bool]:
        signal = Signal()
        waits = [asyncio.create_task(signal.wait(signal.version)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waits)
        signal.notify()
        return await asyncio.gather(*waits)

    assert run(scene()) == [True, True, True]


def test_a_change_between_a_look_and_the_wait_is_not_missed() -> None:
    async def scene() -> tuple[bool, float]:
        signal = Signal()
        version = signal.version
        signal.notify()
        return await signal.wait(version), asyncio.get_running_loop().time()

    assert run(scene()) == (True, 0)


def test_who_waits_for_nothing_is_let_go_at_the_timeout() -> None:
    async def scene() -> tuple[bool, float]:
        signal = Signal()
        signal.notify()
        return await signal.wait(signal.version, 1.5), asyncio.get_running_loop().time()

    assert run(scene()) == (False, 1.5)


def test_a_wait_that_is_cancelled_stays_cancelled() -> None:
    async def scene() -> bool:
        task = asyncio.create_task(Signal().wait(0, 10))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run(scene())


class Shelf:
    """Something that grows, and when it was looked at."""

    def __init__(self) -> None:
        self.signal = Signal()
        self.count = 0
        self.looks: list[float] = []

    async def load(self) -> int:
        """Return how much there is."""
        self.looks.append(asyncio.get_running_loop().time())
        return self.count

    def put(self, *, is_notified: bool = True) -> None:
        """Add one."""
        self.count += 1
        if is_notified:
            self.signal.notify()

    async def until(self, count: int, timeout_seconds: float, poll_seconds: float = 1.0) -> int:
        """Wait for so many."""
        enough = {"timeout_seconds": timeout_seconds, "poll_seconds": poll_seconds}
        return await self.signal.until(self.load, lambda found: found >= count, **enough)


def test_what_is_enough_already_is_not_waited_for() -> None:
    async def scene() -> tuple[int, list[float]]:
        shelf = Shelf()
        shelf.put()
        return await shelf.until(1, 10), shelf.looks

    assert run(scene()) == (1, [0])


def test_it_is_looked_at_when_something_was_told() -> None:
    async def scene() -> tuple[int, list[float]]:
        shelf = Shelf()
        asyncio.get_running_loop().call_later(0.25, shelf.put)
        asyncio.get_running_loop().call_later(0.5, shelf.put)
        return await shelf.until(2, 10), shelf.looks

    assert run(scene()) == (2, [0, 0.25, 0.5])


def test_what_nobody_tells_is_found_by_looking_now_and_then() -> None:
    async def scene() -> tuple[int, list[float]]:
        shelf = Shelf()
        asyncio.get_running_loop().call_later(1.5, lambda: shelf.put(is_notified=False))
        return await shelf.until(1, 10), shelf.looks

    assert run(scene()) == (1, [0, 1, 2])


def test_what_came_while_it_was_loaded_is_looked_at_next() -> None:
    async def scene() -> tuple[int, list[float]]:
        shelf = Shelf()
        load = shelf.load

        async def overtaken() -> int:
            found = await load()
            if not found:
                shelf.put()
            return found

        shelf.load = overtaken  # type: ignore[method-assign]
        return await shelf.until(1, 10), shelf.looks

    assert run(scene()) == (1, [0, 0])


def test_after_the_timeout_it_is_returned_as_it_is() -> None:
    async def scene() -> tuple[int, list[float]]:
        shelf = Shelf()
        shelf.put()
        return await shelf.until(2, 2.5), shelf.looks

    assert run(scene()) == (1, [0, 1, 2, 2.5])


def test_without_any_time_it_is_looked_at_once() -> None:
    async def scene() -> tuple[int, list[float]]:
        shelf = Shelf()
        return await shelf.until(1, 0), shelf.looks

    assert run(scene()) == (0, [0])


def test_what_nobody_can_tell_is_looked_for_until_it_is_there_or_time_is_over() -> None:
    async def scene() -> tuple[int, int, list[float]]:
        shelf = Shelf()
        asyncio.get_running_loop().call_later(1.5, shelf.put)
        found = await poll(shelf.load, bool, timeout_seconds=10, poll_seconds=1)
        missed = await poll(shelf.load, lambda count: count > 1, timeout_seconds=1.5, poll_seconds=1)
        return found, missed, shelf.looks

    assert run(scene()) == (1, 1, [0, 1, 2, 2, 3, 3.5])
