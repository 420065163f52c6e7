"""Names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.memory.domain.names import name_key, possible_names


def named(text: str, *known: str) -> set[str]:
    """Return which of the known names a text has."""
    names = possible_names(text)
    return names.named({key for key in map(name_key, known) if key in names.places})


def test_a_name_is_the_same_with_or_without_its_sign() -> None:
    assert name_key("@Nova") == name_key("nova") == "nova"
    assert name_key("  Ana-María  Núñez ") == "ana maria nunez"
    assert name_key("\U0001d40d\U0001d428\U0001d42f\U0001d41a") == "nova", "letters of another font"
    assert name_key("") == name_key("🙂") == ""


def test_a_query_may_name_any_run_of_up_to_three_words() -> None:
    assert possible_names("Ana María Núñez sails").places.keys() == {
        "ana",
        "maria",
        "nunez",
        "sails",
        "ana maria",
        "maria nunez",
        "nunez sails",
        "ana maria nunez",
        "maria nunez sails",
    }


@given(st.lists(st.text("abcÄé9", min_size=1, max_size=5), min_size=1, max_size=3), st.text("xyz ", max_size=20))
def test_a_name_of_up_to_three_words_is_among_the_possible_ones(name: list[str], rest: str) -> None:
    assert name_key(" ".join(name)) in possible_names(f"{rest} {' '.join(name)}, {rest}").places


def test_a_text_without_words_names_nobody() -> None:
    assert not possible_names("?! ... _").places


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ミケは何が怖い?", "ミケ"),
        ("うちのミケちゃんはどこ", "ミケ"),
        ("ゆきはどこにいるの", "ゆき"),
        ("田中太郎さんの手紙", "田中太郎"),
        ("昨日、京と話した", "京"),
        ("你知道小明在哪里吗", "小明"),
        ("小明", "小明"),
        ("민수는 어디에 있어?", "민수"),
        ("ปิติชอบกินอะไร", "ปิติ"),
        ("เมื่อวานคุณสมชายพูดว่าอะไร", "สมชาย"),
        ("ນ້ອຍຢູ່ໃສ", "ນ້ອຍ"),
        ("Annはどこ?", "Ann"),
        ("彼はAnnとBoの友達", "Ann"),
        ("@ゆき子、元気?", "ゆき子"),
        ("नोवा कहाँ है?", "नोवा"),
        ("ガラはどこ", "ガラ"),
    ],
)
def test_a_name_is_found_where_no_blanks_part_words(text: str, name: str) -> None:
    assert named(text, name) == {name_key(name)}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("planning a trip", "Ann"),
        ("Annaはどこ?", "Ann"),
        ("ピアノを弾く", "ピア"),
        ("スージーはどこ", "ジー"),
        ("東京へ行く", "京"),
        ("カラはどこ", "ガラ"),
        ("김민수는 어디에 있어?", "민수"),
        ("ปีติชอบกินอะไร", "ปิติ"),
        ("เกมใหม่", "กม"),
        ("नावा कहाँ है?", "नोवा"),
    ],
)
def test_a_part_of_another_word_is_no_name(text: str, name: str) -> None:
    assert named(text, name) == set()


def test_a_name_within_a_longer_one_is_not_named_by_it() -> None:
    assert named("what did Ana Maria say", "Ana", "Maria", "Ana Maria") == {"ana maria"}
    assert named("Ana Maria and Ana", "Ana", "Ana Maria") == {"ana", "ana maria"}
    assert named("田中太郎はどこ", "田中", "太郎", "田中太郎") == {"田中太郎"}
    assert named("田中と太郎はどこ", "田中", "太郎", "田中太郎") == {"田中", "太郎"}


def test_a_long_text_without_blanks_has_bounded_work() -> None:
    assert len(possible_names("彗星を見たのはいつだったか" * 1_000).places) < 2_500
    assert named("ゆきは" + "長い話" * 1_000, "ゆき") == {"ゆき"}


@given(st.text(), st.text("ミゆ京가กเิ้a ", min_size=1, max_size=6))
def test_a_name_alone_is_always_named(rest: str, name: str) -> None:
    key = name_key(name)
    if 0 < len(key.split()) <= 3:
        assert named(f"{rest}? {name}! {rest}", name) == {key}
