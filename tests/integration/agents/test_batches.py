"""Creating many agents in one call: all of them or none, with what is wrong of each, and few statements."""

import copy
from typing import Any

import grpc
import pytest

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from tests.fakes.agents import World
from tests.integration.agents.conftest import create, reason_of
from tests.support.refusals import refusal
from tests.support.statements import statements
from tests.support.waits import WAIT_SECONDS

Persona = dict[str, Any]


def several(persona: Persona, number: int) -> list[Persona]:
    """Return personas that differ in their ids and names."""
    return [copy.deepcopy(persona) | {"id": f"wren-{at}", "name": f"Wren {at}"} for at in range(number)]


def batch(personas: list[Persona], request_id: str = "") -> pb.BatchCreateAgentsRequest:
    return pb.BatchCreateAgentsRequest(requests=map(create, personas), request_id=request_id)


async def listed(agents: AgentServiceStub) -> list[pb.Agent]:
    return list((await agents.ListAgents(pb.ListAgentsRequest(page_size=500))).agents)


async def test_a_batch_creates_what_single_creations_would(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    made = (await agents.BatchCreateAgents(batch(several(persona, 3)))).agents
    assert [agent.id for agent in made] == ["wren-0", "wren-1", "wren-2"]
    assert await listed(agents) == list(made)
    alone = (await agents.CreateAgent(create(persona))).agent
    for agent in made:
        assert agent.is_active
        assert agent.account_id == f"acc_{agent.id}"
        assert agent.persona_version == alone.persona_version
        assert [memory.text for memory in world.memory.of(agent.id)] == [
            memory.text for memory in world.memory.of("wren")
        ]
        assert world.memory.views[agent.id, "otto"] == world.memory.views["wren", "otto"]
        ours, its = [await agents.GetAgentStatus(pb.GetAgentStatusRequest(id=one.id)) for one in (agent, alone)]
        assert {action.behaviour for action in ours.schedule} == {action.behaviour for action in its.schedule}
        log = (await agents.ListActivity(pb.ListActivityRequest(agent_ids=[agent.id]))).activities
        assert [entry.summary for entry in log] == ["was started", "was created"]
        versions = await agents.ListPersonaVersions(pb.ListPersonaVersionsRequest(agent_id=agent.id))
        assert [version.principal for version in versions.versions] == ["operator"]


async def test_every_violation_of_a_batch_is_named_by_its_place_and_nothing_is_done(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    personas = several(persona, 4)
    personas[1]["name"] = ""
    personas[3]["behavior"]["post_frequency"]["min_hours_between_posts"] = -1
    code, reason, fields = await reason_of(agents.BatchCreateAgents(batch(personas)))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    where = "requests[3].persona.behavior.post_frequency.min_hours_between_posts"
    assert fields >= {"requests[1].persona.name", where}
    assert not any(field.startswith(("requests[0]", "requests[2]")) for field in fields)
    assert not world.memory.stored
    assert not world.social.accounts


async def test_what_other_services_refuse_is_named_by_its_place(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    personas = several(persona, 3)
    for at in (0, 2):
        personas[at]["initial_memory"]["knowledge_base"] = ["something unspeakable"]
    world.memory.refused_text = "unspeakable"
    _, _, fields = await reason_of(agents.BatchCreateAgents(batch(personas)))
    assert fields == {"requests[0].persona.initial_memory", "requests[2].persona.initial_memory"}
    assert await listed(agents) == []


async def test_relationships_of_all_are_set_in_one_call_and_what_is_refused_is_named_by_its_place(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    personas = several(persona, 4)
    people = personas[2]["initial_memory"]["relationships"]["other_agents"]
    people["otto"] = {"sentiment": 0.5, "notes": "something unspeakable"}
    world.memory.refused_notes = "unspeakable"
    _, _, fields = await reason_of(agents.BatchCreateAgents(batch(personas)))
    assert fields == {"requests[2].persona.initial_memory"}
    assert await listed(agents) == []
    world.memory.refused_notes = ""
    await agents.BatchCreateAgents(batch(personas))
    assert world.memory.set_counts == [len(world.memory.views)]
    assert {agent_id for agent_id, _ in world.memory.views} == {one["id"] for one in personas}


async def test_ids_that_stand_twice_in_a_batch_and_request_ids_within_it_are_refused(
    agents: AgentServiceStub, persona: Persona
) -> None:
    first, second = several(persona, 2)
    code, _, fields = await reason_of(agents.BatchCreateAgents(batch([first, second, first])))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, {"requests[2].persona.id"})
    request = batch([first, second])
    request.requests[1].request_id = "its own"
    assert (await reason_of(agents.BatchCreateAgents(request)))[2] == {"requests[1].request_id"}
    assert (await reason_of(agents.BatchCreateAgents(pb.BatchCreateAgentsRequest())))[2] == {"requests"}
    assert (await reason_of(agents.BatchCreateAgents(batch(several({"id": "", "name": ""}, 101)))))[2] == {"requests"}


async def test_one_that_is_there_keeps_the_whole_batch_out(agents: AgentServiceStub, persona: Persona) -> None:
    personas = several(persona, 3)
    await agents.CreateAgent(create(personas[1]))
    code, reason, _ = await reason_of(agents.BatchCreateAgents(batch(personas)))
    assert (code, reason) == (grpc.StatusCode.ALREADY_EXISTS, "AGENT_EXISTS")
    assert [agent.id for agent in await listed(agents)] == ["wren-1"]


async def test_a_repeated_batch_returns_what_the_first_one_made(agents: AgentServiceStub, persona: Persona) -> None:
    personas = several(persona, 3)
    made = await agents.BatchCreateAgents(batch(personas, "req_1"))
    assert await agents.BatchCreateAgents(batch(personas, "req_1")) == made
    code, reason, _ = await reason_of(agents.BatchCreateAgents(batch(personas[:2], "req_1")))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    assert len(await listed(agents)) == 3


async def test_a_batch_that_failed_half_way_is_completed_by_repeating_it(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    personas = several(persona, 3)
    world.memory.line.failures = 1
    code, reason, _ = await reason_of(agents.BatchCreateAgents(batch(personas, "req_1")))
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE")
    assert await listed(agents) == []
    made = (await agents.BatchCreateAgents(batch(personas, "req_1"))).agents
    assert [agent.id for agent in made] == ["wren-0", "wren-1", "wren-2"]
    texts = [memory.text for memory in world.memory.of("wren-0")]
    assert len(texts) == len(set(texts))


async def test_a_batch_is_answered_with_names_alone_where_its_personas_have_no_room(
    agents: AgentServiceStub, persona: Persona
) -> None:
    personas = several(persona, 4)
    for one in personas:
        one["initial_memory"] = {"knowledge_base": [f"{number} {'é' * 1_900}" for number in range(273)]}
    made = (await agents.BatchCreateAgents(batch(personas))).agents
    assert [agent.id for agent in made] == [one["id"] for one in personas]
    assert [bool(agent.name) for agent in made] == [True, True, True, False]
    assert made[3].etag == (await agents.GetAgent(pb.GetAgentRequest(id="wren-3"))).agent.etag


@pytest.mark.parametrize("number", [1, 40])
async def test_a_batch_takes_as_many_statements_as_one_agent(
    agents: AgentServiceStub, persona: Persona, number: int
) -> None:
    with statements() as seen:
        await agents.BatchCreateAgents(batch(several(persona, number), "req_1"))
    written = [one for one in seen if one.startswith("INSERT") and "INTO mark" not in one]
    asked = [one for one in seen if one.startswith("SELECT") and "agent.id IN" in one]
    # The request; agents, schedule, activities, moods and versions.
    assert len(written) <= 6, written
    assert len(asked) <= 2, asked


async def test_a_batch_that_is_repeated_after_one_of_its_agents_was_deleted_creates_none_and_says_so(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    request = batch(several(persona, 2), "birth")
    await agents.BatchCreateAgents(request)
    world.trading.lamports = 0
    assert (await agents.DeleteAgent(pb.DeleteAgentRequest(id="wren-1"), timeout=WAIT_SECONDS)).is_done
    assert (await refusal(agents.BatchCreateAgents(request))).reason == "AGENT_NOT_FOUND"
    assert [agent.id for agent in await listed(agents)] == ["wren-0"]
