"""How long a post may be is for its network to say, and what it says reaches model and guard."""

import asyncio
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.runtime.text.weight import TextLimit
from tests.fakes.agents import World
from tests.integration.agents.conftest import create, until
from tests.support.waits import WAIT_SECONDS

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Persona = dict[str, Any]


async def post(agents: AgentServiceStub, request_id: str) -> log_pb.Activity:
    request = pb.TriggerPostRequest(agent_id="wren", topic="gates", request_id=request_id)
    return (await agents.TriggerPost(request, timeout=WAIT_SECONDS)).activity


def rules(world: World) -> str:
    """Return what the model was last told of how to write."""
    return next(part.text for part in world.llm.prompts[-1].background if part.label == "Rules")


@pytest.mark.parametrize(("own", "networks", "told"), [(None, 500, 500), (170, 500, 170), (400, 280, 280)])
async def test_the_model_is_told_the_lesser_of_the_networks_length_and_the_characters(
    agents: AgentServiceStub, world: World, persona: Persona, own: int | None, networks: int, told: int
) -> None:
    if own is not None:
        persona["behavior"]["content_preferences"] = {"max_post_length": own}
    world.social.text_limit = TextLimit(networks)
    await agents.CreateAgent(create(persona))
    assert (await post(agents, "one")).kind == log_pb.ACTIVITY_KIND_POST
    assert f"at most {told} characters" in rules(world)


async def test_what_the_network_would_not_take_is_not_sent(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    world.social.text_limit = TextLimit(20)
    await agents.CreateAgent(create(persona))
    activity = await post(agents, "one")
    assert activity.kind == log_pb.ACTIVITY_KIND_PASS
    assert "of 20 characters" in activity.reason
    assert not world.social.published("acc_wren")


async def test_a_length_that_was_refused_is_asked_for_again(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    assert (await post(agents, "one")).kind == log_pb.ACTIVITY_KIND_POST
    world.social.text_limit = TextLimit(20)
    assert (await post(agents, "two")).kind == log_pb.ACTIVITY_KIND_FAILURE
    assert (await post(agents, "three")).kind == log_pb.ACTIVITY_KIND_PASS
    assert world.social.capability_reads == 2


async def test_a_post_is_written_and_waits_while_nobody_has_ever_said_what_the_network_takes(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    world.social.line.failures = 10**6
    posting = asyncio.ensure_future(post(agents, "one"))
    await until(lambda: bool(world.llm.prompts) and world.social.line.calls > 5)
    assert "at most 280 characters" in rules(world)
    world.social.line.failures = 0
    assert (await posting).kind == log_pb.ACTIVITY_KIND_POST
