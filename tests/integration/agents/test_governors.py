"""Characters that answer everything stop at the limits, and none acts that was stopped before."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.domain.prompts import PromptParts
from services.agents.service.governors import MAX_REPLIES_TO_A_FELLOW
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, OpenWith, create

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

REPLY, PASS = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS
NAMES = ("wren", "otto", "mira", "bo")
THINGS = (
    *("anchor", "basket", "bell", "bottle", "broom", "button", "candle", "carpet", "chimney", "clock", "comet", "cup"),
    *("drum", "feather", "fence", "ferry", "garden", "hammer", "harbour", "hat", "hedge", "island", "jar", "kettle"),
    *(
        "ladder",
        "lantern",
        "lemon",
        "mirror",
        "needle",
        "oven",
        "paddle",
        "pepper",
        "pillow",
        "piano",
        "quilt",
        "river",
    ),
    *(
        "rope",
        "saddle",
        "shovel",
        "spoon",
        "stove",
        "tailor",
        "teapot",
        "ticket",
        "tunnel",
        "valley",
        "wagon",
        "willow",
    ),
)
WAYS = (
    "My {} leans on a {}.",
    "Somebody painted the {} like an old {}.",
    "No {} was ever as heavy as that {}.",
    "Tomorrow I carry one {} past every {}.",
    "Under this {} sleeps another {}.",
    "They sold their {} for half a {}.",
)
SLOW = 1e-3
"""A day that doesn't end within a test, with minutes of the characters that are short all the same."""


@pytest.fixture
def talker(persona: dict[str, Any]) -> dict[str, Any]:
    """Return a persona that answers whatever it hears, within a second, and does nothing else."""
    persona["behavior"]["interaction_patterns"] |= {
        "reply_probability": 1,
        "mention_response_time": {"min_minutes": 1e-6, "max_minutes": 5e-6},
    }
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 8_000, "max_hours_between_posts": 8_000}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


def speak(_prompt: PromptParts, rng: random.Random) -> str:
    """Return one of so many sentences that hardly any is like another one."""
    first, second = rng.sample(THINGS, 2)
    return rng.choice(WAYS).format(first, second)


async def talked(
    open_with: OpenWith, settings: AgentsSettings, world: World, talker: Mapping[str, Any], number: int
) -> list[log_pb.Activity]:
    """Let so many characters talk until nothing is left to answer; the value is what came of each mention."""
    world.social.is_lively, world.llm.speak = True, speak
    everything = pb.ListActivityRequest(kinds=[REPLY, PASS, log_pb.ACTIVITY_KIND_FAILURE], page_size=500)
    async with open_with(settings.model_copy(update={"speed": SLOW})) as agents:
        for name in NAMES[:number]:
            await agents.CreateAgent(
                create({**talker, "id": name, "name": name.title(), "twitter_credentials": dict(KEYS)})
            )
        world.social.mention("wren", "otto_handle", "@wren_handle shall we talk?", "talk")
        async with asyncio.timeout(240):
            while True:
                done = list((await agents.ListActivity(everything)).activities)
                if len(done) == sum(map(len, world.social.inbox.values())):
                    return done
                await asyncio.sleep(0.5)


def by(done: list[log_pb.Activity], kind: log_pb.ActivityKind.ValueType) -> Counter[str]:
    return Counter(one.agent_id for one in done if one.kind == kind)


def reasons(done: list[log_pb.Activity]) -> set[log_pb.PassReason.ValueType]:
    return {one.passed.reason for one in done if one.kind == PASS}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [2, 4])
async def test_characters_that_answer_everything_stop_at_the_limit_of_their_conversation(
    open_with: OpenWith, settings: AgentsSettings, world: World, talker: dict[str, Any], number: int
) -> None:
    roomy = settings.model_copy(update={"replies_a_day_to_characters": 1_000})
    done = await talked(open_with, roomy, world, talker, number)
    replies = by(done, REPLY)
    assert len(world.social.answers()) == replies.total()
    assert max(replies.values()) <= MAX_REPLIES_TO_A_FELLOW * (number - 1)
    # Each that answers is answered, up to the limit of each of the others.
    assert number < replies.total() <= MAX_REPLIES_TO_A_FELLOW * number * (number - 1)
    assert log_pb.PASS_REASON_CONVERSATION_LIMIT in reasons(done)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [2, 4])
async def test_characters_that_begin_ever_new_conversations_stop_at_the_limits_of_the_day(
    open_with: OpenWith, settings: AgentsSettings, world: World, talker: dict[str, Any], number: int
) -> None:
    world.social.joins_conversations = False
    strict = settings.model_copy(update={"replies_a_day_to_one": 3, "replies_a_day_to_characters": 5})
    done = await talked(open_with, strict, world, talker, number)
    replies, bound = by(done, REPLY), min(3 * (number - 1), 5)
    assert len(world.social.answers()) == replies.total()
    assert number < replies.total() <= bound * number
    assert max(replies.values()) <= bound
    limit = log_pb.PASS_REASON_COUNTERPART_LIMIT if number == 2 else log_pb.PASS_REASON_CHARACTERS_LIMIT
    assert limit in reasons(done)
    if number == 4:
        told = next(one for one in done if one.passed.reason == limit)
        assert (told.passed.limit, told.reason) == (5, "has given 5 replies to other characters today")
