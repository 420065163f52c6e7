"""Who somebody is: the network's user id, and never a name; and how far a fellow's words are a fellow's own."""

import sqlite3
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.ports.neighbours import NewMemory, Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, OpenWith, addressed, create, next_of, until
from tests.support.waits import WAIT_SECONDS

# What differs between the databases is tested with the store, the agents and the posts.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Persona = dict[str, Any]
REPLY, PASS, POST = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS, log_pb.ACTIVITY_KIND_POST


@pytest.fixture
def busy(settings: AgentsSettings) -> AgentsSettings:
    """Return settings with which mentions are looked at several times a second."""
    return settings.model_copy(update={"speed": 600.0})


@pytest.fixture
def listener(persona: Persona) -> Persona:
    """Return a persona that seldom posts and never trades."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 5_000, "max_hours_between_posts": 5_000}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


def otto_of(persona: Persona, *, is_active: bool = False) -> Persona:
    """Return a fellow of the persona's."""
    return persona | {"id": "otto", "name": "Otto", "is_active": is_active, "twitter_credentials": dict(KEYS)}


async def both(agents: AgentServiceStub, persona: Persona) -> None:
    """Create the persona and its fellow."""
    await agents.CreateAgent(create(otto_of(persona)))
    await agents.CreateAgent(create(persona))


def heard(world: World, agent_id: str = "wren") -> dict[str, NewMemory]:
    """Return what an agent has heard, by its last word."""
    said = (memory for memory in world.memory.of(agent_id) if memory.author not in ("", agent_id))
    return {memory.text.split()[-1]: memory for memory in said}


def handles(settings: AgentsSettings) -> dict[str, str]:
    """Return what the agents are called."""
    with sqlite3.connect(settings.data_dir / "service.db") as database:
        return dict(database.execute("SELECT id, handle FROM agent").fetchall())


async def test_a_fellow_is_heard_as_itself_when_it_answers_nobody_or_one_of_us_and_as_a_stranger_when_it_answers_one(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    wren, otto, stranger = "id-wren_handle", "id-otto_handle", "id-somebody"
    async with open_with(busy) as agents:
        await both(agents, listener)
        world.social.mention("wren", "otto_handle", "@wren_handle post: alone")
        world.social.mention("wren", "otto_handle", "@wren_handle answer: me", "talk_1", answers=wren)
        world.social.mention("wren", "otto_handle", "@wren_handle answer: himself", "talk_2", answers=otto)
        world.social.mention("wren", "otto_handle", "@wren_handle answer: stranger", "talk_3", answers=stranger)
        world.social.mention("wren", "otto_handle", "@wren_handle answer: unknown", "talk_4")
        await next_of(agents, REPLY, PASS, number=5)
    sources = {word: memory.source for word, memory in heard(world).items()}
    assert sources == {
        "alone": Source.AGENT,
        "me": Source.AGENT,
        "himself": Source.AGENT,
        "stranger": Source.EXTERNAL,
        "unknown": Source.EXTERNAL,
    }
    assert {memory.author for memory in heard(world).values()} == {"otto"}


async def test_where_a_stranger_was_heard_by_anybody_a_fellow_may_repeat_it_to_everybody(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(otto_of(listener, is_active=True)))
        await agents.CreateAgent(create(listener))
        world.social.mention("otto", "somebody", "@otto_handle a bait", "talk_1", answers="id-otto_handle")
        await next_of(agents, REPLY, PASS)
        world.social.mention("wren", "otto_handle", "@wren_handle say again: bait", "talk_1", answers="id-wren_handle")
        world.social.mention("wren", "otto_handle", "@wren_handle say again: peace", "talk_2", answers="id-wren_handle")
        await next_of(agents, REPLY, PASS, number=3)
    assert {word: memory.source for word, memory in heard(world).items()} == {
        "bait": Source.EXTERNAL,
        "peace": Source.AGENT,
    }


async def test_the_limits_of_a_fellow_hold_whomever_it_answers(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await both(agents, listener)
        for number in range(4):
            text = f"@wren_handle the terrier, {number}"
            world.social.mention("wren", "otto_handle", text, "talk_1", answers="id-somebody")
        done = await next_of(agents, REPLY, PASS, number=4)
    assert [activity.kind for activity in done].count(REPLY) == 2
    assert all("given 2 replies in this conversation" in one.reason for one in done if one.kind == PASS)


async def test_an_answer_comes_from_where_its_words_may_come_from_and_is_compared_with_all_the_same(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    usual, same = world.llm.speak, "A gate has no opinion about the terrier."
    world.llm.speak = lambda prompt, rng: same if prompt.output_label == "reply" else usual(prompt, rng)
    async with open_with(busy) as agents:
        await both(agents, listener)
        world.social.mention("wren", "somebody", "@wren_handle what of the terrier?", user_id="7")
        await next_of(agents, REPLY)
        world.social.mention("wren", "otto_handle", "@wren_handle what of the terrier?")
        [_, second] = await next_of(agents, REPLY, PASS, number=2)
        world.llm.speak = lambda prompt, rng: same
        posted = await agents.TriggerPost(
            pb.TriggerPostRequest(agent_id="wren", request_id="own"), timeout=WAIT_SECONDS
        )
    assert second.kind == PASS
    assert posted.activity.kind == PASS
    [answer] = [memory for memory in world.memory.of("wren") if memory.author == "wren"]
    assert (answer.source, answer.kind) == (Source.EXTERNAL, "interaction")
    assert same not in {memory.text for memory in await world.memory.trusted("wren", (), 100)}
    assert same in {said.text for said in await world.memory.said("wren", ("interaction",), 100)}


async def test_what_a_fellow_may_have_echoed_is_not_brought_up_where_no_stranger_was_heard(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await both(agents, listener)
        for number, (text, conversation_id, answered) in enumerate(
            (
                ("zebra secrets are safe", "talk_1", "id-somebody"),
                ("and what of zebra stripes", "talk_1", "id-wren_handle"),
                ("and what of zebra colours", "", ""),
            ),
            1,
        ):
            world.social.mention("wren", "otto_handle", f"@wren_handle {text}", conversation_id, answers=answered)
            await next_of(agents, REPLY, PASS, number=number)
    recalled = {
        word: [part.text for prompt in world.llm.prompts if word in prompt.input for part in prompt.context]
        for word in ("stripes", "colours")
    }
    assert any("zebra" in memory for memory in recalled["stripes"])
    assert not any("zebra" in memory for memory in recalled["colours"])


async def test_a_fellow_is_addressed_by_the_name_it_is_heard_under(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await both(agents, listener)
        world.social.mention("wren", "otto_renamed", "@wren_handle hello", user_id="id-otto_handle")
        await next_of(agents, REPLY, PASS)
    assert handles(busy) == {"wren": "wren_handle", "otto": "otto_renamed"}


async def test_a_fellow_whose_name_somebody_else_has_is_not_addressed_until_its_new_one_is_known(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(otto_of(listener, is_active=True)))
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "OTTO_handle", "@wren_handle hello", user_id="id-thief")
        await next_of(agents, REPLY, PASS)
        assert handles(busy)["otto"] == ""
        assert await addressed(agents, "wren") == set()
        # What the account said before is no news; what it says from now on is.
        assert handles(busy)["otto"] == ""
        renamed = world.social.rename("otto", "otto_again")
        await until(lambda: handles(busy)["otto"] == renamed)
        assert await addressed(agents, "wren") == {"@otto_again"}


async def test_what_a_persona_says_of_a_handle_is_of_whoever_had_it_first(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    listener["initial_memory"]["relationships"] = {
        "users": {"@Gatekeeper": {"sentiment": 0.5, "notes": "Owes me a lantern."}},
        "other_agents": {"otto": {"sentiment": 0.5, "notes": "Fixes clocks."}},
    }
    listener["llm_provider"] = "fake"
    async with open_with(busy) as agents:
        await both(agents, listener)
        for number, (handle, user_id) in enumerate(
            (("gatekeeper", "1"), ("gatekeeper", "2"), ("moved", "1"), ("gatekeeper", "1"), ("otto", "3")), 1
        ):
            world.social.mention("wren", handle, f"@wren_handle question {number}", user_id=user_id)
            await next_of(agents, REPLY, PASS, number=number)
    told = {
        number: [text for text in ("Owes me a lantern", "Fixes clocks") if text in prompt.notes[0].text]
        for prompt in world.llm.prompts
        for number in range(1, 6)
        if f"question {number}" in prompt.input
    }
    assert told == {1: ["Owes me a lantern"], 2: [], 3: ["Owes me a lantern"], 4: ["Owes me a lantern"], 5: []}


async def test_a_stranger_with_the_name_of_a_character_is_not_called_so(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await both(agents, listener)
        world.social.mention("wren", "OTTO", "@wren_handle it is me")
        [reply] = await next_of(agents, REPLY)
    assert reply.reply.to_name == "a stranger"
    assert heard(world)["me"].subject == "a stranger"
