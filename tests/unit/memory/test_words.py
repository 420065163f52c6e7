"""Words."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.memory.domain.words import (
    day_words,
    fold,
    indexed_words,
    query_terms,
    spaced,
    without,
)


def test_case_and_accents_make_no_difference() -> None:
    assert fold("Ärger im CAFÉ") == fold("arger im cafe")
    assert fold("STRASSE") == fold("Straße")


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_a_query_is_looked_for_by_the_words_that_say_something_each_once() -> None:
    assert query_terms("What did Nova say about the sea, the SEA?") == ["nova", "say", "sea"]


def test_a_query_of_stop_words_only_is_looked_for_by_all_of_them() -> None:
    assert query_terms("Who are you?") == ["who", "are", "you"]


def test_a_query_without_words_has_none() -> None:
    assert query_terms("?! ... _") == []


def test_words_are_cut_at_everything_that_is_no_letter_or_digit() -> None:
    assert query_terms("SOL/USDC nova.ai 3.14 foo_bar") == ["sol", "usdc", "nova", "ai", "3", "14", "foo", "bar"]


def test_where_words_have_no_ends_every_letter_and_every_two_neighbours_are_looked_for() -> None:
    assert indexed_words("\u6771\u4eac\u99c5") == ["\u6771", "\u4eac", "\u99c5", "\u6771\u4eac", "\u4eac\u99c5"]
    assert indexed_words("in \u6771\u4eac 2024") == ["in", "\u6771", "\u4eac", "\u6771\u4eac", "2024"]
    assert indexed_words("\uc74c\uc2dd\uc744")[3:] == ["\uc74c\uc2dd", "\uc2dd\uc744"], "Hangul in whole syllables"


def test_vowel_signs_cut_no_word_in_pieces() -> None:
    assert indexed_words("\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e") == [
        "\u0939\u0928\u0926",
        "\u092d\u0937",
    ]
    assert query_terms("\u0e17\u0e35\u0e48\u0e19\u0e31\u0e48\u0e19") == ["\u0e17\u0e19\u0e19"]


@given(st.text())
def test_what_is_indexed_has_the_words_of_every_query_for_it(text: str) -> None:
    assert set(indexed_words(" ".join(query_terms(text)))) <= set(indexed_words(text))


@given(st.text(st.characters(codec="ascii")))
def test_plain_words_are_indexed_as_they_are(text: str) -> None:
    assert spaced(text) == fold(text)


def test_a_day_is_written_in_the_words_of_a_question() -> None:
    assert day_words(datetime(2024, 2, 29, 23, tzinfo=UTC)) == "29 february 2024 thursday"


def test_the_words_of_a_name_are_left_out() -> None:
    assert without(["ana maria", "bo"], ["ana", "likes", "bo", "bob"]) == ["likes", "bob"]
