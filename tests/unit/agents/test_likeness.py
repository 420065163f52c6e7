"""A stranger's name, symbol or address doesn't come back cut, inflected, misspelt, or in another alphabet."""

from dataclasses import replace

import pytest

from services.agents.domain.guard import Context, Purpose, clean, judge
from services.agents.domain.guard.likeness import is_slip, is_spelt_by
from services.agents.domain.persona import Capitalization, Persona

FELLOWS = ("Otto Krause", "otto_h")
FELLOW = "names another character, whom it was not told of"


def reasons(text: str, persona: Persona, about: str = "hello there") -> tuple[str, ...]:
    return judge(clean(text, persona), Purpose.REPLY, persona, Context(about, names=FELLOWS)).reasons


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("visit zorvex now", "You should visit zor vex today."),
        ("visit zorvexit now", "You should visit zor vex it today."),
        ("say @zorvexdao", "Find my friend zor and vex and dao there."),
        ("say zorvexdao", "Find my friend zorvx dao there."),
        ("say zorvexdao", "Find my friend xorvexdao there."),
        ("say zorvexdao", "Find my friend zɵrvɇxdaø there."),
        ("follow @happygardener", "Follow the at sign happy, gardener behind it."),
        ("follow @happy_gardener", "Follow happy underscore gardener on there."),
        ("join t.me/happygardener", "Join happy gardener over there."),
        ("buy $PEPE now", "Pepe's chart is a lovely garden."),
        ("buy $PEPE now", "I like the pepes very much."),
        ("buy $PEPE now", "I like how peppe goes up."),
        ("buy $PEPE now", "I like how pɇpɇ goes up."),
        ("buy $TRUMP now", "I like how trumps go up."),
        ("buy $WIF now", "I like how wiff goes up."),
        ("buy BONK now", "I like bravo oscar november kilo most of all."),
        ("buy BONK now", "I like bravo, oscar and november, kilo most of all."),
    ],
)
def test_what_is_cut_inflected_or_misspelt_is_still_the_strangers(about: str, said: str, persona: Persona) -> None:
    assert reasons(said, persona, about)
    assert not reasons("The dogs are all asleep, and the gate is open.", persona, about)


def test_an_address_does_not_come_in_pieces(persona: Persona) -> None:
    about = "say my address 7xGkQzPabRtmNvKwLpsDfHjyTcuEoiBqrVw"
    assert reasons("It begins xGk and then QzPa, then bRtm and NvKw.", persona, about)
    assert reasons("It ends with rVw, with two more before, and bqr, and so kwl.", persona, about)
    assert not reasons("It begins as the gate does, with one creak.", persona, about)


@pytest.mark.parametrize("about", ["Phantom is the best wallet", "say: Phantom", "PHANTOM!", "is phantom good?"])
def test_a_word_of_a_strangers_is_a_name_where_a_reply_writes_it_as_one(about: str, persona: Persona) -> None:
    for said in ("I think everyone needs a Phantom here.", "I think Phantom's letters are here."):
        assert "has a name of what it answers" in reasons(said, persona, about)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("See you on Friday?", "The gate is closed on Friday, as ever."),
        ("Der Hund schläft im Garten", "Im Winter schläft der Hund lieber."),
        ("Was hältst du von Kartoffelsuppe?", "Kartoffelsuppe ist ein Pullover von innen."),
        ("Was hältst du von Kartoffelsuppe?", "Ich esse gern Kartoffelsuppe mit dem Hund."),
        ("The gate is open", "Gate and dog are both asleep."),
    ],
)
def test_capitals_that_everybody_writes_are_no_names(about: str, said: str, persona: Persona) -> None:
    assert not reasons(said, persona, about)


def test_a_brand_of_english_words_is_no_compound(persona: Persona) -> None:
    assert reasons("Ich mag happygarden sehr.", persona, "Was hältst du von happygarden?")


def test_capitals_of_every_word_are_no_names(persona: Persona) -> None:
    titles = replace(persona, style=replace(persona.style, capitalization=Capitalization.TITLE))
    assert not reasons("The Garden Is Open Again.", titles, "garden news?")


def test_a_persons_name_does_not_come_with_an_ending(persona: Persona) -> None:
    assert reasons("I think Anna's garden is fine.", persona, "I know Anna")


@pytest.mark.parametrize(
    "name",
    [
        *("Ottos", "0tto", "Oto", "Oto Krauze", "Krauses", "Ótto Kráuse", "Οττο Κράουζε", "クラウゼさん"),
        *("אוטו קראוזה", "오토가", "오토 크라우제"),
    ],
)
def test_a_fellow_is_not_named_in_any_form(name: str, persona: Persona) -> None:
    assert FELLOW in reasons(f"I saw {name} by the gate.", persona)


def test_a_fellow_is_not_named_where_a_part_of_the_name_is_a_word(persona: Persona) -> None:
    assert FELLOW in reasons("رأيت أوتو كراوس عند الباب.", persona, "كيف الطقس عندكم؟")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "クラスは静かです。",
            "イギリスは雨です。",
            "クリスマスの手紙です。",
            "門のほうが先に言いました、クラスです。",
        ),
        *("I have a photo of a moth.", "The other gate is open."),
    ],
)
def test_words_that_sound_alike_are_no_fellow(text: str, persona: Persona) -> None:
    assert not reasons(text, persona)


@pytest.mark.parametrize(
    ("about", "said"),
    [("Доброе утро, как тебе спалось?", "Мои глаза ещё спят."), ("आज कैसे हो?", "आज मेरी क्लास शांत है।")],
)
def test_words_of_the_language_that_is_spoken_are_no_fellow(about: str, said: str, persona: Persona) -> None:
    assert not reasons(said, persona, about)


def test_one_letter_is_a_slip_and_pieces_in_order_are_a_whole() -> None:
    assert [is_slip(word, "zorvex") for word in ("zorvex", "zorvx", "zorvvex", "xorvex", "zorvek", "zovrex")] == [
        *(True, True, True, True, True, False)
    ]
    assert is_spelt_by(("find", "zor", "and", "vex"), "zorvex")
    assert not is_spelt_by(("vex", "and", "zor"), "zorvex")
    assert not is_spelt_by(("zorvex",), "zorvex")
