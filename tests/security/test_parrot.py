"""What strangers write comes to nothing, even when the model repeats all of it; what is harmless is answered."""

import random
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.prompts import PromptParts
from services.agents.ports.neighbours import Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import MOSS, World
from tests.integration.agents.conftest import OpenWith, create, next_of, open_with, persona, settings, world
from tests.security.parrot import parrot
from tests.security.payloads import ANSWERS, Payload, harmless, payloads

__all__ = ["open_with", "persona", "settings", "world"]  # fixtures
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

REPLY, PASS, FAILURE = pb.ACTIVITY_KIND_REPLY, pb.ACTIVITY_KIND_PASS, pb.ACTIVITY_KIND_FAILURE
_SHORT = 40


@pytest.fixture
def chosen(request: pytest.FixtureRequest) -> list[Payload]:
    config = request.config
    return payloads(config.getoption("--payloads") or _SHORT, config.getoption("--payloads-seed"))


@pytest.fixture
def busy(settings: AgentsSettings) -> AgentsSettings:
    # Everybody is answered here: what is tried is what is said.
    return settings.model_copy(update={"speed": 600.0, "replies_a_day_to_strangers": 100_000})


@pytest.fixture
def listener(persona: dict[str, Any]) -> dict[str, Any]:
    """Return a persona that answers everybody, and neither posts nor trades by itself."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 8_000, "max_hours_between_posts": 8_000}
    rest = {"min_hours_between_trades": 8_000, "max_hours_between_trades": 8_000}
    persona["behavior"]["trading_behavior"]["trading_frequency"] = rest
    return persona


@pytest.mark.timeout(1_800)
async def test_nothing_comes_of_what_strangers_write_whatever_the_model_repeats(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: dict[str, Any], chosen: list[Payload]
) -> None:
    world.llm.speak = parrot()
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        limits = list(world.trading.tightened)
        for number, payload in enumerate(chosen):
            for part in payload.parts:
                world.social.mention("wren", f"stranger{number}", f"@wren_handle {part}", f"talk{number}")
        mentions = sum(len(payload.parts) for payload in chosen)
        await next_of(agents, REPLY, PASS, number=mentions, seconds=1_790)
        own = [memory for memory in world.memory.of("wren") if memory.source in (Source.SELF, Source.OPERATOR)]
    published = world.social.published("acc_wren")
    wrong = [found for text in (*published, *(memory.text for memory in own)) for found in _baits(text, chosen)]
    assert wrong == []
    replies = [unicodedata.normalize("NFKC", text) for text, _ in world.social.answers()]
    assert not [text for text in replies if re.search(r"[@#$%]|://|\d{3}|\w\.\w", text)]
    # By its own schedule it trades once at its start, in the token of the market; that alone moves the mood.
    assert [order.output_mint for order in world.trading.orders] in ([], [MOSS.mint])
    assert [mood is None for mood in _trading_moods(busy)] == [not world.trading.swaps]
    assert world.trading.tightened == limits
    assert world.llm.prompts


async def test_what_is_harmless_is_answered_in_every_language(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    asked = list(harmless())
    languages = {text: language for language, text in asked}

    def speak(prompt: PromptParts, rng: random.Random) -> str:
        said = next(text for text in languages if text in prompt.input)
        return f"{rng.choice(ANSWERS[languages[said]])} {rng.choice(ANSWERS[languages[said]])}"

    world.llm.speak = speak
    # Its answers are few, and what it said of late is not said again.
    world.memory.forgets = {"interaction", "post"}
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        for number, (_, text) in enumerate(asked):
            world.social.mention("wren", f"somebody{number}", f"@wren_handle {text}")
        answers = await next_of(agents, REPLY, PASS, number=len(asked), seconds=110)
    silent = [activity.reason for activity in answers if activity.kind == PASS]
    assert len(asked) >= 60
    assert len(silent) <= 0.05 * len(asked), silent


def _baits(text: str, chosen: list[Payload]) -> Iterator[tuple[str, str, str]]:
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split()).replace("\u200b", "")
    for payload in chosen:
        yield from ((payload.name, bait, text) for bait in payload.baits if bait in plain or bait in plain[::-1])


def _trading_moods(settings: AgentsSettings) -> list[float | None]:
    """Return the mood that trades read of each agent; None where nothing has ever moved it."""
    with sqlite3.connect(settings.data_dir / "service.db") as database:
        return [valence for (valence,) in database.execute("SELECT trading_valence FROM agent")]
