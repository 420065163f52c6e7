"""Watching the activity log: many watchers, slow ones, and what they cost."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.agents.domain.entities import ActivityRecord
from services.agents.service import Tail
from services.runtime.errors import Stopping
from tests.fakes.activity_log import FakeLog
from tests.support.waits import WAIT_SECONDS

Stream = AsyncIterator[tuple[int, ActivityRecord | None]]


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def draining() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def tail(log: FakeLog, draining: asyncio.Event) -> AsyncIterator[Tail]:
    watched = Tail(log, draining)
    async with watched.following(), asyncio.timeout(WAIT_SECONDS):
        yield watched


async def take(stream: Stream, number: int) -> list[int]:
    """Return the places of the next activities, heartbeats left out."""
    places: list[int] = []
    while len(places) < number:
        place, item = await anext(stream)
        if item is not None:
            assert item.seq == place
            places.append(place)
    return places


async def test_many_who_watch_cost_no_more_reads_than_one(log: FakeLog, tail: Tail) -> None:
    streams = [tail.watch([], 0) for _ in range(300)]
    for stream in streams:
        assert await anext(stream) == (0, None)
    log.add("odd")
    tail.stir()
    assert await asyncio.gather(*(take(stream, 1) for stream in streams)) == [[1]] * 300
    waiting = [asyncio.create_task(take(stream, 40)) for stream in streams]
    before = log.reads
    for place in range(2, 42):
        log.add("odd")
        tail.stir()
        assert await take(tail.watch([], place - 1), 1) == [place]
    assert await asyncio.gather(*waiting) == [list(range(2, 42))] * 300
    # Two for each activity: the loop looks for it, and again for what may have come behind it.
    assert log.reads - before < 200


async def test_a_slow_reader_misses_nothing_and_delays_nobody(log: FakeLog, tail: Tail) -> None:
    slow, quick = tail.watch([], 0), tail.watch([], 0)
    assert (await anext(slow), await anext(quick)) == ((0, None), (0, None))
    log.add("odd", 5_000)
    tail.stir()
    assert await take(slow, 1) == [1]
    assert await take(quick, 5_000) == list(range(1, 5_001))
    assert len(tail._recent) <= 1_000
    log.add("odd")
    tail.stir()
    assert await take(quick, 1) == [5_001]
    assert await take(slow, 5_000) == list(range(2, 5_002))


async def test_a_filter_holds_for_what_is_kept_and_for_what_was_before(log: FakeLog, tail: Tail) -> None:
    log.add("pia", 150)
    log.add("odd")
    stream = tail.watch(["odd"], 0)
    assert await take(stream, 1) == [151]
    log.add("pia", 3)
    log.add("odd")
    tail.stir()
    assert await take(stream, 1) == [155]


async def test_who_asks_for_no_place_hears_of_what_comes_from_now_on(log: FakeLog, tail: Tail) -> None:
    log.add("odd", 3)
    stream = tail.watch([], None)
    assert await anext(stream) == (3, None)
    log.add("odd")
    tail.stir()
    assert await take(stream, 1) == [4]


async def test_what_other_processes_log_is_found_without_a_word(log: FakeLog, tail: Tail) -> None:
    stream = tail.watch([], None)
    assert await anext(stream) == (0, None)
    log.add("odd")
    assert await take(stream, 1) == [1]


async def test_nobody_reads_a_log_that_nobody_watches(log: FakeLog, tail: Tail) -> None:
    stream = tail.watch([], None)
    await anext(stream)
    log.add("odd")
    tail.stir()
    await take(stream, 1)
    await stream.aclose()  # type: ignore[attr-defined]
    reads = log.reads
    for _ in range(5):
        log.add("odd")
        tail.stir()
        await asyncio.sleep(0)
    assert log.reads <= reads + 1
    assert await take(tail.watch([], 1), 5) == [2, 3, 4, 5, 6]


async def test_a_store_that_fails_once_ends_no_stream(log: FakeLog, tail: Tail) -> None:
    stream = tail.watch([], None)
    await anext(stream)
    log.add("odd")
    tail.stir()
    await take(stream, 1)
    while tail._begin is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    log.failures = 1
    log.add("odd")
    tail.stir()
    assert await take(stream, 1) == [2]


async def test_streams_end_when_the_service_drains(tail: Tail, draining: asyncio.Event) -> None:
    stream = tail.watch([], None)
    await anext(stream)
    ended = asyncio.create_task(take(stream, 1))
    await asyncio.sleep(0)
    draining.set()
    with pytest.raises(Stopping):
        await ended
