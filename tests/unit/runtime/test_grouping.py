"""Concurrent calls that are carried out together."""

import asyncio
from collections.abc import Sequence

import pytest

from services.runtime.grouping import Grouping


class Work:
    """Doubles numbers when it is let; negative ones are refused, and 0 breaks the whole group."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.let = asyncio.Event()

    async def double(self, numbers: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(numbers))
        await self.let.wait()
        if 0 in numbers:
            raise RuntimeError("broken")
        return [ValueError(number) if number < 0 else 2 * number for number in numbers]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def grouping(work: Work) -> Grouping[int, int]:
    return Grouping(work.double, 3)


async def begun(grouping: Grouping[int, int], numbers: Sequence[int]) -> list[asyncio.Task[int]]:
    """Start to join with each number, in this order."""
    tasks = [asyncio.create_task(grouping.join(number)) for number in numbers]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_a_lone_call_is_carried_out_at_once(grouping: Grouping[int, int], work: Work) -> None:
    work.let.set()
    assert await grouping.join(1) == 2
    assert await grouping.join(2) == 4
    assert work.groups == [[1], [2]]


async def test_what_arrives_meanwhile_makes_the_next_groups_in_order(grouping: Grouping[int, int], work: Work) -> None:
    first = await begun(grouping, [1])
    rest = await begun(grouping, [2, 3, 4, 5])
    assert work.groups == [[1]]
    work.let.set()
    assert await asyncio.gather(*first, *rest) == [2, 4, 6, 8, 10]
    assert work.groups == [[1], [2, 3, 4], [5]]


async def test_a_refused_item_is_refused_alone(grouping: Grouping[int, int], work: Work) -> None:
    tasks = await begun(grouping, [1, 2, -3])
    work.let.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[:2] == [2, 4]
    assert isinstance(results[2], ValueError)


async def test_what_breaks_the_work_is_told_to_the_whole_group_and_to_nobody_else(
    grouping: Grouping[int, int], work: Work
) -> None:
    before = await begun(grouping, [7])
    broken = await begun(grouping, [1, 0, 2])
    after = await begun(grouping, [3])
    work.let.set()
    results = await asyncio.gather(*before, *broken, *after, return_exceptions=True)
    assert [results[0], results[-1]] == [14, 6]
    assert all(isinstance(result, RuntimeError) for result in results[1:-1])


async def test_a_caller_that_goes_away_stops_nothing(grouping: Grouping[int, int], work: Work) -> None:
    [leaving, staying] = await begun(grouping, [1, 2])
    leaving.cancel()
    work.let.set()
    assert await staying == 4
    assert leaving.cancelled()
    assert [number for group in work.groups for number in group] == [1, 2]
