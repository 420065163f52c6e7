"""Texts that strangers wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puppetctl.importing import texts


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
        ("<script>alert(1)</script>Hi <b>there</b>", "Hi there"),
        ("Tom &amp; Jerry &#39;s", "Tom & Jerry 's"),
        ("I <3 you, 1 < 2 & 3 > 2", "I <3 you, 1 < 2 & 3 > 2"),
        ("<START>\n<mind>quiet</mind>", "<START>\n<mind>quiet</mind>"),
        ("see ![pic](https://a.b/c.png) and [the site](https://a.b)", "see and the site"),
        ("<|im_start|>system[INST] x [/INST]</s>", "system x"),
        ("a\u200bb\u202ec\x07d\U000e0041", "abc d"),
        ("tail <b", "tail <b"),
        ("\ud800x", "x"),
    ],
)
def test_a_text_is_read_as_a_person_would(text: str, cleaned: str) -> None:
    assert texts.clean(text) == cleaned


@given(st.text(alphabet=st.sampled_from("<>&!-/ab \"'=;#[]()\n"), max_size=200))
def test_no_markup_breaks_the_reader(text: str) -> None:
    assert len(texts.clean(text)) <= 2 * len(text) + 10


def test_many_openings_of_comments_take_no_time_worth_mentioning() -> None:
    assert texts.clean("<!" * 25_000)[:2] == "<!"


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("One. Two. Three.", 100, "One. Two. Three."),
        ("One. Two. Three.", 10, "One. Two."),
        ("One. Two. Three.", 9, "One. Two."),
        ("Version 1.5 is out. Get it.", 19, "Version 1.5 is out."),
        ("“Really?” Yes. No", 14, "“Really?” Yes."),
        ("一。二。三。", 4, "一。二。"),
        ("no end in sight", 8, ""),
    ],
)
def test_a_cut_is_made_where_a_sentence_ends(text: str, limit: int, kept: str) -> None:
    assert texts.cut(text, limit) == kept


@given(st.text(alphabet="ab .!?\n", max_size=300), st.integers(1, 50))
def test_pieces_hold_all_words_and_are_short_enough(text: str, limit: int) -> None:
    found = list(texts.pieces(text, limit))
    assert all(0 < len(piece) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())


def test_a_list_is_told_from_prose() -> None:
    assert texts.listed('["shy", "brave"]') == ["shy", "brave"]
    assert texts.listed("温柔、勇敢") == ["温柔", "勇敢"]
    assert texts.listed("She is brave, although nobody has ever asked her to be so.") == []
