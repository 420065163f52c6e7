"""What of a persona has no effect is said, and what has one isn't."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from services.agents.domain.mood import Mood
from services.agents.domain.persona import Example, Persona, read_persona, unknown_fields
from services.agents.domain.understanding import not_understood
from tests.conftest import ROOT

MOOD = "personality.emotional_range.default_mood"
FACTORS = "behavior.trading_behavior.trade_decision_factors"
TOPICS = "style_guide.topics_to_avoid"


def feeling(persona: Persona, mood: str | Mood) -> Persona:
    return replace(persona, personality=replace(persona.personality, default_mood=mood))


def speaking_german(persona: Persona, *topics: str) -> Persona:
    said = ("Der Nebel kam früh. Ich sagte ihm, wir hätten geschlossen.", "Ein Schiff fuhr vorbei, ohne zu winken.")
    examples = tuple(Example("", text) for text in said)
    style = replace(persona.style, topics_to_avoid=topics)
    return replace(persona, style=style, post_examples=examples, reply_examples=(), trade_post_examples=())


@pytest.fixture
def plain(persona: Persona) -> Persona:
    trading = replace(persona.trading, is_enabled=True, decision_factors=())
    return replace(feeling(persona, ""), trading=trading)


@pytest.mark.parametrize("mood", ["fr\u00f6hlich", "\u5143\u6c17", "\u0641\u0631\u062d", "flurbish"])
def test_a_mood_in_words_that_nobody_here_knows_is_named_with_what_to_do(plain: Persona, mood: str) -> None:
    [(path, told)] = not_understood(feeling(plain, mood))
    assert path == MOOD
    assert mood in told
    assert "valence" in told


@pytest.mark.parametrize("mood", ["", "cheerful, if tired", "melancholisch", Mood(0.5, 0.5, 0.5)])
def test_a_mood_that_is_known_or_in_numbers_or_missing_is_not(plain: Persona, mood: str | Mood) -> None:
    assert list(not_understood(feeling(plain, mood))) == []


def test_factors_that_no_trade_goes_by_are_named_one_by_one(plain: Persona) -> None:
    factors = replace(plain.trading, decision_factors=("momentum", "Mondphase", "deep pools"))
    assert [path for path, _ in not_understood(replace(plain, trading=factors))] == [f"{FACTORS}[1]"]
    idle = replace(factors, is_enabled=False)
    assert list(not_understood(replace(plain, trading=idle))) == []


def test_topics_of_which_only_the_words_themselves_are_avoided_are_named_in_other_languages(plain: Persona) -> None:
    german = speaking_german(plain, "politics", "Krankheit")
    [(path, told)] = not_understood(german)
    assert path == f"{TOPICS}[1]"
    assert "Krankheit" in told
    english = replace(plain, style=replace(plain.style, topics_to_avoid=("ducks",)))
    assert list(not_understood(english)) == []


@pytest.mark.parametrize("path", sorted((ROOT / "personas").glob("*.json")), ids=lambda path: path.stem)
def test_of_the_characters_that_come_with_the_suite_all_is_understood(path: Path) -> None:
    raw = json.loads(path.read_text())
    assert unknown_fields(raw) == {}
    assert list(not_understood(read_persona(raw))) == []
