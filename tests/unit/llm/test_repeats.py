"""A request that is repeated by its id is answered once, on both databases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.llm import bootstrap
from services.llm.adapters.sql import SqlRecords
from services.llm.ports import Store
from services.llm.service.repeats import Repeats
from services.runtime.db import Database
from services.runtime.errors import RequestIdReused, Unavailable
from services.runtime.idempotency import RequestKey
from services.runtime.sql import SqlStore

HOURS = timedelta(hours=6)


def key(request_id: str = "one", body: bytes = b"rain", principal: str = "agents") -> RequestKey:
    return RequestKey.of(principal, "Generate", request_id, body)


class Pen:
    """Writes another answer each time, once it may."""

    def __init__(self) -> None:
        self.count = 0
        self.has_begun = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.stopped = 0

    async def __call__(self) -> bytes:
        self.count += 1
        self.has_begun.set()
        try:
            await self.may_write.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return b"answer %d" % self.count


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    database = Database(database_url)
    await database.migrate(Path(bootstrap.__file__).with_name("migrations"))
    yield SqlStore(database, SqlRecords)
    await database.close()


@pytest.fixture
def repeats(store: Store) -> Repeats:
    return Repeats(store, HOURS)


async def test_a_repeated_request_gets_the_first_answer_after_a_restart_too(repeats: Repeats, store: Store) -> None:
    pen = Pen()
    assert await repeats.answer(key(), pen) == b"answer 1"
    assert await repeats.answer(key(), pen) == b"answer 1"
    assert await Repeats(store, HOURS).answer(key(), pen) == b"answer 1"


async def test_another_body_under_the_id_is_refused_and_the_field_is_named(repeats: Repeats) -> None:
    await repeats.answer(key(), Pen())
    with pytest.raises(RequestIdReused) as refused:
        await repeats.answer(key(body=b"snow"), Pen())
    assert [violation.field for violation in refused.value.violations] == ["request_id"]


async def test_two_callers_with_one_id_don_t_meet(repeats: Repeats) -> None:
    pen = Pen()
    assert await repeats.answer(key(principal="a"), pen) == b"answer 1"
    assert await repeats.answer(key(principal="b"), pen) == b"answer 2"


async def test_who_asks_while_it_is_written_waits_for_it(repeats: Repeats) -> None:
    pen = Pen()
    pen.may_write.clear()
    both = [asyncio.create_task(repeats.answer(key(), pen)) for _ in range(2)]
    await pen.has_begun.wait()
    with pytest.raises(RequestIdReused):
        await repeats.answer(key(body=b"snow"), pen)
    pen.may_write.set()
    assert await asyncio.gather(*both) == [b"answer 1", b"answer 1"]


async def test_it_is_written_for_as_long_as_somebody_waits(repeats: Repeats) -> None:
    pen = Pen()
    pen.may_write.clear()
    one, other = (asyncio.create_task(repeats.answer(key(), pen)) for _ in range(2))
    await pen.has_begun.wait()
    one.cancel()
    await asyncio.wait({one})
    assert pen.stopped == 0
    other.cancel()
    await asyncio.wait({other})
    assert pen.stopped == 1
    pen.may_write.set()
    assert await repeats.answer(key(), pen) == b"answer 2"


async def test_a_failure_is_told_and_not_kept(repeats: Repeats) -> None:
    async def fails() -> bytes:
        raise Unavailable("not now")

    with pytest.raises(Unavailable):
        await repeats.answer(key(), fails)
    assert await repeats.answer(key(), Pen()) == b"answer 1"


async def test_an_answer_is_deleted_when_its_time_is_over(repeats: Repeats, store: Store) -> None:
    await repeats.answer(key(), Pen())
    await repeats.tidy()
    async with store.reading() as records:
        assert await records.answer_of(key()) is not None
    brief, pen = Repeats(store, timedelta(microseconds=1)), Pen()
    pen.count = 1
    assert await brief.answer(key(body=b"snow"), pen) == b"answer 2"
    await brief.tidy()
    async with store.reading() as records:
        assert await records.answer_of(key()) is None


async def test_where_nothing_is_to_be_kept_nothing_is(store: Store) -> None:
    forgetful, pen = Repeats(store, timedelta(0)), Pen()
    assert [await forgetful.answer(key(), pen) for _ in range(2)] == [b"answer 1", b"answer 2"]
    async with store.reading() as records:
        assert await records.answer_of(key()) is None
