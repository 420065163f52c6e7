"""Rounded vectors, compared one by one."""

import asyncio
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.adapters import rounded
from services.memory.adapters.matrices import RoundedMatrices
from services.memory.adapters.rounded import RoundedMatrix
from services.memory.domain.vectors import Vector

DIMENSIONS = 64


def vector(seq: int, agent_id: str = "agt_a", like: int | None = None, dimensions: int = DIMENSIONS) -> Vector:
    """Return a vector in a direction of its number's own, or of another's."""
    row = np.random.default_rng(seq if like is None else like).standard_normal(dimensions)
    return Vector(seq, agent_id, (row / np.linalg.norm(row)).astype("<f4").tobytes())


def cosine(one: Vector, other: Vector) -> float:
    return float(np.frombuffer(one.data, "<f4") @ np.frombuffer(other.data, "<f4"))


async def test_the_nearest_are_those_of_the_unrounded_vectors() -> None:
    vectors = [vector(seq) for seq in range(1000)]
    matrix = RoundedMatrix(vectors)
    for wanted in (vector(5000), vector(7)):
        by_distance = sorted(vectors, key=lambda held: -cosine(held, wanted))
        assert {held.seq for held in by_distance[:30]} <= set(await matrix.nearest(wanted.data, 40))


def test_rounding_moves_a_cosine_by_little() -> None:
    vectors = [vector(seq) for seq in range(500)]
    wanted = vector(5000)
    found = RoundedMatrix(vectors).similarities(wanted.data, range(500))
    differences = [abs(cosine(held, wanted) - similarity) for held, similarity in zip(vectors, found, strict=True)]
    assert max(differences) < 0.006
    assert sum(differences) / 500 < 0.0015


async def test_what_is_not_there_is_similar_to_nothing() -> None:
    matrix = RoundedMatrix([vector(1), vector(9)])
    *missing, there = matrix.similarities(vector(9).data, [0, 5, 10, 9])
    assert missing == [0, 0, 0]
    # Not for equality with what it is alone: a product of matrices and one of vectors may round differently.
    assert there == pytest.approx(1, abs=0.01)
    assert RoundedMatrix([]).similarities(vector(9).data, [1, 2]) == [0, 0]
    assert await RoundedMatrix([]).nearest(vector(9).data, 5) == []


async def test_a_text_without_a_direction_is_held_too() -> None:
    matrix = RoundedMatrix([Vector(1, "agt_a", bytes(4 * DIMENSIONS)), vector(2)])
    assert matrix.similarities(vector(2).data, [1]) == [0.0]
    assert await matrix.nearest(vector(2).data, 1) == [2]


async def test_what_is_removed_is_not_proposed_any_more() -> None:
    matrix = RoundedMatrix([vector(seq) for seq in range(5)])
    matrix.remove([])
    for gone in ([2], [2, 4], [0, 77]):
        matrix.remove(gone)
    assert await matrix.nearest(vector(2).data, 10) == [1, 3]
    assert matrix.similarities(vector(3).data, [2, 3, 4])[1] > 0.99
    matrix.put([vector(4)])
    assert await matrix.nearest(vector(2).data, 10) == [1, 3, 4]


async def test_writes_while_many_are_compared_are_not_mixed_up_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = RoundedMatrix([vector(seq) for seq in range(1, 3_001)])
    begins, goes_on, compare = threading.Event(), threading.Event(), rounded._compare

    def compare_later(*given: Any) -> Any:
        begins.set()
        assert goes_on.wait(10)
        return compare(*given)

    monkeypatch.setattr(rounded, "_compare", compare_later)
    looking = asyncio.create_task(matrix.nearest(vector(2_000).data, 5))
    assert await asyncio.to_thread(begins.wait, 10)
    matrix.put([vector(2_000, like=1)])
    matrix.remove(range(1, 1_000))
    matrix.put([vector(0), vector(4_000), vector(2_500, like=2_000)])
    goes_on.set()
    found = await looking
    assert 2_000 in found, "it is what it was when the search began"
    assert set(found) <= set(range(1, 3_001))
    assert await matrix.nearest(vector(2_000).data, 1) == [2_500]
    assert {0, 4_000} <= set(await matrix.nearest(vector(0).data, 1) + await matrix.nearest(vector(4_000).data, 1))


@given(st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1000)), max_size=20), max_size=12))
async def test_after_any_writes_each_number_has_its_last_vector(groups: list[list[tuple[int, int]]]) -> None:
    matrix, last = RoundedMatrix([vector(100)]), {100: 100}
    for group in groups:
        matrix.put([vector(seq, like=like) for seq, like in group])
        last |= dict(group)
    assert sorted(await matrix.nearest(vector(0).data, 1000)) == sorted(last)
    for seq, like in last.items():
        assert matrix.similarities(vector(seq, like=like).data, [seq])[0] > 0.99


async def test_agents_that_were_not_asked_for_the_longest_time_give_way() -> None:
    one = RoundedMatrix([vector(seq) for seq in range(10)]).size
    kept = RoundedMatrices(most_bytes=3 * one)
    for agent_id in "abc":
        await kept.make(agent_id, [vector(seq, agent_id) for seq in range(10)])
    assert kept.of("a") is not None
    await kept.make("d", [vector(seq, "d") for seq in range(10)])
    assert [agent_id for agent_id in "abcd" if kept.of(agent_id)] == ["a", "c", "d"]


async def test_an_agent_that_grows_makes_others_give_way() -> None:
    many = [vector(seq, "b") for seq in range(1, 1_000)]
    kept = RoundedMatrices(most_bytes=RoundedMatrix(many).size)
    await kept.make("a", [vector(0, "a")])
    await kept.make("b", many[:1])
    assert kept.put("b", many[1:]) == 999
    assert kept.of("a") is None
    assert kept.of("b") is not None
    assert kept.put("b", [vector(seq, "b") for seq in range(2_000, 4_000)]) == 2_999
    assert kept.of("b") is None, "one agent alone is more than there is room for"
    await kept.make("a", [vector(0, "a")])
    assert kept.of("a") is not None, "the room is counted right after all that"


async def test_vectors_of_another_model_are_not_mixed_in() -> None:
    kept = RoundedMatrices(2**20)
    await kept.make("a", [vector(1, "a")])
    assert kept.put("a", [vector(2, "a", dimensions=32)]) == 0
    assert kept.of("a") is None
    await kept.make("a", [])
    assert kept.put("a", [vector(2, "a")]) == 0
    assert kept.of("a") is None, "an empty one doesn't know how long vectors are"


async def test_what_is_dropped_is_gone() -> None:
    kept = RoundedMatrices(2**20)
    for agent_id in "ab":
        await kept.make(agent_id, [vector(1, agent_id)])
    kept.drop("a")
    kept.drop("c")
    assert kept.of("a") is None
    kept.clear()
    assert kept.of("b") is None
    assert kept.put("b", [vector(2, "b")]) == 0


async def test_agents_that_remember_nothing_are_not_kept_without_end() -> None:
    kept = RoundedMatrices(most_bytes=10_000)
    for number in range(100):
        await kept.make(str(number), [])
    assert sum(kept.of(str(number)) is not None for number in range(100)) == 10
