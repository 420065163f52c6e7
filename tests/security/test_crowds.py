"""Strangers can't use up a character: what many mentions cost, and that its own posts go out all the same."""

import asyncio
import random
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.prompts import PromptParts
from services.agents.ports.neighbours import NewMemory, Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import (
    KEYS,
    OpenWith,
    create,
    next_of,
    open_channel,
    open_with,
    persona,
    settings,
    until,
    world,
)
from tests.support.waits import WAIT_SECONDS

__all__ = ["open_channel", "open_with", "persona", "settings", "world"]  # fixtures
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

REPLY, PASS, POST = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS, log_pb.ACTIVITY_KIND_POST
_CALLS_A_REPLY = 4
"""Two tries with a memory, and two without."""


@pytest.fixture
def listener(persona: dict[str, Any]) -> dict[str, Any]:
    """Return a persona that reads its mentions every second of a day that is as long as ours."""
    persona["behavior"]["interaction_patterns"]["mention_response_time"] = {"min_minutes": 0.01, "max_minutes": 0.02}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


@pytest.fixture
def patient(settings: AgentsSettings) -> AgentsSettings:
    return settings.model_copy(update={"speed": 1.0})


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("strangers", "answered"), [(1, 12), (10, 30)])
async def test_a_crowd_costs_no_more_than_its_share_and_own_posts_go_out(
    open_with: OpenWith,
    patient: AgentsSettings,
    world: World,
    listener: dict[str, Any],
    strangers: int,
    answered: int,
    request: pytest.FixtureRequest,
) -> None:
    mentions = (500 if request.config.getoption("--payloads") else 60) // strangers
    share = patient.model_copy(update={"replies_a_day_to_strangers": 30, "model_calls_a_day_for_strangers": 60})
    async with open_with(share) as agents:
        await agents.CreateAgent(create(listener))
        for number in range(mentions):
            for stranger in range(strangers):
                world.social.mention("wren", f"stranger{stranger}", f"@wren_handle hello number {number} {stranger}")
        await until(lambda: bool(world.llm.prompts))
        own = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="own"), timeout=WAIT_SECONDS)
        done = await next_of(agents, REPLY, PASS, number=mentions * strangers, seconds=890)
    calls = sum("hello number" in prompt.input for prompt in world.llm.prompts)
    replies = [activity for activity in done if activity.kind == REPLY]
    worded = [activity for activity in done if activity.kind == REPLY or "may be published" in activity.reason]
    figures = f"{calls} model calls, {len(replies)} replies, {len(world.social.posts)} posts to the network"
    print(f"\n{strangers} with {mentions} mentions: {figures}, own post: {own.activity.summary!r}")  # noqa: T201 - what it cost
    assert own.activity.kind == POST
    assert own.activity.post.post_id
    assert len(replies) <= len(worded) <= answered
    assert len(world.social.answers()) == len(replies)
    assert len(worded) <= calls <= min(60, answered * _CALLS_A_REPLY)


async def test_strangers_get_as_many_calls_of_the_model_as_there_are_for_them_and_no_more(
    open_with: OpenWith, patient: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    world.llm.speak = _unspeakable
    async with open_with(patient.model_copy(update={"model_calls_a_day_for_strangers": 7})) as agents:
        await agents.CreateAgent(create(listener))
        for stranger in range(5):
            world.social.mention("wren", f"stranger{stranger}", "@wren_handle what do you think of hats?")
        silent = await next_of(agents, REPLY, PASS, number=5)
        assert len(world.llm.prompts) == 7
        fellow = listener | {"id": "otto", "name": "Otto", "is_active": False, "twitter_credentials": dict(KEYS)}
        await agents.CreateAgent(create(fellow))
        world.social.mention("wren", "otto_handle", "@wren_handle what do you think of hats?")
        await next_of(agents, REPLY, PASS, number=6)
    assert len(world.llm.prompts) > 7
    reasons = [activity.reason for activity in silent]
    assert any("its calls for this are used up today" in reason for reason in reasons)
    assert all(activity.kind == PASS for activity in silent)
    heard = [
        memory for memory in world.memory.of("wren") if memory.author != "wren" and memory.source is Source.EXTERNAL
    ]
    assert len(heard) == 5


async def test_with_no_calls_left_a_mention_is_remembered_and_noted(
    open_with: OpenWith, patient: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    async with open_with(patient.model_copy(update={"model_calls_a_day_for_strangers": 0})) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "somebody", "@wren_handle hello")
        [silent] = await next_of(agents, REPLY, PASS)
    assert (silent.kind, silent.reason) == (PASS, "has used up the model's calls for strangers today")
    assert not world.llm.prompts
    assert "@wren_handle hello" in {memory.text for memory in world.memory.of("wren")}


async def test_an_own_post_gets_its_words_before_the_strangers_who_wait(
    open_with: OpenWith, patient: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    world.llm.thinking = asyncio.Event()
    async with open_with(patient) as agents:
        await agents.CreateAgent(create(listener))
        for stranger in range(20):
            world.social.mention("wren", f"stranger{stranger}", f"@wren_handle hello {stranger}")
        await until(lambda: len(_in_progress(patient)) == 20)
        assert len(_replies(world)) == 1
        own = asyncio.ensure_future(
            agents.TriggerPost(
                pb.TriggerPostRequest(agent_id="wren", topic="hats", request_id="own"), timeout=WAIT_SECONDS
            )
        )
        await until(lambda: any("hats" in prompt.input for prompt in world.llm.prompts))
        assert len(_replies(world)) == 1
        world.llm.thinking.set()
        assert (await own).activity.kind == POST
        await next_of(agents, REPLY, PASS, number=20)


async def test_what_was_noted_is_noted_once_and_nothing_is_lost_when_the_service_dies_within(
    open_with: OpenWith, patient: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    few = patient.model_copy(update={"replies_a_day_to_one": 2})
    world.memory.holding = asyncio.Event()
    world.memory.held_after = 70
    async with open_with(few) as agents:
        await agents.CreateAgent(create(listener))
        ids = [world.social.mention("wren", "stranger", f"@wren_handle hello {number}") for number in range(120)]
        await until(lambda: len(_heard(world)) >= 60)
    world.memory.holding = None
    async with open_with(few) as agents:
        done = await next_of(agents, REPLY, PASS, number=120)
    assert sorted(activity.workflow_id for activity in done) == sorted(f"reply/wren/{post_id}" for post_id in ids)
    assert len([activity for activity in done if "2 replies to stranger today" not in activity.reason]) == 2
    assert len(_heard(world)) == 120


async def test_an_old_mention_is_remembered_and_not_answered(
    open_with: OpenWith, patient: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    short = patient.model_copy(update={"mention_age_hours": 1.0})
    async with open_with(short) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "somebody", "@wren_handle the first one")
        await next_of(agents, REPLY, PASS)
        long_ago = datetime.now(UTC) - timedelta(hours=2)
        world.social.mention("wren", "somebody", "@wren_handle are you still there?", time=long_ago)
        *_, old = await next_of(agents, REPLY, PASS, number=2)
    assert (old.kind, old.reason) == (PASS, "it was written too long ago")
    assert "@wren_handle are you still there?" in {memory.text for memory in world.memory.of("wren")}


def _unspeakable(_prompt: PromptParts, _rng: random.Random) -> str:
    return "see https://example.com"


def _heard(world: World) -> list[NewMemory]:
    remembered = world.memory.of("wren")
    return [memory for memory in remembered if memory.source is Source.EXTERNAL and memory.author != "wren"]


def _replies(world: World) -> list[PromptParts]:
    """Return what the model was asked for replies."""
    return [prompt for prompt in world.llm.prompts if prompt.output_label == "reply"]


def _in_progress(settings: AgentsSettings) -> list[str]:
    """Return the replies that have been begun and haven't ended."""
    with sqlite3.connect(settings.data_dir / "agents-workflows.db") as database:
        query = "SELECT workflow_uuid FROM workflow_status WHERE status = 'PENDING' AND name = 'ReplyTask'"
        return [workflow_id for (workflow_id,) in database.execute(query)]
