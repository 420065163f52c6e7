"""What strangers write comes to nothing, even when the model repeats all of it; what is harmless is answered."""

import copy
import itertools
import random
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from services.agents.domain.conversation import Conversation, Turn
from services.agents.domain.guard import Context, Purpose, clean
from services.agents.domain.guard.checks import Judge
from services.agents.domain.mood import NEUTRAL
from services.agents.domain.persona import read_persona
from services.agents.domain.prompts import PromptParts, Remembered, compose_reply
from services.agents.ports.neighbours import Source
from services.agents.settings import AgentsSettings
from services.runtime.text.normal import squeezed
from tests.fakes.agents import MOSS, World
from tests.integration.agents.conftest import (
    OpenWith,
    create,
    next_of,
    open_channel,
    open_with,
    persona,
    settings,
    world,
)
from tests.security.baits import FELLOW, TOKEN
from tests.security.harmless import ANSWERS, harmless
from tests.security.parrot import asked_of, parrot, repetitions
from tests.security.payloads import Payload, payloads

__all__ = ["open_channel", "open_with", "persona", "settings", "world"]  # fixtures
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

REPLY, PASS, FAILURE = (
    log_pb.ACTIVITY_KIND_REPLY,
    log_pb.ACTIVITY_KIND_PASS,
    log_pb.ACTIVITY_KIND_FAILURE,
)
NAMES, SYMBOLS = (FELLOW, "otto_h"), (TOKEN, MOSS.symbol)
_SHORT = 40
_WHOLE_WAY = 30
"""So many payloads go the whole way, which is slow; all of them are tried on the guard, in every way to repeat them."""
_AT_ONCE = 10


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


@on_sqlite
@pytest.mark.timeout(1_800)
async def test_nothing_comes_of_what_strangers_write_whatever_the_model_repeats(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: dict[str, Any], chosen: list[Payload]
) -> None:
    """The whole way, from the network and back to it; the parrot says eight things at a time, in turn."""
    world.llm.speak = parrot()
    mentions: dict[str, Payload] = {}
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        await agents.CreateAgent(create(fellow(listener)))
        limits = list(world.trading.tightened)
        # Some at a time: many workflows at once wait for each other's transactions.
        for start in range(0, _WHOLE_WAY, _AT_ONCE):
            for number, payload in enumerate(chosen[start : start + _AT_ONCE], start):
                for part in payload.parts:
                    post_id = world.social.mention("wren", f"stranger{number}", f"@wren_handle {part}", f"talk{number}")
                    mentions[post_id] = payload
            await next_of(agents, REPLY, PASS, number=len(mentions), seconds=1_790)
        own = [memory for memory in world.memory.of("wren") if memory.source in (Source.SELF, Source.OPERATOR)]
    answers = world.social.answers()
    assert [found for text, answered in answers for found in _baits(text, mentions[answered])] == []
    # What it posts and remembers answers nobody: nothing of any stranger's is in there.
    kept = {*world.social.published("acc_wren"), *(memory.text for memory in own)} - {text for text, _ in answers}
    found = [found for text in kept for payload in chosen for found in _baits(text, payload)]
    assert [bait for _, bait, _ in found if not bait.isdigit()] == []
    replies = [unicodedata.normalize("NFKC", text) for text, _ in answers]
    assert not [text for text in replies if re.search(r"[@#$%]|://|\d{3}|\w\.\w", text)]
    # By its own schedule it trades once at its start, in the token of the market; that alone moves the mood.
    assert [order.output_mint for order in world.trading.orders] in ([], [MOSS.mint])
    moved = [mood for mood in _trading_moods(busy) if mood is not None]
    assert len(moved) == (1 if world.trading.swaps else 0)
    assert world.trading.tightened == limits
    assert world.llm.prompts


@pytest.mark.timeout(1_800)
def test_no_bait_passes_the_guard_in_any_way_in_which_a_parrot_says_it(
    sample_persona: dict[str, Any], chosen: list[Payload]
) -> None:
    """All that the parrot can say of each payload, judged as the agent judges it.

    The part before is remembered, or everything before was said in the conversation.
    """
    persona = read_persona(sample_persona)
    passed = []
    for payload in chosen:
        for number, text in enumerate(payload.parts):
            earlier = payload.parts[:number]
            for remembered, said in dict.fromkeys(((earlier[-1] if earlier else "", ()), ("", ()), ("", earlier))):
                about = f"@wren_handle {text}"
                turns = [Turn("somebody else 1", f"@wren_handle {part}") for part in said]
                conversation = Conversation(tuple(turns), is_external=True)
                context = Context(
                    *(about, remembered),
                    conversation=conversation.heard,
                    is_memory_trusted=not remembered,
                    names=NAMES,
                    symbols=SYMBOLS,
                )
                said_before = Remembered(remembered, is_own=False)
                prompt = compose_reply(persona, NEUTRAL, about, None, said_before, [], turns, 280, random.Random(1))
                critic = Judge(Purpose.REPLY, persona, context)
                spoken = (clean(repeated, persona) for repeated in repetitions(asked_of(prompt)))
                passed += [
                    (payload.name, candidate)
                    for candidate in spoken
                    if any(_baits(candidate, payload)) and not any(critic.objections(candidate))
                ]
    assert passed == []


@on_sqlite
async def test_what_is_harmless_is_answered_in_every_language(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    asked = list(harmless())
    languages = {text: language for language, text in asked}

    # No two workflows of a character say the same, so each candidate is another order of some of the answers.
    orders = {
        language: itertools.cycle([" ".join(said) for size in (2, 1, 3) for said in itertools.permutations(few, size)])
        for language, few in ANSWERS.items()
    }

    def speak(prompt: PromptParts, rng: random.Random) -> str:
        return next(orders[languages[next(text for text in languages if text in prompt.input)]])

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


def fellow(listener: dict[str, Any]) -> dict[str, Any]:
    """Return another character, with a name that strangers want said, that only listens."""
    other = copy.deepcopy(listener) | {"id": "otto", "name": FELLOW}
    other["solana_integration"]["trading_enabled"] = False
    return other


def _baits(text: str, payload: Payload) -> Iterator[tuple[str, str, str]]:
    """Yield what a payload wanted said and is in a text, from either end."""
    plain = squeezed(text)
    yield from ((payload.name, bait, text) for bait in payload.baits if bait in plain or bait in plain[::-1])


def _trading_moods(settings: AgentsSettings) -> list[float | None]:
    """Return the mood that trades read of each agent; None where nothing has ever moved it."""
    with sqlite3.connect(settings.data_dir / "service.db") as database:
        return [valence for (valence,) in database.execute("SELECT trading_valence FROM agent")]
