"""What is known of models is asked for now and then, and again when nobody answered."""

from typing import Any

import pytest

from services.agents.domain.errors import DependencyUnavailable
from services.agents.domain.mood import Mood, TradingMood
from services.agents.domain.persona import read_persona
from services.agents.ports.neighbours import Provider
from services.agents.service.cast import Character
from services.agents.service.models import Models
from tests.fakes.agents.llm import FakeLlm
from tests.fakes.clock import FixedClock


class Counting(FakeLlm):
    """Counts the questions."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    async def provider(self, name: str) -> Provider | None:
        self.asked.append(name)
        return await super().provider(name)


@pytest.fixture
def llm() -> Counting:
    return Counting()


@pytest.fixture
def models(llm: Counting, clock: FixedClock) -> Models:
    return Models(llm, clock)


def character(persona: dict[str, Any], provider: str = "local") -> Character:
    record: Any = None
    calm = Mood(0.0, 0.0, 0.0)
    return Character(record, read_persona({**persona, "llm_provider": provider}), calm, TradingMood(calm))


async def test_each_provider_is_asked_about_once_a_minute(
    models: Models, llm: Counting, clock: FixedClock, sample_persona: dict[str, Any]
) -> None:
    wren, ada = character(sample_persona), character(sample_persona, "grok")
    for one in (wren, ada, wren):
        assert await models.shows_background(one)
    assert llm.asked == ["local", "grok"]
    llm.is_told = False
    clock.advance(seconds=59)
    assert await models.shows_background(wren)
    clock.advance(seconds=1)
    assert not await models.shows_background(wren)


async def test_what_nobody_answered_is_asked_again(
    models: Models, llm: Counting, sample_persona: dict[str, Any]
) -> None:
    llm.line.failures = 1
    with pytest.raises(DependencyUnavailable):
        await models.shows_background(character(sample_persona))
    assert await models.shows_background(character(sample_persona))
