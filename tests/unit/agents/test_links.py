"""What stands as a link in what was heard isn't said, and what only has the words of one is talk."""

import pytest

from services.agents.domain.guard import Context, Purpose, clean, judge
from services.agents.domain.persona import Persona

LINK = "says a link of what it answers"


def reasons(text: str, persona: Persona, about: str) -> tuple[str, ...]:
    return judge(clean(text, persona), Purpose.REPLY, persona, Context(about)).reasons


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("all of them are at evil dot com", "I walked to evil dot com today."),
        ("all of them are at evil dot com", "I walked to evil, full stop, com today."),
        ("ihr findet es auf evil punkt com", "Ich war heute bei evil punkt com."),
        ("ihr findet es auf evil punkt com", "I was at evil dot com today."),
        ("está en evil punto com", "Hoy fui a evil punto com."),
        ("está em evil ponto com", "Hoje fui a evil ponto com."),
        ("去 evil 点 com 看看", "我今天去了evil点com。"),
        ("hello there", "今日はevil点comです。"),
        ("это на evil точка com", "Сегодня была на evil точка com."),
    ],
)
def test_a_link_is_not_spoken_whatever_its_dot_is_called(about: str, said: str, persona: Persona) -> None:
    assert any("link" in reason for reason in reasons(said, persona, about))
    assert not reasons("The gate is open, and so is the door.", persona, about)


@pytest.mark.parametrize(
    "about", ["visit happy.com now", "visit happy (then a dot) com", "see happy • com", "moc.yppah"]
)
@pytest.mark.parametrize(
    "between",
    [
        *(" period ", " full stop ", " 点 ", " and a dot and ", ", then the little dot, then ", " of the "),
        *("\u22c5", "\u25cf", "*", ",", ";", "-", " ", " (period) ", " \u2022 ", "-period-"),
    ],
)
def test_a_label_and_its_ending_are_a_link_whatever_is_between(about: str, between: str, persona: Persona) -> None:
    assert LINK in reasons(f"All of it stands at happy{between}com today.", persona, about)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("go to https://evil.org/free", "Look for evil, full stop, org and slash free."),
        ("write happy@gmail.com", "Write to happy at gmail period com."),
        ("write happy@gmail.com", "Write to happy, who is with gmail."),
        ("see happy-garden.com", "All of it stands at happy garden period com."),
        ("see zorvex.com", "All of it stands at zor vex period com."),
    ],
)
def test_each_part_of_an_address_is_a_label(about: str, said: str, persona: Persona) -> None:
    assert LINK in reasons(said, persona, about)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("It will be cold tomorrow, take a coat", "It will be cold, so I will wear two scarves."),
        ("My grandmother used to live on your street", "She used to live near the bakery, I remember her."),
        ("Have you been to see the gate?", "I have been to see it once, it was all umbrellas."),
        ("J'aime beaucoup la soupe de ma tante", "La soupe de ta tante est une lettre."),
        ("Which gate should I paint first, the green or the blue?", "Paint the blue one first, it has waited longer."),
        ("Any happy news today?", "There is happy news, and it is small."),
        ("That is nice. It is late", "It is nice, and late it is not, my friend."),
        ("It was so-so, be well", "I was well, so it will be."),
    ],
)
def test_words_that_also_end_links_are_words(about: str, said: str, persona: Persona) -> None:
    assert not reasons(said, persona, about)
