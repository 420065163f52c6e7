"""Relationships: how what happens moves them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.domain.relationships import MAX_EXPERIENCES, Change, NewInteraction, Relationship
from services.runtime.errors import Conflict
from tests.unit.memory.examples import NOW

DELTAS = st.floats(-1, 1)


def stranger() -> Relationship:
    return Relationship(agent_id="agt_a", counterpart="nova", create_time=NOW, update_time=NOW)


def test_a_stranger_is_neither_liked_nor_known() -> None:
    known = stranger()
    assert (known.sentiment, known.familiarity, known.trust, known.interaction_count) == (0, 0, 0, 0)


def test_an_interaction_moves_counts_and_is_recorded() -> None:
    known, later = stranger(), NOW + timedelta(hours=1)
    recorded = known.record(NewInteraction("met at sea", 0.5, 0.25, -0.5), later)
    assert (known.sentiment, known.familiarity, known.trust) == (0.5, 0.25, -0.5)
    assert (known.interaction_count, known.last_interaction, known.last_interaction_time) == (1, "met at sea", later)
    assert (recorded.agent_id, recorded.counterpart, recorded.summary) == ("agt_a", "nova", "met at sea")
    assert (recorded.sentiment_delta, recorded.familiarity_delta, recorded.trust_delta) == (0.5, 0.25, -0.5)
    assert recorded.create_time == known.update_time == later


def test_a_delta_beyond_the_end_of_a_range_is_recorded_as_what_was_left() -> None:
    known = stranger()
    known.record(NewInteraction("first", 0.75, -0.5, -1), NOW)
    recorded = known.record(NewInteraction("second", 1, 1, -1), NOW)
    assert (recorded.sentiment_delta, recorded.familiarity_delta, recorded.trust_delta) == (0.25, 1, 0)


@given(st.lists(st.tuples(DELTAS, DELTAS, DELTAS), max_size=20))
def test_recorded_deltas_add_up_to_where_it_stands_which_is_always_in_range(
    deltas: list[tuple[float, float, float]],
) -> None:
    known = stranger()
    moved = [known.record(NewInteraction("talked", *delta), NOW) for delta in deltas]
    assert -1 <= known.sentiment <= 1
    assert 0 <= known.familiarity <= 1
    assert -1 <= known.trust <= 1
    assert sum(item.sentiment_delta for item in moved) == pytest.approx(known.sentiment)
    assert sum(item.familiarity_delta for item in moved) == pytest.approx(known.familiarity)
    assert sum(item.trust_delta for item in moved) == pytest.approx(known.trust)
    assert known.interaction_count == known.version == len(deltas)


def test_of_shared_experiences_the_oldest_gives_way() -> None:
    known = stranger()
    for number in range(MAX_EXPERIENCES + 2):
        known.record(NewInteraction("talked", 0, 0, 0, f"storm {number}"), NOW)
    known.record(NewInteraction("talked", 0, 0, 0), NOW)
    assert known.shared_experiences == [f"storm {number}" for number in range(2, MAX_EXPERIENCES + 2)]


def test_an_etag_that_is_not_the_current_one_is_refused() -> None:
    known, who = stranger(), ("agt_a", "nova")
    known.change(Change(*who, {"trust": 0.5}, known.etag), NOW)
    with pytest.raises(Conflict):
        known.change(Change(*who, {"trust": 0.1}, "0"), NOW)
    assert (known.trust, known.etag) == (0.5, "1")
