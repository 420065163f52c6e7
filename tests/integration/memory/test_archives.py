"""Relationships move to another place with their interactions, and all of an agent's are deleted at once."""

from typing import Any

import pytest

from puppet.memory.v1 import relationship_service_pb2 as pb
from tests.integration.memory.calls import Agent
from tests.integration.memory.test_relationships import get, interactions, record
from tests.support.archives import imported, rows_of
from tests.support.refusals import fields_of, reason_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def exported(agent: Agent) -> list[Any]:
    return await rows_of(agent.relationships.ExportRelationships(pb.ExportRelationshipsRequest(agent_id=agent.id)))


async def import_(agent: Agent, rows: list[Any], agent_id: str = "") -> pb.ImportRelationshipsResponse:
    requests = imported(pb.ImportRelationshipsRequest, agent_id or agent.id, rows, "one")
    return await agent.relationships.ImportRelationships(requests)


async def clear(agent: Agent) -> int:
    answer = await agent.relationships.ClearRelationships(pb.ClearRelationshipsRequest(agent_id=agent.id))
    return answer.relationship_count


async def test_relationships_are_deleted_and_come_back_as_they_were(agent: Agent) -> None:
    for number in range(3):
        await record(agent, summary=f"talk {number}", sentiment_delta=0.1, shared_experience="the storm")
    await record(agent, "otto", trust_delta=-0.5)
    before, talks = [await get(agent), await get(agent, "otto")], await interactions(agent)
    rows = await exported(agent)
    assert await clear(agent) == 2
    assert await reason_of(get(agent)) == "RELATIONSHIP_NOT_FOUND"
    assert await clear(agent) == 0
    assert (await import_(agent, rows)).row_count == len(rows) == 6
    assert [await get(agent), await get(agent, "otto")] == before
    assert await interactions(agent) == talks
    again = await import_(agent, rows)
    assert (again.row_count, again.is_repeated) == (0, True)


async def test_a_relationship_that_is_there_is_left_as_it_is(agent: Agent) -> None:
    await record(agent, summary="long ago")
    rows = await exported(agent)
    await clear(agent)
    await record(agent, summary="today")
    await import_(agent, rows)
    assert (await get(agent)).last_interaction == "today"
    assert [item.summary for page in await interactions(agent) for item in page] == ["today"]


async def test_relationships_of_another_agent_are_refused(agent: Agent) -> None:
    await record(agent)
    assert await fields_of(import_(agent, await exported(agent), "somebody")) == {"row (of message 1)"}
