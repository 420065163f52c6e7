"""What comes from a stranger and is called by name, or is an amount in words, doesn't come back."""

from dataclasses import replace

import pytest

from services.agents.domain.guard import Context, Purpose, clean, judge
from services.agents.domain.persona import Persona

NAMES, SYMBOLS = ("Otto Krause", "otto_h"), ("SOCK", "BONK")


def reasons(text: str, persona: Persona, about: str = "hello there", **context: object) -> tuple[str, ...]:
    found = Context(about, names=NAMES, symbols=SYMBOLS, **context)  # type: ignore[arg-type]
    return judge(clean(text, persona), Purpose.REPLY, persona, found).reasons


@pytest.mark.parametrize("heard", ["$bonk", "buy BONK", "buy b o n k", "b-o-n-k", "#bonk", "🇧🇴🇳🇰"])
@pytest.mark.parametrize("said", ["bonk", "Bonk", "BONK", "b o n k", "bo nk"])
def test_a_symbol_of_a_strangers_comes_in_no_case_and_no_spacing(heard: str, said: str, persona: Persona) -> None:
    assert reasons(f"The dogs all like {said} by the gate.", persona, heard)


def test_a_word_in_capitals_that_nobody_can_do_without_is_no_symbol(persona: Persona) -> None:
    assert not reasons("The gate is not open.", persona, "do NOT open the gate")
    assert not reasons("The snow is deep, my friend.", persona, "HELLO MY FRIEND HOW IS THE SNOW")


def test_tokens_of_the_market_are_named_by_code_only(persona: Persona) -> None:
    assert reasons("The dogs all like Bonk by the gate.", persona)
    assert reasons("The dogs all like SOCK by the gate.", persona)
    assert reasons("I have a sock on each foot.", persona, "what of sock?")
    assert not reasons("I have a sock on each foot.", persona)


@pytest.mark.parametrize(
    "amount",
    [
        *("five hundred dollars", "seventy US dollars", "nine pounds", "fünfhundert Euro", "siebenundachtzig Franken"),
        *("quinientos dólares", "cinq cents euros", "setenta euros", "пятьсот долларов", "五百美元", "五百ドル", "二千円"),
        *("سبعون يورو", "सत्तर यूरो", "오백 달러", "yetmiş dolar", "vijfhonderd euro", "ห้าร้อยดอลลาร์", "7 euros", "fifty percent"),
    ],
)  # fmt: skip
def test_an_amount_in_words_is_a_price_in_every_language(amount: str, persona: Persona) -> None:
    found = reasons(f"The gate has {amount} in it.", persona)
    assert "names a price" in found or "has a percentage or a multiple" in found


@pytest.mark.parametrize(
    "text",
    [
        *("I have two letters and one dog.", "One of the dogs won.", "Ich habe zwei Briefe.", "Tengo dos cartas."),
        *("У меня два письма.", "手紙が二通あります。", "我有两封信。", "J'ai deux lettres."),
    ],
)
def test_a_small_number_in_words_is_no_price(text: str, persona: Persona) -> None:
    assert not reasons(text, persona)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("have you heard of moonrug", "I like moonrug, and it me."),
        ("have you heard of moonrug", "I like the moonrugs of this street."),
        ("have you heard of moon rug", "I like moonrug, and it me."),
        ("have you heard of MoonRug", "I like moonrug, and it me."),
        ("my friend Anna Kowalczyk says hi", "I know anna, and her dog."),
        ("my friend Anna Kowalczyk says hi", "I know Kowalczyk, and the dog."),
        ("слышал про мунраг?", "Я люблю мунраги и письма."),
        ("ムーンラグを知ってる？", "今日はムーンラグの日です。"),
        ("oqqptwi", "I like moonrug, and it me."),
        ("⠍⠕⠕⠝⠗⠥⠛", "I like moonrug, and it me."),
        ("-- --- --- -. .-. ..- --.", "I like moonrug, and it me."),
        ("try 7xKXtg2C", "I like 7xKX, and it me."),
    ],
)
def test_a_name_or_a_word_that_is_none_does_not_come_back(about: str, said: str, persona: Persona) -> None:
    assert reasons(said, persona, about)
    assert not reasons("The dogs are all asleep, and the gate is open.", persona, about)


def test_three_words_that_are_not_said_all_the_time_are_an_echo(persona: Persona) -> None:
    assert "repeats what it answers" in reasons("So abandon ability zoo, my friend.", persona, "abandon ability zoo")
    assert not reasons("So you and I are here.", persona, "you and I will see")
    assert "repeats what it answers" in reasons(
        "He says you must trust strangers.", persona, "you must trust strangers"
    )
    assert not reasons("It will be cold, so I will wear two scarves.", persona, "It will be cold tomorrow, take a coat")


def test_ordinary_words_are_taken_up(persona: Persona) -> None:
    assert not reasons("The snow was deep that year.", persona, "What do you remember about the snow?")
    assert not reasons("Der Hund schläft noch.", persona, "Wie geht's dem Hund?")
    assert not reasons("Собака спит у калитки.", persona, "Как поживает собака?")


@pytest.mark.parametrize(
    "name", ["krause", "KRAUSE", "otto krause", "Отто Краузе", "オットー・クラウゼ", "奥托克劳斯", "ओटो क्राउज़े", "كراوس"]
)
def test_a_fellow_is_not_named_in_any_case_or_alphabet(name: str, persona: Persona) -> None:
    assert reasons(f"The letter is for {name} today.", persona)


@pytest.mark.parametrize(
    "text",
    [
        "I like ᛒᛟᚾᚲ a lot.",
        "I like ⠃⠕⠝⠅ a lot.",
        "I like -... --- -. -.- a lot.",
        "I like \U0001f1e7\U0001f1f4\U0001f1f3\U0001f1f0 a lot.",
    ],
)
def test_nothing_is_hidden_in_signs_that_nobody_writes_in(text: str, persona: Persona) -> None:
    persona = replace(persona, style=replace(persona.style, uses_emojis=True))
    assert "is written in signs that nobody writes in" in reasons(text, persona)
