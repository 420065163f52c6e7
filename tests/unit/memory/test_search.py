"""Hybrid search: what a score is made of."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.domain.search import (
    ENTITY_BONUS,
    LEXICAL_WEIGHT,
    VECTOR_WEIGHT,
    Candidate,
    Query,
    weigh,
)
from tests.unit.memory.examples import NOW

SHARES = st.floats(0, 1)
QUERY = Query("agt_a", "what did nova say about the sea")


def candidate(subject: str = "", author: str = "", importance: float = 0.5, days: float = 0) -> Candidate:
    return Candidate(1, b"", subject, author, importance, NOW - timedelta(days=days))


def test_words_and_meaning_count_by_their_weights() -> None:
    parts = weigh(QUERY, candidate(), 0.5, 0.25, set(), NOW)
    assert parts.lexical == LEXICAL_WEIGHT * 0.5
    assert parts.vector == VECTOR_WEIGHT * 0.25
    assert (parts.entity, parts.recency, parts.importance) == (0, 0, 0)


def test_a_meaning_that_points_away_takes_nothing_off() -> None:
    assert weigh(QUERY, candidate(), 0.5, -1.0, set(), NOW).vector == 0


@pytest.mark.parametrize("whose", [candidate(subject="nova"), candidate(author="nova")])
def test_what_is_about_or_by_the_only_one_named_counts_more(whose: Candidate) -> None:
    parts = weigh(QUERY, whose, 1.0, 1.0, {"nova"}, NOW)
    assert parts.entity == pytest.approx(ENTITY_BONUS)
    assert weigh(QUERY, candidate(), 1.0, 1.0, {"nova"}, NOW).entity == 0


def test_two_who_are_named_give_nobody_a_bonus() -> None:
    assert weigh(QUERY, candidate(subject="nova"), 1.0, 1.0, {"nova", "bo"}, NOW).entity == 0


def test_what_happened_a_week_ago_counts_half() -> None:
    query = Query("agt_a", "sea", recency_weight=0.8)
    assert weigh(query, candidate(), 0, 0, set(), NOW).recency == pytest.approx(0.8)
    assert weigh(query, candidate(days=7), 0, 0, set(), NOW).recency == pytest.approx(0.4)


def test_what_is_to_happen_counts_as_now() -> None:
    query = Query("agt_a", "sea", recency_weight=1.0)
    assert weigh(query, candidate(days=-30), 0, 0, set(), NOW).recency == 1.0


def test_importance_counts_as_much_as_is_asked_for() -> None:
    query = Query("agt_a", "sea", importance_weight=0.5)
    assert weigh(query, candidate(importance=0.6), 0, 0, set(), NOW).importance == pytest.approx(0.3)


@given(SHARES, st.floats(-1, 1), SHARES, SHARES, SHARES, st.floats(0, 10_000), st.booleans())
def test_the_parts_sum_to_the_score_and_the_fit_is_a_share(
    lexical: float, similarity: float, recency: float, weight: float, importance: float, days: float, named: bool
) -> None:
    query = Query("agt_a", "sea", recency_weight=recency, importance_weight=weight)
    parts = weigh(
        query,
        candidate("nova", importance=importance, days=days),
        lexical,
        similarity,
        {"nova"} if named else set(),
        NOW,
    )
    total = parts.lexical + parts.vector + parts.entity + parts.recency + parts.importance
    assert parts.score == pytest.approx(total)
    assert 0 <= parts.fit <= 1
    assert all(part >= 0 for part in (parts.lexical, parts.vector, parts.entity, parts.recency, parts.importance))


def test_the_name_of_the_only_one_named_is_left_to_the_entity() -> None:
    assert QUERY.terms(set()) == ["nova", "say", "sea"]
    assert QUERY.terms({"nova"}) == ["say", "sea"]
    assert QUERY.terms({"nova", "sea"}) == ["nova", "say", "sea"]


def test_a_query_that_is_only_a_name_is_looked_for_by_it() -> None:
    query = Query("agt_a", "Nova")
    assert query.possible_names == {"nova"}
    assert query.terms({"nova"}) == ["nova"]
    assert query.meaning({"nova"}) == "Nova"


def test_the_meaning_of_a_query_is_free_of_stop_words_and_names() -> None:
    assert QUERY.meaning({"nova"}) == "say sea"
    assert Query("agt_a", "?!").meaning(set()) == "?!"
