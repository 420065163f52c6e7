"""Memories through the wire."""

import asyncio

import grpc

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from tests.support.refusals import reason_of, refusal


def create(agent_id: str, text: str, request_id: str = "") -> pb.CreateMemoryRequest:
    memory = pb.Memory(
        agent_id=agent_id, text=text, kind=pb.MEMORY_KIND_GENERAL, provenance=pb.PROVENANCE_SELF, importance=0.7
    )
    return pb.CreateMemoryRequest(memory=memory, request_id=request_id)


async def search(memories: MemoryServiceStub, agent_id: str, query: str) -> list[str]:
    found = await memories.SearchMemories(pb.SearchMemoriesRequest(agent_id=agent_id, query=query))
    return [hit.memory.text for hit in found.hits]


async def test_a_search_by_meaning_finds_what_has_other_words(memories: MemoryServiceStub) -> None:
    for text in ("AI is amazing", "Blockchain technology"):
        await memories.CreateMemory(create("agt_a", text))
    assert await search(memories, "agt_a", "artificial intelligence") == ["AI is amazing"]


async def test_ten_agents_at_once_add_and_read_without_mixing(memories: MemoryServiceStub) -> None:
    async def live(agent_id: str) -> None:
        for number in range(5):
            await memories.CreateMemory(create(agent_id, f"{agent_id} saw bird number {number}"))
        assert set(await search(memories, agent_id, "bird")) == {
            f"{agent_id} saw bird number {number}" for number in range(5)
        }
        listed = await memories.ListMemories(pb.ListMemoriesRequest(agent_id=agent_id))
        assert {memory.agent_id for memory in listed.memories} == {agent_id}

    await asyncio.gather(*(live(f"agt_{number}") for number in range(10)))


async def test_another_agent_can_neither_read_nor_delete_a_memory(memories: MemoryServiceStub) -> None:
    mine = (await memories.CreateMemory(create("agt_a", "My secret garden"))).memory
    for call in (
        memories.GetMemory(pb.GetMemoryRequest(agent_id="agt_b", id=mine.id)),
        memories.DeleteMemory(pb.DeleteMemoryRequest(agent_id="agt_b", id=mine.id)),
    ):
        told = await refusal(call)
        assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "MEMORY_NOT_FOUND")
    assert await search(memories, "agt_b", "secret garden") == []
    kept = await memories.GetMemory(pb.GetMemoryRequest(agent_id="agt_a", id=mine.id))
    assert kept.memory == mine


async def test_a_repeated_request_returns_the_memory_of_the_first(memories: MemoryServiceStub) -> None:
    first = await memories.CreateMemory(create("agt_a", "once", "req_1"))
    again = await memories.CreateMemory(create("agt_a", "once", "req_1"))
    assert again == first
    assert await reason_of(memories.CreateMemory(create("agt_a", "twice", "req_1"))) == "REQUEST_ID_REUSED"
    listed = await memories.ListMemories(pb.ListMemoriesRequest(agent_id="agt_a"))
    assert [memory.text for memory in listed.memories] == ["once"]


async def test_a_deleted_memory_is_found_no_more(memories: MemoryServiceStub) -> None:
    memory = (await memories.CreateMemory(create("agt_a", "a red balloon"))).memory
    await memories.DeleteMemory(pb.DeleteMemoryRequest(agent_id="agt_a", id=memory.id))
    assert await search(memories, "agt_a", "red balloon") == []


async def test_pages_show_every_memory_once_and_newest_first(memories: MemoryServiceStub) -> None:
    for number in range(7):
        await memories.CreateMemory(create("agt_a", f"memory {number}"))
    texts, token = [], ""
    while True:
        request = pb.ListMemoriesRequest(agent_id="agt_a", page_size=3, page_token=token)
        page = await memories.ListMemories(request)
        texts += [memory.text for memory in page.memories]
        token = page.next_page_token
        if not token:
            break
    assert texts == [f"memory {number}" for number in reversed(range(7))]


async def test_a_wrong_request_is_refused_with_every_field_named(memories: MemoryServiceStub) -> None:
    wrong = pb.Memory(text=" ", importance=1.5, valence=-2, kind=99)  # type: ignore[arg-type]
    told = await refusal(memories.CreateMemory(pb.CreateMemoryRequest(memory=wrong)))
    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    assert {violation.field for violation in told.violations} == {
        "memory.agent_id",
        "memory.text",
        "memory.kind",
        "memory.provenance",
        "memory.importance",
        "memory.valence",
    }
