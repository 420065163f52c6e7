"""Who gets a provider's slot: first those for whose answer somebody waits, and never at the cost of all others."""

import asyncio
import contextlib
import random

import pytest

from services.llm.adapters.metering import ConcurrencyLimit


class Queue:
    """Calls at a provider, in the order in which each got a slot; each gives it back when it is told to."""

    def __init__(self, concurrency: int = 1) -> None:
        self.slots = ConcurrencyLimit("one", concurrency)
        self.began: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    async def call(self, name: str, *, is_awaited: bool = False) -> "asyncio.Task[None]":
        """Begin a call, and return when it has a slot or stands in line."""
        self._ends[name] = asyncio.Event()

        async def run() -> None:
            async with self.slots.slot(is_awaited=is_awaited):
                self.began.append(name)
                await self._ends[name].wait()

        task = asyncio.create_task(run())
        await turns()
        return task

    def end(self, name: str) -> None:
        """Let a call that has a slot be over, now."""
        self._ends[name].set()

    async def drained(self) -> list[str]:
        """End one call after the other, and return all in the order in which they got a slot."""
        for name in self.began:
            self.end(name)
            await turns()
        return self.began


async def turns() -> None:
    """Let every task go as far as it can without an event from outside."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_somebody_waits_for_goes_first_and_each_kind_in_its_order() -> None:
    queue = Queue()
    for name in ("busy", "post 1", "asked 1", "post 2", "asked 2"):
        await queue.call(name, is_awaited=name.startswith("asked"))
    assert await queue.drained() == ["busy", "asked 1", "asked 2", "post 1", "post 2"]


async def test_every_fourth_slot_is_for_what_nobody_waits_for() -> None:
    queue = Queue()
    await queue.call("busy")
    for number in range(8):
        await queue.call(f"asked {number}", is_awaited=True)
    for number in range(2):
        await queue.call(f"post {number}")
    order = await queue.drained()
    assert (order.index("post 0"), order.index("post 1")) == (4, 8)
    assert len(order) == 11


async def test_awaited_calls_that_overtook_nobody_count_for_nothing() -> None:
    queue = Queue()
    await queue.call("busy")
    for number in range(9):
        await queue.call(f"asked {number}", is_awaited=True)
    for name in ("busy", "asked 0", "asked 1", "asked 2"):
        queue.end(name)
        await turns()
    await queue.call("post")
    assert (await queue.drained()).index("post") == 8


async def test_a_free_slot_is_anybodys() -> None:
    queue = Queue(2)
    for name in ("post 1", "post 2", "post 3"):
        await queue.call(name)
    assert queue.began == ["post 1", "post 2"]


@pytest.mark.parametrize("is_awaited", [True, False])
async def test_whoever_leaves_the_line_is_passed_over(is_awaited: bool) -> None:
    queue = Queue()
    await queue.call("busy")
    gone = await queue.call("gone", is_awaited=is_awaited)
    await queue.call("next", is_awaited=is_awaited)
    gone.cancel()
    # In the same turn of the loop: the line has not heard of it yet.
    queue.end("busy")
    await turns()
    assert await queue.drained() == ["busy", "next"]


@pytest.mark.parametrize("is_awaited", [True, False])
async def test_a_slot_that_comes_as_its_caller_leaves_goes_to_the_next(is_awaited: bool) -> None:
    slots = ConcurrencyLimit("one", 1)
    began = list[str]()

    async def call(name: str) -> None:
        async with slots.slot(is_awaited=is_awaited):
            began.append(name)

    busy = contextlib.AsyncExitStack()
    await busy.enter_async_context(slots.slot())
    gone, following = asyncio.create_task(call("gone")), asyncio.create_task(call("next"))
    await turns()
    await busy.aclose()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await following
    assert began == ["next"]


async def test_no_slot_is_lost_or_given_twice_whoever_leaves_when() -> None:
    rng, slots, at_once = random.Random(7), ConcurrencyLimit("one", 3), list[int]()
    inside = 0

    async def call() -> None:
        nonlocal inside
        async with slots.slot(is_awaited=rng.random() < 0.5):
            inside += 1
            at_once.append(inside)
            try:
                for _ in range(rng.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                inside -= 1

    tasks = list[asyncio.Task[None]]()
    for _ in range(400):
        tasks.append(asyncio.create_task(call()))
        if rng.random() < 0.5:
            rng.choice(tasks).cancel()
        if rng.random() < 0.3:
            await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert max(at_once) == 3
    queue = Queue(3)
    queue.slots = slots
    for number in range(4):
        await queue.call(str(number))
    assert len(queue.began) == 3
