"""What is thought of somebody moves with what is said, within bounds, and fades."""

import pytest

from services.agents.domain.rapport import HALF_LIFE, STRANGER, Rapport, talked
from services.agents.domain.sentiment import tone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thank you, what a lovely post!", 1.0),
        ("You are a stupid liar.", -1.0),
        ("That is not very nice.", -0.5),
        ("Das ist gar nicht schlecht.", 0.5),
        ("merci \N{SMILING FACE WITH HEART-SHAPED EYES}", 1.0),
        ("eres un idiota mentiroso", -1.0),
        ("La porta è aperta.", 0.0),
        ("", 0.0),
    ],
)
def test_how_friendly_a_text_is_comes_from_its_words_in_several_languages(text: str, expected: float) -> None:
    assert tone(text) == expected


def test_friendly_words_bring_a_fellow_closer_and_hostile_ones_cost_more_trust_than_friendly_ones_earn() -> None:
    friendly = talked(1, is_external=False, number_today=1)
    hostile = talked(-1, is_external=False, number_today=1)
    assert friendly.sentiment > 0 > hostile.sentiment
    assert friendly.familiarity == hostile.familiarity > 0
    assert 0 < friendly.trust < -hostile.trust


@pytest.mark.parametrize("friendly", [-1.0, 0.0, 0.5, 1.0])
def test_no_words_of_a_stranger_earn_trust(friendly: float) -> None:
    for number in range(1, 50):
        assert talked(friendly, is_external=True, number_today=number).trust <= 0


def test_a_day_of_flattery_moves_no_more_than_twice_what_the_first_word_does() -> None:
    for is_external in (True, False):
        first = talked(1, is_external=is_external, number_today=1)
        total = STRANGER
        for number in range(1, 500):
            total = total.moved(talked(1, is_external=is_external, number_today=number))
        assert total.sentiment <= 2 * first.sentiment
        assert total.trust <= 2 * first.trust


def test_what_has_grown_fades_by_half_in_its_half_life_to_what_the_persona_says() -> None:
    usual = Rapport(0.2, 0.5, 0.1)
    assert Rapport(1.0, 1.0, -0.1).faded(usual, HALF_LIFE).sentiment == pytest.approx(0.6)
    assert Rapport(1.0, 1.0, -0.1).faded(usual, HALF_LIFE).trust == pytest.approx(0.0)
    assert Rapport(1.0, 1.0, 1.0).faded(STRANGER, -HALF_LIFE) == Rapport(1.0, 1.0, 1.0)


def test_a_change_stays_within_the_ranges() -> None:
    assert Rapport(0.9, 0.99, -0.9).moved(Rapport(0.5, 0.5, -0.5)) == Rapport(1.0, 1.0, -1.0)
    assert Rapport(0.0, 0.1, 0.0).moved(Rapport(0, -0.5, 0)).familiarity == 0
