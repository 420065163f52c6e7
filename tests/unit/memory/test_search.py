"""Hybrid search: what a score is made of."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.domain.search import (
    ENTITY_BONUS,
    Candidate,
    Parts,
    Query,
    Recipe,
    weigh,
)
from tests.unit.memory.examples import NOW

SHARES = st.floats(0, 1)
SHORT_TEXTS = Recipe.of(mean_words=12, familiarity=1.0)
QUERY = Query("agt_a", "what did nova say about the sea")


def candidate(subject: str = "", author: str = "", importance: float = 0.5, days: float = 0) -> Candidate:
    return Candidate(1, b"", subject, author, importance, NOW - timedelta(days=days))


def weighed(
    query: Query,
    found: Candidate,
    lexical: float,
    similarity: float,
    named: set[str],
    recipe: Recipe = SHORT_TEXTS,
) -> Parts:
    return weigh(query, recipe, found, lexical, similarity, named, NOW)


def test_words_and_meaning_count_by_their_weights() -> None:
    parts = weighed(QUERY, candidate(), 0.5, 0.25, set())
    assert parts.lexical == pytest.approx(0.7 * 0.5)
    assert parts.vector == pytest.approx(0.3 * 0.25)
    assert (parts.entity, parts.recency, parts.importance) == (0, 0, 0)


def test_meaning_counts_the_more_the_longer_the_texts_are_that_an_agent_has() -> None:
    weights = [Recipe.of(words, 1.0).meaning for words in (0, 5, 30, 60, 100, 150, 600)]
    assert weights == sorted(weights)
    assert weights[:3] == pytest.approx([0.3] * 3)
    assert 0.3 < weights[3] < weights[4] < 0.7
    assert weights[5:] == pytest.approx([0.7] * 2)
    parts = weighed(QUERY, candidate(), 0.5, 0.25, set(), Recipe.of(200, 1.0))
    assert [parts.lexical, parts.vector] == pytest.approx([0.3 * 0.5, 0.7 * 0.25])


def test_meaning_counts_little_where_the_embedder_knows_none_of_the_words() -> None:
    weights = [Recipe.of(12, familiarity).meaning for familiarity in (1.0, 0.5, 0.25, 0.0)]
    assert weights == pytest.approx([0.3, 0.15, 0.075, 0.075])


def test_where_texts_are_long_one_that_says_much_has_less_of_its_score() -> None:
    recipe = Recipe.of(200, 1.0)
    shares = [recipe.share(characters) for characters in (10, 300, 600, 4_000)]
    assert shares[:2] == [1.0, 1.0]
    assert 1 > shares[2] > shares[3] > 0.7
    assert SHORT_TEXTS.share(4_000) == 1.0
    long = candidate()._replace(characters=4_000)
    assert weighed(QUERY, long, 0.5, 0.5, set(), recipe).fit < weighed(QUERY, candidate(), 0.5, 0.5, set(), recipe).fit


def test_a_meaning_that_points_away_takes_nothing_off() -> None:
    assert weighed(QUERY, candidate(), 0.5, -1.0, set()).vector == 0


@pytest.mark.parametrize("whose", [candidate(subject="nova"), candidate(author="nova")])
def test_what_is_about_or_by_the_only_one_named_counts_more(whose: Candidate) -> None:
    parts = weighed(QUERY, whose, 1.0, 1.0, {"nova"})
    assert parts.entity == pytest.approx(ENTITY_BONUS)
    assert weighed(QUERY, candidate(), 1.0, 1.0, {"nova"}).entity == 0


def test_two_who_are_named_give_nobody_a_bonus() -> None:
    assert weighed(QUERY, candidate(subject="nova"), 1.0, 1.0, {"nova", "bo"}).entity == 0


def test_what_happened_a_week_ago_counts_half() -> None:
    query = Query("agt_a", "sea", recency_weight=0.8)
    assert weighed(query, candidate(), 0, 0, set()).recency == pytest.approx(0.8)
    assert weighed(query, candidate(days=7), 0, 0, set()).recency == pytest.approx(0.4)


def test_what_is_to_happen_counts_as_now() -> None:
    query = Query("agt_a", "sea", recency_weight=1.0)
    assert weighed(query, candidate(days=-30), 0, 0, set()).recency == 1.0


def test_importance_counts_as_much_as_is_asked_for() -> None:
    query = Query("agt_a", "sea", importance_weight=0.5)
    assert weighed(query, candidate(importance=0.6), 0, 0, set()).importance == pytest.approx(0.3)


@given(SHARES, st.floats(-1, 1), SHARES, SHARES, SHARES, st.floats(0, 10_000), st.booleans(), SHARES)
def test_the_parts_sum_to_the_score_and_the_fit_is_a_share(
    lexical: float,
    similarity: float,
    recency: float,
    weight: float,
    importance: float,
    days: float,
    named: bool,
    length: float,
) -> None:
    query = Query("agt_a", "sea", recency_weight=recency, importance_weight=weight)
    parts = weighed(
        query,
        candidate("nova", importance=importance, days=days),
        lexical,
        similarity,
        {"nova"} if named else set(),
        Recipe.of(30 + 120 * length, 1.0),
    )
    total = parts.lexical + parts.vector + parts.entity + parts.recency + parts.importance
    assert parts.score == pytest.approx(total)
    assert 0 <= parts.fit <= 1
    assert all(part >= 0 for part in (parts.lexical, parts.vector, parts.entity, parts.recency, parts.importance))


def test_names_are_looked_for_as_all_words_are() -> None:
    assert QUERY.terms == ["nova", "say", "sea"]


def test_a_query_that_is_only_a_name_is_looked_for_by_it() -> None:
    query = Query("agt_a", "Nova")
    assert query.possible_names.places.keys() == {"nova"}
    assert query.terms == ["nova"]
    assert query.meaning({"nova"}) == "Nova"


def test_the_meaning_of_a_query_is_free_of_stop_words_and_names() -> None:
    assert QUERY.meaning({"nova"}) == "say sea"
    assert Query("agt_a", "?!").meaning(set()) == "?!"
