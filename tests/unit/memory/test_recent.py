"""Vectors that the index doesn't have yet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.adapters import recent_matrix
from services.memory.adapters.recent import RecentVectors
from services.memory.domain.vectors import Vector

DIMENSIONS = 8


def vector(seq: int, agent_id: str = "agt_a", dimensions: int = DIMENSIONS) -> Vector:
    row = np.random.default_rng(seq).standard_normal(dimensions)
    return Vector(seq, agent_id, (row / np.linalg.norm(row)).astype("<f4").tobytes())


async def nearest(vectors: RecentVectors, wanted: Vector, limit: int) -> set[int]:
    return set(await vectors.nearest(wanted.agent_id, wanted.data, limit))


async def test_only_an_agents_own_are_proposed() -> None:
    vectors = RecentVectors()
    vectors.put([vector(1), vector(2), vector(3, "agt_b")])
    assert await nearest(vectors, vector(3), 10) == {1, 2}
    assert await nearest(vectors, vector(1, "agt_c"), 10) == set()


async def test_of_more_than_are_wanted_the_nearest_are_proposed() -> None:
    vectors = RecentVectors()
    vectors.put([vector(seq) for seq in range(100)])
    wanted = vector(42)
    row = np.frombuffer(wanted.data, "<f4")
    by_distance = sorted(range(100), key=lambda seq: -float(np.frombuffer(vector(seq).data, "<f4") @ row))
    assert await nearest(vectors, wanted, 7) == set(by_distance[:7])


async def test_many_are_compared_in_a_thread_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = RecentVectors()
    vectors.put([vector(seq) for seq in range(50)])
    at_once = await nearest(vectors, vector(7), 5)
    monkeypatch.setattr(recent_matrix, "_LONG", 10)
    assert await nearest(vectors, vector(7), 5) == at_once


async def test_the_same_number_again_replaces_the_vector() -> None:
    vectors = RecentVectors()
    vectors.put([vector(seq) for seq in range(20)])
    vectors.put([Vector(5, "agt_a", vector(77).data)])
    assert await nearest(vectors, vector(77), 1) == {5}
    assert len(await nearest(vectors, vector(77), 100)) == 20


async def test_dropping_what_is_not_there_is_no_error() -> None:
    vectors = RecentVectors()
    vectors.drop([1])
    vectors.put([vector(1)])
    vectors.drop([1, 1, 2])
    assert await nearest(vectors, vector(1), 10) == set()


async def test_vectors_of_another_model_take_the_place_of_those_before() -> None:
    vectors = RecentVectors()
    vectors.put([vector(1), vector(2)])
    longer = vector(3, dimensions=16)
    vectors.put([longer])
    assert await nearest(vectors, longer, 10) == {3}
    assert await nearest(vectors, vector(1), 10) == set(), "a query of the other model finds nothing"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.sampled_from(["agt_a", "agt_b"])), max_size=60))
async def test_after_any_puts_and_drops_exactly_what_is_left_is_found(steps: list[tuple[bool, int, str]]) -> None:
    vectors, left = RecentVectors(), dict[int, str]()
    for is_put, number, agent_id in steps:
        seq = 2 * number + (agent_id == "agt_b")  # a number belongs to one agent
        if is_put:
            vectors.put([vector(seq, agent_id)])
            left[seq] = agent_id
        else:
            vectors.drop([seq])
            left.pop(seq, None)
    for agent_id in ("agt_a", "agt_b"):
        assert await nearest(vectors, vector(0, agent_id), 100) == {seq for seq in left if left[seq] == agent_id}
        for seq in (seq for seq in left if left[seq] == agent_id):
            assert await nearest(vectors, vector(seq, agent_id), 1) == {seq}
