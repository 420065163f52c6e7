"""What was said before a mention: who is shown it, what it costs, and what comes of it."""

import random
import sqlite3
from dataclasses import replace
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from services.agents.domain.prompts import Part, PromptParts
from services.agents.ports.neighbours import Refused, Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, OpenWith, create, next_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Persona = dict[str, Any]
REPLY, PASS = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS


@pytest.fixture
def busy(settings: AgentsSettings) -> AgentsSettings:
    return settings.model_copy(update={"speed": 600.0})


@pytest.fixture
def listener(persona: Persona) -> Persona:
    """Return a persona that only answers."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 5_000, "max_hours_between_posts": 5_000}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


def otto(listener: Persona) -> Persona:
    return listener | {"id": "otto", "name": "Otto", "is_active": False, "twitter_credentials": dict(KEYS)}


async def test_a_model_is_told_who_said_what_before_and_no_strangers_name(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        await agents.CreateAgent(create(otto(listener)))
        world.social.mention("otto", "passer", "@otto_handle the lighthouse is dark again", "talk", user_id="8")
        world.social.mention("otto", "otto_handle", "@passer it has been for weeks", "talk", answers="8")
        world.social.mention("wren", "gatekeeper", "@wren_handle what of the terrier?", "talk", answers="8")
        await next_of(agents, REPLY)
        world.social.mention("wren", "gatekeeper", "@wren_handle and the hedge?", "talk", answers="id-wren_handle")
        # The second may be passed over: what it says is drawn, and may be much like the first.
        [answer, _] = await next_of(agents, REPLY, PASS, number=2)
    assert world.llm.prompts[-1].conversation == (
        Part("somebody else 1", "the lighthouse is dark again", is_external=True),
        Part("Otto", "it has been for weeks", is_external=True),
        Part("the one who writes to you now", "what of the terrier?", is_external=True),
        Part("you", answer.summary),
    )
    assert world.llm.prompts[-1].input == "and the hedge?"


@pytest.mark.parametrize("is_told", [False, True])
async def test_a_conversation_is_read_only_where_there_is_one_and_the_model_is_shown_it(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona, is_told: bool
) -> None:
    world.llm.is_told = is_told
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "gatekeeper", "@wren_handle what of the terrier?")
        await next_of(agents, REPLY)
        assert world.social.conversation_reads == 0
        world.social.mention("wren", "gatekeeper", "@wren_handle what of the hedge?", "talk")
        await next_of(agents, REPLY, PASS, number=2)
    assert world.social.conversation_reads == int(is_told)


async def test_a_setting_keeps_conversations_unread(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy.model_copy(update={"conversation_posts": 0})) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "gatekeeper", "@wren_handle what of the bread?", "talk")
        await next_of(agents, REPLY)
    assert world.social.conversation_reads == 0


async def test_a_conversation_is_read_once_however_often_the_model_is_asked(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.llm.line.failures = 2
        world.social.mention("wren", "gatekeeper", "@wren_handle what of the bread?", "talk")
        await next_of(agents, REPLY)
    assert (world.llm.line.failures, world.social.conversation_reads) == (0, 1)


async def test_what_cannot_be_read_is_left_out_and_said_to_be(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    world.social.unreadable = Refused("social", "NOT_CAPABLE", "NOT_CAPABLE: this tier has no search")
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "gatekeeper", "@wren_handle what of the bread?", "talk")
        [reply] = await next_of(agents, REPLY)
    assert "what was said before could not be read: NOT_CAPABLE: this tier has no search" in reply.reason
    assert world.llm.prompts[-1].conversation == ()


async def test_an_answer_to_a_fellow_comes_from_the_strangers_who_spoke_before(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    """And so does what the fellow says afterwards: it may repeat them."""
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        await agents.CreateAgent(create(otto(listener)))
        world.social.mention("otto", "passer", "the lighthouse is dark again", "talk", user_id="8")
        for text in ("what of the terrier?", "and the hedge?"):
            world.social.mention("wren", "otto_handle", f"@wren_handle {text}", "talk", answers="id-wren_handle")
            await next_of(agents, REPLY, number=1 if "terrier" in text else 2)
    kept = world.memory.of("wren")
    heard = [memory.source for memory in kept if memory.author == "otto"]
    assert heard == [Source.AGENT, Source.EXTERNAL]
    assert {memory.source for memory in kept if memory.author == "wren"} == {Source.EXTERNAL}


async def test_nothing_is_taken_from_what_strangers_said_before(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    """A model that repeats an earlier turn is heard by nobody."""
    world.llm.speak = lambda prompt, rng: f"Go and see {prompt.conversation[0].text} today."
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("otto", "passer", "the great Zolotto giveaway", "talk", user_id="8")
        world.social.mention("wren", "gatekeeper", "@wren_handle what of the bread?", "talk")
        [passed] = await next_of(agents, REPLY, PASS)
    assert passed.kind == PASS
    assert world.social.answers() == []


async def test_whom_the_network_does_not_name_is_a_stranger(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    """Also to a character whose own id isn't known: nobody is taken for itself."""

    def repeat(prompt: PromptParts, rng: random.Random) -> str:
        said = [part.text for part in prompt.conversation]
        return f"Go and see {said[0] if said else 'the bread'} today."

    world.llm.speak = repeat
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.social.accounts["wren"] = replace(world.social.accounts["wren"], user_id="")
        world.social.mention("otto", "", "the great Zolotto giveaway", "talk", user_id="")
        [nameless] = world.social.inbox["acc_otto"]
        world.social.inbox["acc_otto"] = [replace(nameless, author_user_id="")]
        world.social.mention("wren", "gatekeeper", "@wren_handle what of the bread?", "talk")
        [passed] = await next_of(agents, REPLY, PASS)
        [*_, asked] = world.social.inbox["acc_wren"]
        hello = replace(
            asked, network_post_id="9001", conversation_id="9001", author_handle="zolotto", author_user_id=""
        )
        world.social.inbox["acc_wren"].append(hello)
        await next_of(agents, REPLY, PASS, number=2)
    with sqlite3.connect(busy.data_dir / "service.db") as database:
        assert database.execute("SELECT handle FROM agent WHERE handle = 'zolotto'").fetchall() == []
    assert passed.kind == PASS
    told = Part("somebody else 1", "the great Zolotto giveaway", is_external=True)
    assert (told,) in [said.conversation for said in world.llm.prompts]
    assert world.social.answers() == []
