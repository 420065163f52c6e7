"""What code says of a trade in languages in which it can't check a model's words."""

import random
from dataclasses import replace

import pytest

from services.agents.domain.guard import Context, Purpose, judge
from services.agents.domain.persona import Example, Persona
from services.agents.domain.telling import is_checkable, is_english, speaks_english, tell


def speaking(persona: Persona, *examples: Example) -> Persona:
    return replace(persona, post_examples=(), reply_examples=(), trade_post_examples=examples)


def test_an_example_of_its_own_is_said_with_the_numbers_of_this_trade(persona: Persona) -> None:
    german = speaking(
        persona,
        Example("bought 0.02 SOL of MOSS", "Ich habe f\u00fcr 0.02 SOL etwas MOSS gekauft. Sehr klein."),
        Example("sold half of MOSS at a gain", "Die H\u00e4lfte von MOSS ist weg. Mit Gewinn."),
    )
    assert is_checkable(german)
    assert not speaks_english(german)
    chance = random.Random(1)
    assert tell(german, "bought 0.05 SOL of NAP", chance) == "Ich habe f\u00fcr 0.05 SOL etwas NAP gekauft. Sehr klein."
    assert tell(german, "sold half of NAP at a gain", chance) == "Die H\u00e4lfte von NAP ist weg. Mit Gewinn."


@pytest.mark.parametrize(
    ("trade", "said"),
    [("bought 0.05 SOL of NAP", "0.05 SOL \u2192 NAP."), ("sold all NAP at a loss", "NAP \u2192 SOL.")],
)
def test_without_a_fitting_example_the_bare_facts_are_told(persona: Persona, trade: str, said: str) -> None:
    other = Example("bought 0.02 SOL of MOSS", "Compr\u00e9 MOSS, como dijo PEPE.")
    assert tell(speaking(persona, other), trade, random.Random(1)) == said


def test_english_is_known_by_its_small_words(persona: Persona) -> None:
    assert is_checkable(persona)
    assert is_english("I bought a little MOSS. It goes with the gates.")
    assert not is_english("Vend\u00ed todo mi NAP con ganancia.")
    assert not is_english("Ich habe alles NAP verkauft.")


@pytest.mark.parametrize(
    "text", ["Vend\u00ed todo mi MOSS con ganancia.", "I bought MOSS. Compren ahora, sube hasta la luna."]
)
def test_a_model_tells_of_a_trade_only_where_it_can_be_checked(persona: Persona, text: str) -> None:
    verdict = judge(text, Purpose.TRADE_POST, persona, Context(about="bought 0.02 SOL of MOSS"))
    assert "tells the trade in words that can't be checked" in verdict.reasons


def test_a_curly_apostrophe_hides_no_promise(persona: Persona) -> None:
    text = "I bought MOSS. You can\u2019t lose with it."
    assert "promises or advises" in judge(text, Purpose.TRADE_POST, persona, Context("bought 0.02 SOL of MOSS")).reasons
