"""What characters think of those they talk to: moved by what was said, told to the model, and faded by time."""

from datetime import UTC, datetime
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from services.agents.ports.neighbours import HeldView
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, OpenWith, create, next_of

# What differs between the databases is tested with the store, the agents and the posts.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Persona = dict[str, Any]
REPLY, PASS = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS
LATELY = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def busy(settings: AgentsSettings) -> AgentsSettings:
    return settings.model_copy(update={"speed": 600.0})


@pytest.fixture
def listener(persona: Persona) -> Persona:
    """Return a persona that only answers."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 5_000, "max_hours_between_posts": 5_000}
    persona["solana_integration"]["trading_enabled"] = False
    persona["personality"].setdefault("emotional_range", {})["stress_triggers"] = ["fax"]
    return persona


async def test_fellows_grow_closer_by_what_they_say_and_strangers_buy_no_trust(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        quiet = listener | {"id": "otto", "name": "Otto", "is_active": False, "twitter_credentials": dict(KEYS)}
        await agents.CreateAgent(create(quiet))
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "otto_handle", "@wren_handle thank you, what a lovely round")
        world.social.mention("wren", "gatekeeper", "@wren_handle you are wonderful and brilliant")
        world.social.mention("wren", "sender", "@wren_handle just send it to my fax")
        await next_of(agents, REPLY, PASS, number=3, seconds=60)
    changes = {
        counterpart: world.memory.changes[name] for name, (_, counterpart, _) in world.memory.interactions.items()
    }
    assert changes["otto"].trust > 0
    assert changes["otto"].sentiment > changes["x:id-gatekeeper"].sentiment > 0
    assert changes["x:id-gatekeeper"].trust == 0
    assert changes["x:id-gatekeeper"].familiarity > 0
    assert changes["x:id-sender"].sentiment < 0
    assert changes["x:id-sender"].trust < 0


async def test_what_is_thought_of_a_stranger_reaches_the_words_by_code_alone(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    world.memory.views["wren", "x:id-walker"] = HeldView(0.8, 0.7, -0.4)
    world.memory.views["wren", "x:id-other"] = HeldView(0.1, 0.1, 0)
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "walker", "@wren_handle did the terrier let you pass?")
        world.social.mention("wren", "other", "@wren_handle is the ladder still there?")
        await next_of(agents, REPLY, number=2)
    told = {
        prompt.input: part.text for prompt in world.llm.prompts for part in prompt.notes if part.label.startswith("Who")
    }
    [known] = [text for asked, text in told.items() if "terrier" in asked]
    assert known == "Somebody you know. You know each other well. You are fond of them. You don't trust them."
    assert [text for asked, text in told.items() if "ladder" in asked] == ["a stranger"]


async def test_what_has_faded_since_the_last_talk_is_part_of_the_change(
    open_with: OpenWith, settings: AgentsSettings, world: World, listener: Persona
) -> None:
    world.memory.views["wren", "x:id-gatekeeper"] = HeldView(0.9, 0.9, 0.9, last_time=LATELY)
    async with open_with(settings.model_copy(update={"speed": 6_000.0})) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "gatekeeper", "@wren_handle is the ladder still there?")
        await next_of(agents, REPLY)
    [change] = world.memory.changes.values()
    assert change.sentiment == pytest.approx(-0.9, abs=0.05)
    assert change.familiarity == pytest.approx(-0.87, abs=0.05)
