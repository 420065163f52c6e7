"""What many characters cost that do nothing, or little: how many statements, workflows and steps."""

import asyncio
from typing import Any

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import Open, OpenWith, create, next_of
from tests.integration.agents.test_batches import batch, several
from tests.support.statements import statements
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]


def listening(persona: Persona) -> Persona:
    """Return a persona that looks for mentions, and does nothing else."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 5_000, "max_hours_between_posts": 5_000}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


async def looked(world: World, number: int) -> None:
    """Wait until mentions have been looked for so many times more."""
    wanted = world.social.looks + number
    async with asyncio.timeout(WAIT_SECONDS):
        while world.social.looks < wanted:  # noqa: ASYNC110  # a fake that nothing can be awaited of
            await asyncio.sleep(0.01)


async def test_a_look_into_an_empty_inbox_is_no_workflow_and_reads_no_persona(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    hasty = settings.model_copy(update={"speed": 120.0})
    async with open_with(hasty) as agents:
        await agents.BatchCreateAgents(batch(several(listening(persona), 3)))
        # The first posts come soon, and the next ones in months of theirs.
        await next_of(agents, log_pb.ACTIVITY_KIND_POST, log_pb.ACTIVITY_KIND_PASS, number=3, seconds=60)
        await looked(world, 5)
        with statements() as seen:
            await looked(world, 10)
    # Once a minute it is taken down that the clock went on.
    assert not [one for one in seen if one.startswith("INSERT") and not one.startswith("INSERT INTO mark ")]
    assert not [one for one in seen if one.startswith("SELECT") and "agent.persona" in one]


async def test_a_post_keeps_what_it_proposed_and_no_other_step(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(listening(persona)))
    with statements() as seen:
        await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="one"), timeout=WAIT_SECONDS)
        await next_of(agents, log_pb.ACTIVITY_KIND_POST)
    kept = [one for one in seen if one.startswith("INSERT") and "operation_outputs" in one]
    assert len(kept) == 1


async def test_what_is_stored_is_redacted_and_mended_once_and_not_at_every_start(
    reopen: Open, persona: Persona
) -> None:
    async with reopen() as agents:
        await agents.BatchCreateAgents(batch(several(persona, 5)))
    with statements() as seen:
        async with reopen() as agents:
            await agents.GetAgent(pb.GetAgentRequest(id="wren-0"))
    read = [one for one in seen if one.startswith("SELECT") and "agent.persona" in one]
    assert not [one for one in read if "WHERE agent.id =" not in one], "but for the one that was asked for"
    assert not [one for one in seen if one.startswith("SELECT schedule") and "due_time <=" not in one]
