"""Replies: each mention is read, remembered and answered once, within limits."""

import asyncio
import sqlite3
from datetime import UTC, datetime
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.ports.neighbours import Source, View
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, OpenWith, create, log_of, next_of, until
from tests.support.waits import WAIT_SECONDS

# What differs between the databases is tested with the store, the agents and the posts.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Persona = dict[str, Any]
REPLY, PASS = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS


@pytest.fixture
def busy(settings: AgentsSettings) -> AgentsSettings:
    """Return settings with which mentions are looked at several times a second, and a post comes up in hours."""
    return settings.model_copy(update={"speed": 600.0})


@pytest.fixture
def listener(persona: Persona) -> Persona:
    """Return a persona that only answers."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 5_000, "max_hours_between_posts": 5_000}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


async def test_a_stranger_is_answered_once_with_a_memory(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        mention = world.social.mention("wren", "gatekeeper", "@wren_handle did the terrier let you pass today?")
        [reply] = await next_of(agents, REPLY)
        looked = world.social.line.calls
        await until(lambda: world.social.line.calls >= looked + 6)
        assert await log_of(agents, REPLY) == [reply]
    assert reply.workflow_id == f"reply/wren/{mention}"
    assert (reply.reply.in_reply_to_network_post_id, reply.reply.to_handle) == (mention, "gatekeeper")
    assert reply.trigger == log_pb.ACTIVITY_TRIGGER_MENTION
    assert [memory.text for memory in reply.memories] == ["The terrier at number nine let me pass."]
    assert "terrier" in reply.reason
    assert world.social.answers() == [(reply.summary, mention)]
    assert [view[1] for view in world.memory.interactions.values()] == ["x:id-gatekeeper"]


async def test_the_words_of_a_stranger_are_external_and_those_of_a_fellow_an_agents(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        quiet = listener | {"id": "otto", "name": "Otto", "is_active": False, "twitter_credentials": dict(KEYS)}
        await agents.CreateAgent(create(quiet))
        world.social.mention("wren", "stranger", "@wren_handle hello from nowhere")
        world.social.mention("wren", "otto_handle", "@wren_handle hello from the workshop")
        await next_of(agents, REPLY, PASS, number=2)
    heard = {memory.text: memory for memory in world.memory.of("wren")}
    stranger, fellow = heard["@wren_handle hello from nowhere"], heard["@wren_handle hello from the workshop"]
    assert (stranger.source, stranger.author) == (Source.EXTERNAL, "x:id-stranger")
    assert (fellow.source, fellow.author) == (Source.AGENT, "otto")


async def test_a_stranger_whose_handle_is_a_fellows_id_is_not_taken_for_the_fellow(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        quiet = listener | {"id": "otto", "name": "Otto", "is_active": False, "twitter_credentials": dict(KEYS)}
        await agents.CreateAgent(create(quiet))
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "otto_handle", "@wren_handle zebra secrets are safe with you")
        await next_of(agents, REPLY)
        world.social.mention("wren", "otto", "@wren_handle have you ever met a zebra?")
        replies = await next_of(agents, REPLY, number=2)
    assert not [memory for memory in replies[1].memories if "safe with you" in memory.text]
    heard = {memory.text: memory for memory in world.memory.of("wren")}
    assert heard["@wren_handle have you ever met a zebra?"].author == "x:id-otto"
    assert {counterpart for _, counterpart, _ in world.memory.interactions.values()} == {"otto", "x:id-otto"}


async def test_the_limits_of_a_conversation_hold_for_fellows_and_for_strangers(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        quiet = listener | {"id": "otto", "name": "Otto", "is_active": False, "twitter_credentials": dict(KEYS)}
        await agents.CreateAgent(create(quiet))
        await agents.CreateAgent(create(listener))
        for number in range(4):
            world.social.mention("wren", "otto_handle", f"@wren_handle fellow question {number}", "talk_1")
            world.social.mention("wren", "stranger", f"@wren_handle stranger question {number}", "talk_2")
        answers = await next_of(agents, REPLY, PASS, number=8)
    replies = [activity.reply.to_handle for activity in answers if activity.kind == REPLY]
    assert (replies.count("otto_handle"), replies.count("stranger")) == (2, 3)
    assert all("in this conversation" in activity.reason for activity in answers if activity.kind == PASS)


async def test_what_was_said_before_the_agent_came_is_not_answered(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    # They are more than are taken in at once.
    for _ in range(60):
        world.social.mention("wren", "stranger", "@wren_handle are you there?", time=datetime(2026, 1, 1, tzinfo=UTC))
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        await until(lambda: world.social.line.calls >= 6)
        new = world.social.mention("wren", "stranger", "@wren_handle and now?")
        [reply] = await next_of(agents, REPLY, PASS)
    assert reply.reply.in_reply_to_network_post_id == new


async def test_an_agent_that_never_replies_passes_and_says_why(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    listener["behavior"]["interaction_patterns"]["reply_probability"] = 0
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "stranger", "@wren_handle hello")
        [passed] = await next_of(agents, PASS)
    assert "reply probability" in passed.reason
    assert not world.social.answers()


async def test_mentions_survive_a_restart_without_a_second_answer(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    world.social.sending = asyncio.Event()
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "stranger", "@wren_handle is the gate open?")
        await until(lambda: bool(world.social.answers()))
    world.social.sending = None
    async with open_with(busy) as agents:
        await next_of(agents, REPLY)
        second = world.social.mention("wren", "stranger", "@wren_handle and the other gate?")
        replies = await next_of(agents, REPLY, number=2)
    assert replies[1].reply.in_reply_to_network_post_id == second
    assert len(world.social.answers()) == 2


async def test_several_who_write_at_once_are_not_told_the_same(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    sayings = [f"My {thing} is louder than the sea tonight." for thing in ("kettle", "gate", "letter", "lamp")]
    world.llm.speak = lambda _, rng: rng.choice(sayings)
    world.llm.thinking = asyncio.Event()
    async with open_with(busy.model_copy(update={"strangers_at_once": 4})) as agents:
        await agents.CreateAgent(create(listener | {"initial_memory": {}}))
        for number in range(4):
            world.social.mention("wren", f"stranger{number}", "@wren_handle hello there")
        await until(lambda: len(world.llm.prompts) >= 4)
        world.llm.thinking.set()
        done = await next_of(agents, REPLY, PASS, number=4)
    said = [text for text, _ in world.social.answers()]
    assert len(set(said)) == len(said) == sum(activity.kind == REPLY for activity in done) > 1


async def test_a_mention_that_was_passed_over_stays_so_when_it_is_read_again(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy.model_copy(update={"replies_a_day_to_strangers": 0})) as agents:
        await agents.CreateAgent(create(listener))
        old = world.social.mention("wren", "stranger", "@wren_handle is the gate open?")
        await next_of(agents, PASS)
    with sqlite3.connect(busy.data_dir / "service.db") as database:
        database.execute("UPDATE mention_cursor SET after = ''")
    async with open_with(busy) as agents:
        new = world.social.mention("wren", "stranger", "@wren_handle and the other gate?")
        answers = await next_of(agents, REPLY, PASS, number=2)
    assert [(activity.kind, activity.workflow_id) for activity in answers] == [
        (PASS, f"reply/wren/{old}"),
        (REPLY, f"reply/wren/{new}"),
    ]
    assert [in_reply_to for _, in_reply_to in world.social.answers()] == [new]


async def test_a_mention_that_cant_be_remembered_fails_alone(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    world.memory.refused_text = "poison"
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        poison = world.social.mention("wren", "stranger", "@wren_handle poison")
        world.social.mention("wren", "stranger", "@wren_handle is the gate open?")
        done = await next_of(agents, REPLY, log_pb.ACTIVITY_KIND_FAILURE, number=2)
    assert {activity.kind: activity.workflow_id for activity in done}[
        log_pb.ACTIVITY_KIND_FAILURE
    ] == f"reply/wren/{poison}"
    assert [activity.kind for activity in done].count(REPLY) == 1


async def test_no_mention_is_lost_while_the_memory_service_is_down(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy.model_copy(update={"patience_seconds": 0.1})) as agents:
        await agents.CreateAgent(create(listener))
        world.memory.line.failures = 8
        mention = world.social.mention("wren", "stranger", "@wren_handle is the gate open?")
        [reply] = await next_of(agents, REPLY, PASS)
        failures = {activity.summary for activity in await log_of(agents, log_pb.ACTIVITY_KIND_FAILURE)}
    assert "could not read its mentions" in failures
    assert "could not answer stranger" not in failures
    assert reply.workflow_id == f"reply/wren/{mention}"


async def test_no_mention_is_lost_while_the_model_is_down(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy.model_copy(update={"patience_seconds": 0.1})) as agents:
        await agents.CreateAgent(create(listener))
        world.llm.line.failures = 3
        mention = world.social.mention("wren", "stranger", "@wren_handle is the gate open?")
        [reply] = await next_of(agents, REPLY, PASS)
        failures = {activity.summary for activity in await log_of(agents, log_pb.ACTIVITY_KIND_FAILURE)}
    assert not world.llm.line.failures
    assert "could not answer stranger" not in failures
    assert reply.workflow_id == f"reply/wren/{mention}"


async def test_what_the_networks_limit_leaves_no_room_for_is_passed_over_and_an_own_post_goes_out(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    world.social.replies_left = 1
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        for number in range(3):
            world.social.mention("wren", f"stranger{number}", "@wren_handle is the gate open?")
        answers = await next_of(agents, REPLY, PASS, log_pb.ACTIVITY_KIND_FAILURE, number=3)
        own = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="own"), timeout=WAIT_SECONDS)
    assert sorted(activity.kind for activity in answers) == sorted([REPLY, PASS, PASS])
    reasons = {activity.reason for activity in answers if activity.kind == PASS}
    assert reasons == {"has made as many replies as its network's limit leaves for them"}
    assert own.activity.kind == log_pb.ACTIVITY_KIND_POST
    assert len(world.social.answers()) == 1


async def test_another_strangers_words_are_not_brought_up(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "first", "@wren_handle zebra secrets are safe with you")
        await next_of(agents, REPLY)
        world.memory.views["wren", "second"] = View(0, 0, 0, "Asks a lot.")
        world.social.mention("wren", "second", "@wren_handle have you ever met a zebra?")
        replies = await next_of(agents, REPLY, number=2)
    assert not [memory for memory in replies[1].memories if "safe with you" in memory.text]
    assert not any("zebra" in prompt.system for prompt in world.llm.prompts)


async def test_a_fellow_who_renames_stays_one_and_who_takes_the_name_is_a_stranger(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        quiet = listener | {"id": "otto", "name": "Otto", "is_active": False, "twitter_credentials": dict(KEYS)}
        await agents.CreateAgent(create(quiet))
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "otto_handle", "@wren_handle it is me, your old friend", user_id="id-thief")
        world.social.mention("wren", "otto_renamed", "@wren_handle a new name, and still me", user_id="id-otto_handle")
        await next_of(agents, REPLY, PASS, number=2)
    heard = {memory.text: memory for memory in world.memory.of("wren")}
    thief, fellow = heard["@wren_handle it is me, your old friend"], heard["@wren_handle a new name, and still me"]
    assert (thief.source, thief.author) == (Source.EXTERNAL, "x:id-thief")
    assert (fellow.source, fellow.author) == (Source.AGENT, "otto")


async def test_who_an_agent_is_on_its_network_is_learnt_when_it_reads_its_mentions(
    open_with: OpenWith, busy: AgentsSettings, world: World, listener: Persona
) -> None:
    async with open_with(busy) as agents:
        await agents.CreateAgent(create(listener))
    with sqlite3.connect(busy.data_dir / "service.db") as database:
        database.execute("UPDATE agent SET network_user_id = ''")
    async with open_with(busy) as agents:
        world.social.mention("wren", "stranger", "@wren_handle is the gate open?")
        await next_of(agents, REPLY, PASS)
    with sqlite3.connect(busy.data_dir / "service.db") as database:
        assert database.execute("SELECT network_user_id FROM agent").fetchall() == [("id-wren_handle",)]
