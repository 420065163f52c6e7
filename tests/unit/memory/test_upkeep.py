"""What is forgotten by itself, and what a comparison shows."""

from datetime import timedelta

import pytest

from services.memory.domain.memories import MemoryKind
from services.memory.domain.upkeep import Retention
from services.memory.domain.vectors import Comparison
from tests.unit.memory.examples import NOW


def test_core_memories_are_kept_whatever_is_said() -> None:
    kept = {MemoryKind.CORE: timedelta(days=1), MemoryKind.RECENT: timedelta(days=14)}
    assert Retention(kept, timedelta(), 10).outdated_before(NOW) == {MemoryKind.RECENT: NOW - timedelta(days=14)}


@pytest.mark.parametrize("found", [Comparison(5, 1, 0, 0, 0), Comparison(5, 0, 1, 0, 0), Comparison(5, 0, 0, 1, 0)])
def test_any_difference_is_inconsistent(found: Comparison) -> None:
    assert not found.is_consistent
    assert Comparison(5, 0, 0, 0, 0).is_consistent


def test_an_index_that_misses_one_in_a_hundred_is_consistent_and_one_that_misses_more_is_damaged() -> None:
    assert Comparison(200, 0, 0, 0, 2).is_consistent
    assert not Comparison(200, 0, 0, 0, 3).is_consistent
