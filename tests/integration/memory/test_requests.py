"""Requests: repeated ones are carried out once, wrong ones name every field, and an agent sees only what is its own."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from tests.integration.memory.calls import Agent, memory
from tests.support.refusals import fields_of, reason_of, refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

Call = Callable[[str], Awaitable[object]]
"""Carries a mutation out under a request_id."""


async def mutations(agent: Agent) -> dict[str, tuple[Call, Call]]:
    """Return, by name, a mutation and another one of the same method."""
    for text in ("to update", "to delete", "to delete too"):
        await agent.create(text, author="nova", source_id="post_1", kind=pb.MEMORY_KIND_EVENT)
    made = {item.text: item.id for item in await agent.all()}

    def relate(summary: str) -> Call:
        request = relationship_pb.RecordInteractionRequest(agent_id=agent.id, counterpart="bo", summary=summary)
        return lambda request_id: agent.relationships.RecordInteraction(_with_id(request, request_id))

    def know(notes: str) -> Call:
        request = relationship_pb.UpdateRelationshipRequest(
            relationship=relationship_pb.Relationship(agent_id=agent.id, counterpart="al", notes=notes),
            update_mask=FieldMask(paths=["notes"]),
            allow_missing=True,
        )
        return lambda request_id: agent.relationships.UpdateRelationship(_with_id(request, request_id))

    def know_all(notes: str) -> Call:
        changes = [
            relationship_pb.UpdateRelationshipRequest(
                relationship=relationship_pb.Relationship(agent_id=agent.id, counterpart=name, notes=notes),
                update_mask=FieldMask(paths=["notes"]),
                allow_missing=True,
            )
            for name in ("cy", "di")
        ]
        request = relationship_pb.BatchUpdateRelationshipsRequest(requests=changes)
        return lambda request_id: agent.relationships.BatchUpdateRelationships(_with_id(request, request_id))

    def restore(text: str) -> Call:
        message = pb.ExportMemoriesResponse(memory=memory(text))
        return lambda request_id: agent.restore([message], request_id=request_id)

    return {
        "create": (
            lambda request_id: agent.try_create("new", request_id),
            lambda request_id: agent.try_create("newer", request_id),
        ),
        "create a duplicate": (
            lambda request_id: agent.try_create("to update", request_id, author="nova", kind=pb.MEMORY_KIND_EVENT),
            lambda request_id: agent.try_create("newer", request_id),
        ),
        "batch": (
            lambda request_id: agent.batch([memory("a"), memory("a"), memory("b")], request_id),
            lambda request_id: agent.batch([memory("a")], request_id),
        ),
        "update": (
            lambda request_id: agent.update(made["to update"], request_id=request_id, valence=0.5),
            lambda request_id: agent.update(made["to update"], request_id=request_id, valence=0.6),
        ),
        "delete": (
            lambda request_id: agent.delete(made["to delete"], request_id),
            lambda request_id: agent.delete(made["to delete too"], request_id),
        ),
        "import": (restore("imported"), restore("other")),
        "record": (relate("met"), relate("parted")),
        "relationship": (know("kind"), know("unkind")),
        "relationships": (know_all("kind"), know_all("unkind")),
        "sweep": (
            lambda request_id: agent.sweep(request_id),
            lambda request_id: agent.service.SweepMemories(pb.SweepMemoriesRequest(request_id=request_id)),
        ),
        "clear": (
            lambda request_id: agent.clear(pb.MEMORY_KIND_EVENT, request_id=request_id),
            lambda request_id: agent.clear(request_id=request_id),
        ),
    }


def _with_id(request: Any, request_id: str) -> Any:
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_id = request_id
    return copy


async def test_a_repeated_request_is_carried_out_once_and_answered_as_at_first(agent: Agent) -> None:
    for name, (mutation, another) in (await mutations(agent)).items():
        request_id = f"{agent.id}_{name}"
        first = await mutation(request_id)
        before = await state(agent)
        assert await mutation(request_id) == first, name
        assert await reason_of(another(request_id)) == "REQUEST_ID_REUSED", name
        assert await state(agent) == before, name


async def state(agent: Agent) -> tuple[list[pb.Memory], list[Message]]:
    known = await agent.relationships.ListRelationships(relationship_pb.ListRelationshipsRequest(agent_id=agent.id))
    return await agent.all(), list(known.relationships)


async def test_a_request_that_was_refused_may_be_repeated(agent: Agent) -> None:
    red, blue = await agent.create("red"), await agent.create("blue")
    request_id = f"{agent.id}_update"
    assert await reason_of(agent.update(blue.id, request_id=request_id, text="red")) == "MEMORY_EXISTS"
    await agent.delete(red.id)
    assert (await agent.update(blue.id, request_id=request_id, text="red")).text == "red"


async def test_a_repeated_create_whose_memory_was_deleted_says_so(agent: Agent) -> None:
    made = await agent.create("once", request_id=agent.id)
    await agent.delete(made.id)
    assert await reason_of(agent.create("once", request_id=agent.id)) == "MEMORY_NOT_FOUND"
    assert await agent.all() == []


async def test_the_same_request_id_of_two_methods_names_two_requests(agent: Agent) -> None:
    made = await agent.create("once", request_id=agent.id)
    assert (await agent.update(made.id, request_id=agent.id, text="twice")).text == "twice"


async def test_another_agent_can_do_nothing_with_a_memory(agent: Agent, stranger: Agent) -> None:
    mine = await agent.create("my secret garden", author="nova", source_id="post_1")
    await agent.relationships.RecordInteraction(
        relationship_pb.RecordInteractionRequest(agent_id=agent.id, counterpart="nova", summary="met")
    )
    for call in (
        stranger.get(mine.id),
        stranger.history(mine.id),
        stranger.update(mine.id, text="yours"),
        stranger.delete(mine.id),
    ):
        told = await refusal(call)
        assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "MEMORY_NOT_FOUND")
    assert await stranger.find("secret garden", min_relevance=0.0) == []
    assert await stranger.all(author="nova") == []
    assert await stranger.export() == []
    assert (await stranger.stats()).memory_count == 0
    assert await stranger.clear() == 0
    assert await stranger.sweep() == pb.SweepMemoriesResponse()
    assert await stranger.purge(source_id="post_1") == 0
    pair = relationship_pb.GetRelationshipRequest(agent_id=stranger.id, counterpart="nova")
    assert await reason_of(stranger.relationships.GetRelationship(pair)) == "RELATIONSHIP_NOT_FOUND"
    theirs = relationship_pb.ListInteractionsRequest(agent_id=stranger.id, counterpart="nova")
    assert list((await stranger.relationships.ListInteractions(theirs)).interactions) == []
    assert await agent.all() == [mine]


async def test_an_import_of_an_id_of_another_agent_takes_nothing_from_it(agent: Agent, stranger: Agent) -> None:
    mine = await agent.create("my secret garden")
    await stranger.restore([pb.ExportMemoriesResponse(memory=memory("theirs", id=mine.id))])
    assert await agent.get(mine.id) == mine
    assert (await stranger.get(mine.id)).text == "theirs"
    await stranger.delete(mine.id)
    assert await agent.find("secret garden") == ["my secret garden"]


async def test_a_wrong_memory_is_refused_with_every_field_named(agent: Agent) -> None:
    wrong = pb.Memory(
        text=" ",
        importance=1.5,
        valence=-2,
        repetition=-1,
        kind=99,  # type: ignore[arg-type]
        author="a" * 201,
        source_id="a" * 201,
        subject="a" * 201,
        conversation_id="a" * 201,
        metadata={"k" * 65: "", "k": "v" * 1001},
    )
    wrong.occur_time.seconds = wrong.expire_time.seconds = 10**12
    request = pb.CreateMemoryRequest(memory=wrong, request_id="r" * 129)
    names = ("agent_id", "text", "kind", "provenance", "importance", "valence", "author", "source_id", "subject")
    more = ("conversation_id", "metadata", "metadata['k']", "occur_time", "expire_time", "repetition")
    told = await refusal(agent.service.CreateMemory(request))
    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {violation.field for violation in told.violations} == {
        "request_id",
        *(f"memory.{name}" for name in names + more),
    }


@pytest.mark.parametrize(
    ("method", "request_message", "fields"),
    [
        ("GetMemory", pb.GetMemoryRequest(), {"agent_id", "id"}),
        ("DeleteMemory", pb.DeleteMemoryRequest(request_id="r" * 129), {"agent_id", "id", "request_id"}),
        ("UpdateMemory", pb.UpdateMemoryRequest(), {"memory.agent_id", "memory.id", "update_mask"}),
        ("ClearMemories", pb.ClearMemoriesRequest(kinds=[pb.MEMORY_KIND_UNSPECIFIED]), {"agent_id", "kinds[0]"}),
        ("GetMemoryStats", pb.GetMemoryStatsRequest(), {"agent_id"}),
        ("PurgeSource", pb.PurgeSourceRequest(), {"agent_id", "source"}),
        ("SweepMemories", pb.SweepMemoriesRequest(agent_id="a" * 129), {"agent_id"}),
        ("Reindex", pb.ReindexRequest(request_id="r" * 129), {"request_id"}),
        (
            "ListMemories",
            pb.ListMemoriesRequest(author="a" * 201, metadata={"k" * 65: ""}, min_importance=2, max_importance=-1),
            {"agent_id", "author", "metadata", "min_importance", "max_importance"},
        ),
        (
            "SearchMemories",
            pb.SearchMemoriesRequest(
                agent_id="a", max_results=101, min_relevance=2, recency_weight=-1, importance_weight=float("nan")
            ),
            {"query", "max_results", "min_relevance", "recency_weight", "importance_weight"},
        ),
        ("SearchMemories", pb.SearchMemoriesRequest(agent_id="a", query="q" * 2_001), {"query"}),
    ],
)
async def test_a_wrong_request_is_refused_with_every_field_named(
    agent: Agent, method: str, request_message: Message, fields: set[str]
) -> None:
    assert await fields_of(getattr(agent.service, method)(request_message)) == fields
