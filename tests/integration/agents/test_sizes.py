"""The largest personas that are let in: whoever lists agents can read them all."""

from typing import Any

from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.adapters.sql import SqlRecords
from services.agents.settings import AgentsSettings
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from tests.integration.agents.conftest import create, reason_of, update

MAX_PERSONA_BYTES = 2**20


def largest(agent_id: str) -> dict[str, Any]:
    """Return a persona of as many bytes as are let in, a fifth of which are names that nobody knows."""
    persona: dict[str, Any] = {"id": agent_id, "name": agent_id, "post_examples": []}
    persona |= {f"{number} {'u' * 90}": 1 for number in range(1_500)}
    while (left := MAX_PERSONA_BYTES - size_of(persona)) > 1_100:
        persona["post_examples"] += ["x" * 8_000] * (left // 8_020) or ["x" * (left - 1_000)]
    return persona


def size_of(persona: dict[str, Any]) -> int:
    struct = Struct()
    struct.update(persona)
    return struct.ByteSize()


async def every_agent(agents: AgentServiceStub, page_size: int) -> list[list[pb.Agent]]:
    pages, token = list[list[pb.Agent]](), ""
    while not pages or token:
        page = await agents.ListAgents(pb.ListAgentsRequest(page_size=page_size, page_token=token))
        pages.append(list(page.agents))
        token = page.next_page_token
    return pages


async def test_agents_with_the_largest_personas_can_be_listed_and_shown(agents: AgentServiceStub) -> None:
    for number in range(6):
        await agents.CreateAgent(create(largest(f"agent-{number}")))
    for page_size in (1, 3, 500):
        pages = await every_agent(agents, page_size)
        assert [agent.id for page in pages for agent in page] == [f"agent-{number}" for number in range(6)]
        assert all(agent.HasField("persona") and agent.unknown_fields for page in pages for agent in page)
    shown = (await agents.GetAgent(pb.GetAgentRequest(id="agent-3"))).agent
    assert len(shown.persona.fields["post_examples"].list_value.values) > 50
    assert (await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="agent-3"))).notices


async def test_a_larger_persona_is_refused_by_name(agents: AgentServiceStub, persona: dict[str, Any]) -> None:
    large = persona | {"post_examples": ["x" * 8_000] * 140}
    assert (await reason_of(agents.CreateAgent(create(large))))[1:] == ("INVALID_REQUEST", {"persona"})
    await agents.CreateAgent(create(persona))
    assert (await reason_of(agents.UpdateAgent(update(large))))[1:] == ("INVALID_REQUEST", {"agent.persona"})


async def test_a_persona_that_an_earlier_version_took_is_left_out_where_nobody_could_read_it(
    agents: AgentServiceStub, settings: AgentsSettings
) -> None:
    for name in ("ann", "bea"):
        await agents.CreateAgent(create({"id": name, "name": name}))
    database = Database(settings.sql_url("agents"))
    try:
        async with SqlStore(database, SqlRecords).writing() as records:
            kept = await records.agent("bea")
            assert kept is not None
            kept.persona = kept.persona | {"post_examples": ["x" * 8_000] * 600}
            await records.save(kept)
            await records.commit()
    finally:
        await database.close()
    [[ann, bea]] = await every_agent(agents, 50)
    assert ann.HasField("persona")
    assert not bea.HasField("persona")
    assert bea.name == "bea"
