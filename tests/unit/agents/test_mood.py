"""Moods move, and come back."""

from datetime import timedelta

import pytest

from services.agents.domain.mood import (
    HALF_LIFE,
    NEUTRAL,
    Mood,
    MoodEvent,
    OwnEvent,
    SocialEvent,
    TradingMood,
    baseline,
    decay,
    feel,
    stress_in,
)
from services.agents.domain.persona import Persona


def test_a_mood_comes_half_the_way_back_in_its_half_life() -> None:
    low, high = Mood(-1, 0, 0), Mood(1, 1, 1)
    assert decay(high, low, HALF_LIFE) == Mood(0, 0.5, 0.5)
    assert decay(high, low, timedelta(0)) == high
    assert decay(high, low, timedelta(days=30)).valence == pytest.approx(-1)


def test_a_clock_that_runs_backwards_leaves_a_mood_as_it_is() -> None:
    assert decay(Mood(1, 1, 1), NEUTRAL, timedelta(hours=-9)) == Mood(1, 1, 1)


@pytest.mark.parametrize("event", [*OwnEvent, *SocialEvent])
def test_no_event_leaves_the_ranges(event: MoodEvent) -> None:
    for mood in (Mood(1, 1, 1), Mood(-1, 0, 0)):
        for _ in range(20):
            mood = feel(mood, event)
        assert -1 <= mood.valence <= 1
        assert 0 <= mood.arousal <= 1
        assert 0 <= mood.dominance <= 1


def test_gains_please_and_losses_hurt() -> None:
    assert feel(NEUTRAL, OwnEvent.TRADE_GAIN).valence > NEUTRAL.valence > feel(NEUTRAL, OwnEvent.TRADE_LOSS).valence


@pytest.mark.parametrize("event", SocialEvent)
def test_nothing_that_others_have_a_hand_in_reaches_the_mood_that_trades_read(event: SocialEvent) -> None:
    with pytest.raises(ValueError, match=event):
        TradingMood(NEUTRAL).after(event)  # type: ignore[arg-type]


@pytest.mark.parametrize("event", OwnEvent)
def test_own_trades_move_both_moods_alike(event: OwnEvent) -> None:
    assert TradingMood(NEUTRAL).after(event).felt == feel(NEUTRAL, event)


def test_the_usual_mood_is_understood_in_words(persona: Persona) -> None:
    assert baseline("Optimistic").valence > 0.3
    assert baseline("wistful, but warm").valence == pytest.approx(0.075)
    assert baseline("grumpy").dominance > 0.5
    assert baseline("ultraviolet") == NEUTRAL
    assert baseline(Mood(0.1, 0.2, 0.3)) == Mood(0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("mood", "label"),
    [
        (Mood(0.8, 0.9, 0.9), "exuberant"),
        (Mood(0.8, 0.1, 0.9), "relaxed"),
        (Mood(-0.8, 0.9, 0.1), "anxious"),
        (Mood(-0.8, 0.1, 0.1), "gloomy"),
        (Mood(0.1, 0.5, 0.5), "even"),
    ],
)
def test_a_mood_has_a_word(mood: Mood, label: str) -> None:
    assert mood.label == label


def test_a_stress_trigger_is_found(persona: Persona) -> None:
    assert stress_in("Just send an EMAIL.", ["fax", "email"]) == "email"
    assert stress_in("Just send a card.", ["fax", "email"]) == ""
