"""Exporting and importing through the wire."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf import json_format

from puppet.memory.v1 import memory_service_pb2 as pb
from tests.integration.memory.calls import Agent, memory
from tests.support.refusals import fields_of, reason_of, refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = datetime(2026, 1, 1, tzinfo=UTC)


def without_place(messages: Iterable[pb.ExportMemoriesResponse]) -> list[pb.ExportMemoriesResponse]:
    """Return messages without their cursors and agents."""
    copies = []
    for message in messages:
        copy = pb.ExportMemoriesResponse(memory=message.memory, history=message.history)
        for state in (copy.memory, *copy.history):
            state.agent_id = ""
        copies.append(copy)
    return copies


async def lived(agent: Agent) -> Agent:
    """Give an agent memories of all sorts, with histories."""
    made = await agent.batch(
        memory(
            f"bird {number} 🐦 'quoted' \"twice\"\n\ttab",
            kind=pb.MEMORY_KIND_EVENT,
            provenance=pb.PROVENANCE_EXTERNAL,
            author="nova",
            conversation_id="c1",
            metadata={"a.b": "c", "é": "\\"},
            occur_time=START + timedelta(microseconds=number),
            expire_time=datetime(9999, 12, 31, tzinfo=UTC),
            importance=number / 10,
            repetition=number,
        )
        for number in range(5)
    )
    await agent.update(made.memories[1].id, text="bird one", metadata=None, expire_time=None)
    await agent.update(made.memories[1].id, kind=pb.MEMORY_KIND_CORE, occur_time=START, valence=0.5)
    await agent.delete(made.memories[2].id)
    return agent


async def test_what_was_exported_is_imported_as_it_was(agent: Agent, stranger: Agent) -> None:
    exported = await (await lived(agent)).export()
    assert [len(message.history) for message in exported] == [0, 2, 0, 0]
    done = await stranger.restore(exported)
    assert (done.created_count, done.existing_count) == (4, 0)
    assert without_place(await stranger.export()) == without_place(exported)
    assert await stranger.history(exported[1].memory.id) != []
    assert await stranger.find("bird one") == await agent.find("bird one")


async def test_an_export_that_was_cleared_can_be_brought_back(agent: Agent) -> None:
    exported = await (await lived(agent)).export()
    await agent.clear()
    await agent.restore(exported)
    assert without_place(await agent.export()) == without_place(exported)
    assert await agent.all() != []


async def test_an_import_that_is_repeated_stores_nothing_new(agent: Agent) -> None:
    exported = await (await lived(agent)).export()
    done = await agent.restore(exported)
    assert (done.created_count, done.existing_count) == (0, 4)
    assert await agent.export() == exported


async def test_an_import_that_was_cut_off_goes_on(agent: Agent, stranger: Agent) -> None:
    exported = await (await lived(agent)).export()
    await stranger.restore(exported[:2])
    done = await stranger.restore(exported)
    assert (done.created_count, done.existing_count) == (2, 2)
    assert without_place(await stranger.export()) == without_place(exported)


async def test_an_export_goes_on_after_a_cursor(agent: Agent) -> None:
    exported = await (await lived(agent)).export()
    for number, message in enumerate(exported):
        assert await agent.export(message.cursor) == exported[number + 1 :]
    assert await fields_of(agent.export("nonsense")) == {"after_cursor"}


async def test_more_than_one_group_is_exported_and_imported_in_its_order(agent: Agent, stranger: Agent) -> None:
    for start in (0, 1_000):
        await agent.batch([memory(f"bird {number}") for number in range(start, start + 600)])
    exported = await agent.export()
    assert len(exported) == 1200
    done = await stranger.restore(exported, request_id=stranger.id)
    assert (done.created_count, done.existing_count) == (1200, 0)
    assert [item.memory.text for item in await stranger.export()] == [item.memory.text for item in exported]
    assert await stranger.restore(exported, request_id=stranger.id) == done
    assert await reason_of(stranger.restore(exported[:1], request_id=stranger.id)) == "REQUEST_ID_REUSED"


async def test_one_bad_message_refuses_all_and_is_named(agent: Agent) -> None:
    good = [pb.ExportMemoriesResponse(memory=memory(f"bird {number}")) for number in range(3)]
    bad = pb.ExportMemoriesResponse(memory=memory("bad", valence=7), history=[memory(" ", etag="1")])
    bad.memory.etag = "2"
    told = await refusal(agent.restore([*good, bad, *good]))
    assert told.reason == "INVALID_REQUEST"
    assert {violation.field for violation in told.violations} == {
        "memory.valence (of message 4)",
        "history[0].text (of message 4)",
    }
    assert await agent.all() == []


async def test_an_import_for_two_agents_or_for_none_is_refused(agent: Agent) -> None:
    mixed = [
        pb.ImportMemoriesRequest(agent_id=agent.id, memory=memory("mine")),
        pb.ImportMemoriesRequest(agent_id="agt_other", memory=memory("theirs")),
    ]
    assert await fields_of(agent.service.ImportMemories(iter(mixed))) == {"agent_id (of message 2)"}
    nobody = [pb.ImportMemoriesRequest(memory=memory("whose"))]
    assert await fields_of(agent.service.ImportMemories(iter(nobody))) == {"agent_id (of message 1)"}
    assert await fields_of(agent.service.ImportMemories(iter([]))) == {"memory"}
    assert await agent.all() == []


async def test_an_import_without_ids_and_times_gets_new_ones(agent: Agent) -> None:
    done = await agent.restore([pb.ExportMemoriesResponse(memory=memory(text)) for text in ("one", "two", "one")])
    assert (done.created_count, done.existing_count) == (2, 1)
    one, two = await agent.export()
    assert one.memory.id != two.memory.id
    assert one.memory.HasField("create_time")
    assert one.memory.etag == "1"


async def test_one_id_twice_in_an_import_is_the_first_memory_that_is_new(agent: Agent) -> None:
    await agent.create("known")
    messages = [
        pb.ExportMemoriesResponse(memory=memory("known", id="mem_1")),
        pb.ExportMemoriesResponse(memory=memory("purple elephants", id="mem_1")),
        pb.ExportMemoriesResponse(memory=memory("green ants", id="mem_1")),
    ]
    done = await agent.restore(messages)
    assert (done.created_count, done.existing_count) == (1, 2)
    assert sorted(await agent.texts()) == ["known", "purple elephants"]
    [hit, *_] = await agent.hits("purple elephants")
    assert hit.memory.text == "purple elephants"
    assert hit.relevance > 0.9, "by words and by meaning"


async def test_what_was_exported_is_imported_as_it_is(agent: Agent) -> None:
    await lived(agent)
    exported = await agent.export()
    await agent.clear()
    # As `grpcurl ExportMemories | grpcurl ImportMemories` does it: in JSON, and in bytes.
    as_json = [json_format.Parse(json_format.MessageToJson(item), pb.ImportMemoriesRequest()) for item in exported]
    as_bytes = [pb.ImportMemoriesRequest.FromString(item.SerializeToString()) for item in exported]
    assert as_json == as_bytes
    done = await agent.service.ImportMemories(iter(as_json))
    assert (done.created_count, done.existing_count) == (len(exported), 0)
    assert without_place(await agent.export()) == without_place(exported)


async def test_an_export_of_two_agents_is_none(agent: Agent, stranger: Agent) -> None:
    mixed = [
        pb.ImportMemoriesRequest(memory=memory("mine", agent_id=agent.id)),
        pb.ImportMemoriesRequest(memory=memory("theirs", agent_id=stranger.id)),
    ]
    assert await fields_of(agent.service.ImportMemories(iter(mixed))) == {"memory.agent_id (of message 2)"}
