"""Reading texts as a reader would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agents.domain import text as texts


def test_forms_of_a_word_share_a_stem() -> None:
    assert len({texts.stem(word) for word in ("trade", "trades", "traded", "trading")}) == 1


def test_words_with_meaning_are_what_counts() -> None:
    assert texts.shared("What is it with the gates?", "He was painting a gate.") == {texts.stem("gate")}
    assert texts.content("It is what it is, and that was that.") == frozenset()


@pytest.mark.parametrize(
    ("text", "length"),
    [("abc", 3), ("https://a.very.long/address?with=many", 23), ("日本", 4), ("cafe\u0301", 4), ("it\u2019s", 4)],
)
def test_the_length_is_the_networks(text: str, length: int) -> None:
    assert texts.weighted_length(text) == length


def test_texts_that_share_a_passage_share_a_run_of_words() -> None:
    mine, theirs = "So I said: the gate is open!", "He heard that the gate is open to him."
    assert texts.passages(mine, 4) & texts.passages(theirs, 4) == {("the", "gate", "is", "open")}
    assert texts.passages("gates", 4) == frozenset()


def test_a_gist_is_the_first_words_with_meaning() -> None:
    assert texts.gist("I have delivered one letter for eleven years.") == "delivered letter eleven years"


def test_a_post_is_heard_without_its_handles_and_links() -> None:
    assert texts.spoken("@wren @otto  look https://t.co/x at me@home") == "look at me@home"
    assert texts.spoken("@wren今日は霧。 \uff20otto") == "今日は霧。"
    assert texts.spoken("سلام @wrenكيف حالك") == "سلام كيف حالك"


@given(st.text(max_size=80), st.integers(1, 40))
def test_a_line_is_never_too_long(text: str, most: int) -> None:
    line = texts.line(text, most)
    assert len(line) <= most
    assert "\n" not in line


@given(st.text(max_size=60))
def test_a_text_is_like_itself(text: str) -> None:
    mine = texts.trigrams(text)
    assert texts.nearest(mine, [mine]) in (0.0, 1.0)
