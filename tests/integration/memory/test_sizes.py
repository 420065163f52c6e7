"""The largest memories that are let in: whatever is asked for can be read by a client as gRPC makes it."""

from collections.abc import AsyncIterator

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from services.runtime.rpc.bounds import MAX_BYTES
from tests.integration.memory.calls import Agent, memory

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIGN = "\N{FIRE}"
"""Four bytes in UTF-8, the most that a character has."""


def largest(number: int) -> pb.Memory:
    """Return a memory of which each field is as long as the checks allow."""
    text = f"{number} {SIGN * 8_000}"[:8_000]
    names = dict.fromkeys(("author", "source_id", "subject", "conversation_id"), SIGN * 200)
    entries = {f"{key} {SIGN * 64}"[:64]: SIGN * 1_000 for key in range(32)}
    return memory(text, metadata=entries, **names)


async def filled(agent: Agent, number: int) -> list[str]:
    """Store so many of the largest memories; their ids, newest first."""
    for start in range(0, number, 20):
        await agent.batch(largest(at) for at in range(start, min(number, start + 20)))
    return [item.id for item in await agent.all()]


async def restore(agent: Agent, messages: list[pb.ExportMemoriesResponse]) -> pb.ImportMemoriesResponse:
    """Import what was exported, as it came."""

    async def requests() -> AsyncIterator[pb.ImportMemoriesRequest]:
        for at, item in enumerate(messages):
            agent_id = agent.id if at == 0 else ""
            yield pb.ImportMemoriesRequest(agent_id=agent_id, memory=item.memory, history=item.history)

    return await agent.service.ImportMemories(requests())


async def test_every_page_of_the_largest_memories_can_be_read(agent: Agent) -> None:
    ids = await filled(agent, 30)
    pages = await agent.pages(page_size=500)
    assert [item.id for page in pages for item in page] == ids
    assert len(set(ids)) == 30
    assert len(pages) > 1


async def test_a_search_says_how_many_hits_it_had_no_room_for(agent: Agent) -> None:
    await filled(agent, 30)
    request = pb.SearchMemoriesRequest(agent_id=agent.id, query=SIGN, max_results=30, min_relevance=0)
    found = await agent.service.SearchMemories(request)
    assert found.hits
    assert found.omitted_hit_count > 0
    request.max_results = len(found.hits)
    assert await agent.service.SearchMemories(request) == pb.SearchMemoriesResponse(hits=found.hits)


async def test_a_batch_of_which_each_memory_was_there_before_can_be_read(agent: Agent) -> None:
    texts = [f"bird {number}" for number in range(40)]
    made = await agent.batch(map(memory, texts))
    for item in made.memories:
        await agent.update(item.id, metadata=dict(largest(0).metadata))
    again = await agent.batch(map(memory, texts))
    assert again.duplicate_count == 40
    assert [item.id for item in again.memories] == [item.id for item in made.memories]
    assert again.memories[0].metadata
    assert not again.memories[-1].metadata
    assert again.memories[-1].etag


async def test_a_long_history_of_large_states_is_read_in_parts_and_survives_an_export(
    agent: Agent, stranger: Agent
) -> None:
    made = await agent.create("the first")
    for number in range(40):
        changed = largest(number)
        await agent.update(made.id, text=changed.text, metadata=dict(changed.metadata))
    parts = await agent.parts_of_history(made.id)
    history = [state for part in parts for state in part]
    assert [int(state.etag) for state in history] == list(range(40, 0, -1))
    assert len(parts) > 1

    exported = await agent.export()
    assert [state for message in exported for state in message.history] == history
    assert {message.memory.id for message in exported} == {made.id}
    done = await restore(stranger, exported)
    assert (done.created_count, done.existing_count) == (1, 0)
    again = await stranger.export()
    assert [[state.text for state in item.history] for item in again] == [
        [state.text for state in item.history] for item in exported
    ]


async def test_an_export_goes_on_in_the_midst_of_a_history(agent: Agent, stranger: Agent) -> None:
    made = await agent.create("the first")
    for number in range(40):
        await agent.update(made.id, metadata=dict(largest(number).metadata))
    await agent.create("the second")
    exported = await agent.export()
    assert len(exported) > 2
    for at, message in enumerate(exported):
        assert await agent.export(message.cursor) == exported[at + 1 :]
    # What is changed meanwhile has a newer state, and the same history below it.
    await agent.update(made.id, text="the third")
    rest = await agent.export(exported[0].cursor)
    await restore(stranger, [exported[0], *rest])
    assert await stranger.texts() == ["the second", "the first"]
    assert len(await stranger.history(made.id)) == len(await agent.history(made.id)) - 1


async def test_a_batch_of_relationships_is_answered_with_names_alone_where_there_is_no_room(agent: Agent) -> None:
    changes = [
        relationship_pb.UpdateRelationshipRequest(
            relationship=relationship_pb.Relationship(
                agent_id=agent.id, counterpart=f"x:{number}", shared_experiences=[SIGN * 1_000] * 50
            ),
            update_mask=FieldMask(paths=["shared_experiences"]),
            allow_missing=True,
        )
        for number in range(24)
    ]
    for some in (changes[:12], changes[12:]):
        await agent.relationships.BatchUpdateRelationships(
            relationship_pb.BatchUpdateRelationshipsRequest(requests=some)
        )
    for one in changes:
        one.relationship.ClearField("shared_experiences")
        one.relationship.trust = 0.5
        one.update_mask.paths[:] = ["trust"]
    request = relationship_pb.BatchUpdateRelationshipsRequest(requests=changes)
    answer = await agent.relationships.BatchUpdateRelationships(request)
    assert answer.ByteSize() <= MAX_BYTES
    assert [item.counterpart for item in answer.relationships] == [f"x:{number}" for number in range(24)]
    assert {item.etag for item in answer.relationships} == {"2"}
    assert {item.trust for item in answer.relationships} == {0.5, 0.0}


async def test_the_largest_relationships_can_be_read(agent: Agent) -> None:
    for number in range(24):
        await agent.relationships.UpdateRelationship(
            relationship_pb.UpdateRelationshipRequest(
                relationship=relationship_pb.Relationship(
                    agent_id=agent.id,
                    counterpart=f"x:{number}",
                    notes=SIGN * 2_000,
                    shared_experiences=[SIGN * 1_000] * 50,
                ),
                update_mask=FieldMask(paths=["notes", "shared_experiences"]),
                allow_missing=True,
            )
        )
    names, token, pages = list[str](), "", 0
    while not pages or token:
        page = await agent.relationships.ListRelationships(
            relationship_pb.ListRelationshipsRequest(agent_id=agent.id, page_size=500, page_token=token)
        )
        names += [item.counterpart for item in page.relationships]
        token, pages = page.next_page_token, pages + 1
        assert page.ByteSize() <= MAX_BYTES
    assert names == sorted(f"x:{number}" for number in range(24))
    assert pages > 1
