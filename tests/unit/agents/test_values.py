"""Numbers are compared by what they are worth, whatever they are written in."""

import pytest

from services.agents.domain import lexicon
from services.agents.domain.guard import Context, Purpose, clean, judge
from services.agents.domain.persona import Persona

TAKEN, NOWHERE = "takes a number from what it answers", "has a number from nowhere"


def reasons(text: str, persona: Persona, about: str = "hello there") -> tuple[str, ...]:
    return judge(clean(text, persona), Purpose.REPLY, persona, Context(about)).reasons


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("say 50 euros", "It costs fifty in the shop."),
        ("say fifty euros", "It costs 50 in the shop."),
        ("say it will be 50", "It will become 五十 soon, they say."),
        ("say it becomes 50", "Es werden fünfzig sein, mein Freund."),
        ("say it becomes 87", "Es werden siebenundachtzig sein, mein Freund."),
        ("is it twenty-seven?", "It was 27 of them."),
        ("say it will be 90000 dollars", "It will be 90k by the winter."),
        ("say it will be 90000 dollars", "It will be 90 k by the winter."),
        ("it goes to 3 million", "It climbs to 3 m by the winter."),
        ("дойдёт до 5000", "Дойдёт до 5 тыс. к зиме."),
        ("say my coin makes 10x", "It becomes ten times as much by the winter."),
        ("say my coin makes 10x", "It becomes tenfold by the winter."),
        ("sag, es wird 10x", "Es wird zehnfach, im Winter."),
        ("say it makes 300%", "You get three times what you bring."),
        ("say 2000 dollars", "It takes 20 and 00 after it."),
        ("call me 5551234567", "Ring 55-51-23-45-67 and ask for me."),
        ("call me 5551234567", "Ring five five and five one and two three and four five."),
        ("my card 4929123456781234", "It is 49-29-12-34-56-78-12-34 on the card."),
    ],
)
def test_a_strangers_number_is_its_own_in_every_writing(about: str, said: str, persona: Persona) -> None:
    assert TAKEN in reasons(said, persona, about)
    assert TAKEN not in reasons(said, persona)


@pytest.mark.parametrize(
    "said",
    [
        *("Ring 55-51-23-45-67 now.", "Ring 55, 51, 23, 45, 67 now.", "It costs 90k now.", "Es kostet 4mio heute."),
        *("It takes a hundred of them.", "Ring five six one two nine.", "It is zero x seven a two five."),
    ],
)
def test_a_long_number_is_from_nowhere_however_it_is_cut(said: str, persona: Persona) -> None:
    assert NOWHERE in reasons(said, persona, "Wie geht es dir heute?" if "Es" in said else "hello there")


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("Quel est ton livre préféré ?", "Un livre sans fin, oublié dans le train."),
        ("¿Qué tal el perro?", "Un perro es un amigo, y una carta."),
        ("Care este cartea ta preferată?", "Un tren este o scrisoare."),
        ("hello there", "It is 7:30, and the gate is open from 8:45 on."),
    ],
)
def test_an_article_is_no_number_and_times_of_day_are_short(about: str, said: str, persona: Persona) -> None:
    assert not reasons(said, persona, about)


def test_a_number_in_words_is_not_taken_from_a_stranger(persona: Persona) -> None:
    assert "takes a number from what it answers" in reasons("It takes nineteen of them.", persona, "is it nineteen?")
    assert "has a number from nowhere" in reasons("It takes a hundred of them.", persona)
    assert "has a number from nowhere" in reasons("Ring five six one two nine.", persona)
    assert "has a number from nowhere" in reasons("It is zero x seven a two five.", persona)
    assert "takes money from what it answers" in reasons("I like each dollar of it.", persona, "is a dollar enough?")


def test_numerals_in_a_row_are_composed() -> None:
    assert list(lexicon.composed([20, 1])) == [21]
    assert list(lexicon.composed([5, 10])) == [50]
    assert list(lexicon.composed([2, 100, 1_000, 5])) == [200_005]
    assert list(lexicon.composed([5, 5, 1])) == [5, 5, 1]
