"""What a persona says its character may spend on models is set at the llm service."""

from decimal import Decimal
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from tests.fakes.agents import World
from tests.integration.agents.conftest import create


async def _say(agents: AgentServiceStub, persona: dict[str, Any], **said: Any) -> None:
    struct = Struct()
    struct.update(persona | said)
    agent = pb.Agent(id="wren", persona=struct)
    await agents.UpdateAgent(pb.UpdateAgentRequest(agent=agent, update_mask=FieldMask(paths=["persona"])))


async def test_a_budget_is_set_with_the_character_and_again_when_its_persona_says_something_else(
    agents: AgentServiceStub, world: World, persona: dict[str, Any]
) -> None:
    budget = {"llm_usd_per_day": 0.5, "llm_tokens_per_day": 20_000}
    await agents.CreateAgent(create(persona | {"budget": budget}))
    assert world.llm.budgets == {"wren": (Decimal("0.5"), 20_000)}
    await _say(agents, persona, budget={"llm_usd_per_day": 0.25})
    assert world.llm.budgets == {"wren": (Decimal("0.25"), None)}


async def test_what_an_operator_has_set_stays_while_the_persona_says_the_same(
    agents: AgentServiceStub, world: World, persona: dict[str, Any]
) -> None:
    said = {"budget": {"llm_usd_per_day": 0.5}}
    await agents.CreateAgent(create(persona | said))
    world.llm.budgets["wren"] = (Decimal(3), None)
    await _say(agents, persona, **said, name="Wren the Second")
    assert world.llm.budgets == {"wren": (Decimal(3), None)}


async def test_a_persona_that_says_nothing_of_it_sets_nothing(
    agents: AgentServiceStub, world: World, persona: dict[str, Any]
) -> None:
    await agents.CreateAgent(create(persona))
    assert world.llm.budgets == {}
