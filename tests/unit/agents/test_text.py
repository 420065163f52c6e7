"""Reading texts as a reader would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agents.domain import text as texts


def test_texts_that_share_a_passage_share_a_run_of_words() -> None:
    mine, theirs = "So I said: the gate is open!", "He heard that the gate is open to him."
    assert texts.passages(mine, 4) & texts.passages(theirs, 4) == {("the", "gate", "is", "open")}
    assert texts.passages("gates", 4) == frozenset()


def test_a_post_is_heard_without_its_handles_and_links() -> None:
    assert texts.spoken("@wren @otto  look https://t.co/x at me@home") == "look at me@home"
    assert texts.spoken("@wren今日は霧。 \uff20otto") == "今日は霧。"
    assert texts.spoken("سلام @wrenكيف حالك") == "سلام كيف حالك"


@given(st.text(max_size=80), st.integers(1, 40))
def test_a_line_is_never_too_long(text: str, limit: int) -> None:
    line = texts.line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line


@given(st.text(max_size=60))
def test_a_text_is_like_itself(text: str) -> None:
    mine = texts.trigrams(text)
    assert texts.nearest(mine, [mine]) in (0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It\u2019s a snow_ball.", ["it's", "a", "snow", "ball"]),
        ("की किताब", ["की", "किताब"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("كُتُب", ["كُتُب"]),
    ],
)  # fmt: skip
def test_marks_belong_to_their_word(text: str, said: list[str]) -> None:
    assert texts.words(text) == said


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("en", "Dr. Wren came at 5 p.m. and left. Fine.", ["Dr. Wren came at 5 p.m. and left.", "Fine."]),
        ("de", "Es kostet 0,05 SOL, z. B. heute. Am 3. Mai.", ["Es kostet 0,05 SOL, z. B. heute.", "Am 3. Mai."]),
        ("ja", "霧が来た。寒い!", ["霧が来た。", "寒い!"]),
        ("hi", "रात। दिन।", ["रात।", "दिन।"]),
        ("ar", "نعم؟ لا.", ["نعم؟", "لا."]),
    ],
)  # fmt: skip
def test_sentences_end_as_their_language_ends_them(language: str, text: str, sentences: list[str]) -> None:
    assert texts.sentences(text, [language]) == sentences


def test_a_line_is_cut_between_words_or_signs_as_a_reader_counts_them() -> None:
    assert texts.line("the gate is open", 11) == "the gate is"
    # Behind a space near the beginning, most of a text without spaces would be lost.
    assert texts.line("霧 かもめが屋根で会議", 8) == "霧 かもめが屋根"
    assert texts.line("หิหิหิ", 5) == "หิหิ"


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("今日はZukineです", "今日は Zukine です"),
        # A vowel sign of another script, which combines with nothing by its class, hides no seam.
        ("今日は\u0947Zukineです", "今日は\u0947 Zukine です"),
        ("ไปที่Zukineกัน", "ไปที่ Zukine กัน"),
        ("ज़ूकीने में", "ज़ूकीने में"),
    ],
)
def test_words_of_scripts_with_and_without_spaces_are_told_apart(text: str, apart: str) -> None:
    assert texts.parted(text) == apart
