"""Versions of a persona: what an update keeps and adds, who changed what, and the way back."""

import copy
from typing import Any

import grpc
from google.protobuf import json_format

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.ports.neighbours import View
from services.runtime.rpc.principals import OPERATOR
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, create, reason_of, update

Persona = dict[str, Any]


async def versions_of(agents: AgentServiceStub, page_size: int = 0) -> list[pb.PersonaVersion]:
    found: list[pb.PersonaVersion] = []
    request = pb.ListPersonaVersionsRequest(agent_id="wren", page_size=page_size)
    while True:
        page = await agents.ListPersonaVersions(request)
        found += page.versions
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def status_of(agents: AgentServiceStub) -> pb.GetAgentStatusResponse:
    return await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))


async def test_an_update_keeps_the_schedule_the_mood_and_what_is_remembered(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    before, remembered = await status_of(agents), world.memory.of("wren")
    persona["personality"]["emotional_range"]["default_mood"] = "gloomy"
    persona["initial_memory"]["core_memories"] = []
    await agents.UpdateAgent(update(persona))
    after = await status_of(agents)
    planned = {entry.kind: entry.due_time.ToNanoseconds() for entry in before.schedule}
    assert all(planned[entry.kind] == entry.due_time.ToNanoseconds() for entry in after.schedule)
    assert abs(after.mood.valence - before.mood.valence) < 0.01
    assert world.memory.of("wren") == remembered


async def test_an_update_adds_what_is_new_in_the_first_memories_and_overwrites_no_relationship(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    first = len(world.memory.of("wren"))
    # It has met one of them since, and thinks otherwise of another by now.
    world.memory.views["wren", "basil"] = View(0.9, 0.9, 0.9, "Lent me an umbrella.")
    world.memory.views["wren", "otto"] = View(0.7, 0.8, 0.6, "On time, once.")
    persona["initial_memory"]["core_memories"] += ["I found the letter of 1961.", "I found the letter of 1961."]
    people = persona["initial_memory"]["relationships"]
    people["other_agents"] |= {"otto": "Never on time.", "basil": "A tortoise.", "pia": "Bakes."}
    for _ in range(2):
        await agents.UpdateAgent(update(persona))
    assert [memory.text for memory in world.memory.of("wren")[first:]] == ["I found the letter of 1961."] * 2
    assert world.memory.views["wren", "basil"].notes == "Lent me an umbrella."
    assert world.memory.views["wren", "otto"].notes == "On time, once."
    assert world.memory.views["wren", "pia"].notes == "Bakes."


async def test_an_agent_that_is_missing_is_made_when_that_is_allowed(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    assert (await reason_of(agents.UpdateAgent(update(persona))))[:2] == (
        grpc.StatusCode.NOT_FOUND,
        "AGENT_NOT_FOUND",
    )
    known = update(persona, etag="3", allow_missing=True)
    assert (await reason_of(agents.UpdateAgent(known)))[1] == "AGENT_NOT_FOUND"
    request = update(persona, allow_missing=True, request_id="req_1")
    made = (await agents.UpdateAgent(request)).agent
    assert (made.id, made.is_active, made.persona_version) == ("wren", True, 1)
    assert world.memory.of("wren")
    assert (await agents.UpdateAgent(request)).agent == made
    persona["description"] = "Still walks."
    changed = (await agents.UpdateAgent(update(persona, allow_missing=True))).agent
    assert (changed.description, changed.persona_version) == ("Still walks.", 2)


async def test_each_change_is_a_version_that_says_when_by_whom_and_of_what(
    agents: AgentServiceStub, persona: Persona
) -> None:
    made = (await agents.CreateAgent(create(persona))).agent
    changed = copy.deepcopy(persona)
    changed["personality"]["traits"] = ["slow"]
    changed["style_guide"]["tone"] = "warm"
    changed["gold"] = "s3cr3t"
    updated = (await agents.UpdateAgent(update(changed))).agent
    # What differs in nothing that is kept is no version: a secret may be another.
    same = copy.deepcopy(changed) | {"twitter_credentials": {name: f"{value}2" for name, value in KEYS.items()}}
    await agents.UpdateAgent(update(same))
    await agents.StopAgent(pb.StopAgentRequest(id="wren"))
    newest, oldest = await versions_of(agents)
    assert [(version.number, version.principal) for version in (newest, oldest)] == [
        (2, OPERATOR),
        (1, OPERATOR),
    ]
    assert (oldest.etag, newest.etag) == (made.etag, updated.etag)
    assert oldest.create_time == made.create_time
    assert newest.create_time == updated.update_time
    assert list(oldest.changed_fields) == []
    assert list(newest.changed_fields) == ["gold", "personality.traits", "style_guide.tone"]
    assert "s3cr3t" not in str(newest)
    assert not [secret for secret in KEYS.values() if secret in str((newest, oldest))]
    assert oldest.persona == made.persona


async def test_versions_come_in_pages(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    for number in range(4):
        await agents.UpdateAgent(update(persona | {"description": f"Version {number + 2}."}))
    assert [version.number for version in await versions_of(agents, page_size=2)] == [5, 4, 3, 2, 1]
    nobody = agents.ListPersonaVersions(pb.ListPersonaVersionsRequest(agent_id="otto"))
    assert (await reason_of(nobody))[1] == "AGENT_NOT_FOUND"


async def test_an_earlier_persona_comes_back_as_a_new_version_and_nothing_else_does(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    other = persona | {"name": "Renate", "initial_memory": {"core_memories": ["I moved."]}}
    other["solana_integration"] = {"trading_enabled": False}
    current = (await agents.UpdateAgent(update(other))).agent
    remembered = world.memory.of("wren")
    back = pb.RollbackPersonaRequest(agent_id="wren", version=1, etag=current.etag, request_id="req_1")
    agent = (await agents.RollbackPersona(back)).agent
    assert (agent.name, agent.persona_version, agent.account_id) == ("Wren", 3, "acc_wren")
    assert json_format.MessageToDict(agent.persona)["solana_integration"] == persona["solana_integration"]
    assert world.memory.of("wren") == remembered
    assert world.social.secrets["wren"].api_key == KEYS["apiKey"]
    assert (await agents.RollbackPersona(back)).agent == agent
    newest, _, oldest = await versions_of(agents)
    assert newest.persona == oldest.persona
    assert list(newest.changed_fields) == list((await versions_of(agents))[1].changed_fields)
    back.request_id = ""
    assert (await reason_of(agents.RollbackPersona(back)))[1] == "ETAG_MISMATCH"


async def test_only_what_is_there_comes_back(agents: AgentServiceStub, persona: Persona) -> None:
    nobody = pb.RollbackPersonaRequest(agent_id="wren", version=1)
    assert (await reason_of(agents.RollbackPersona(nobody)))[1] == "AGENT_NOT_FOUND"
    await agents.CreateAgent(create(persona))
    missing = pb.RollbackPersonaRequest(agent_id="wren", version=2)
    assert (await reason_of(agents.RollbackPersona(missing)))[:2] == (
        grpc.StatusCode.NOT_FOUND,
        "PERSONA_VERSION_NOT_FOUND",
    )
    none = pb.RollbackPersonaRequest(agent_id="wren")
    assert (await reason_of(agents.RollbackPersona(none)))[1:] == ("INVALID_REQUEST", {"version"})
