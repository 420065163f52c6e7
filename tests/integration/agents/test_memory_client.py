"""The adapter that speaks to the memory service, with the service itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.memory.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from services.agents.adapters.memory_client import MemoryClient
from services.agents.ports.neighbours import HeldView, NewMemory, NewView, Source, View
from services.memory.bootstrap import opener as open_memory
from services.memory.settings import MemorySettings
from tests.conftest import Serve


@pytest.fixture
async def memory(serve: Serve, tmp_path: Path) -> AsyncIterator[MemoryClient]:
    settings = MemorySettings(port=0, data_dir=tmp_path)
    async with serve("memory", settings, open_memory(settings)) as channel:
        yield MemoryClient(MemoryServiceStub(channel), RelationshipServiceStub(channel))


async def test_a_memory_is_stored_once_and_found(memory: MemoryClient) -> None:
    new = NewMemory("The ferry was late again", "event", Source.EXTERNAL, author="stranger")
    first = await memory.remember("wren", new, "req_1")
    assert await memory.remember("wren", new, "req_1") == first
    [hit] = await memory.search("wren", "the ferry", 5, list(Source))
    assert (hit.id, hit.text, hit.kind, hit.source, hit.author) == (
        first,
        new.text,
        "event",
        Source.EXTERNAL,
        "stranger",
    )


async def test_only_own_and_operators_memories_are_trusted(memory: MemoryClient) -> None:
    for source in Source:
        await memory.remember("wren", NewMemory(f"{source} says the ferry sinks", "event", source), f"req_{source}")
    for found in (
        await memory.trusted("wren", ["event"], 10),
        await memory.trusted_about("wren", "ferry", ["event"], 9),
    ):
        assert {item.provenance for item in found} == {"self", "operator"}
    assert await memory.trusted("wren", ["trade"], 10) == []


async def test_a_search_finds_what_these_sources_and_this_author_have_said(memory: MemoryClient) -> None:
    for number, (source, author) in enumerate(
        ((Source.SELF, ""), (Source.EXTERNAL, "x:7"), (Source.EXTERNAL, "x:8"), (Source.AGENT, "otto"))
    ):
        new = NewMemory(f"the ferry is late, says number {number}", "interaction", source, author=author)
        await memory.remember("wren", new, f"req_{number}")

    async def found(*sources: Source, author: str = "") -> set[tuple[Source, str]]:
        hits = await memory.search("wren", "is the ferry late?", 9, sources, author)
        return {(hit.source, hit.author) for hit in hits}

    assert await found(Source.SELF, Source.OPERATOR) == {(Source.SELF, "")}
    assert await found(Source.AGENT, Source.EXTERNAL, author="x:7") == {(Source.EXTERNAL, "x:7")}
    assert await found(Source.AGENT, Source.EXTERNAL, author="wren") == set()


async def test_what_was_said_is_all_the_agents_own_whatever_it_was_made_from_newest_first(memory: MemoryClient) -> None:
    kinds = ["post", "interaction"]
    for number, (source, kind, author) in enumerate(
        (
            (Source.SELF, "post", ""),
            (Source.EXTERNAL, "interaction", "wren"),
            (Source.EXTERNAL, "interaction", "x:7"),
            (Source.AGENT, "interaction", "wren"),
            (Source.SELF, "trade", ""),
            (Source.SELF, "interaction", ""),
        )
    ):
        new = NewMemory(f"words number {number}", kind, source, author=author, subject=f"subject {number}")
        await memory.remember("wren", new, f"req_{number}")
    said = await memory.said("wren", kinds, 9)
    assert [one.text for one in said] == [f"words number {number}" for number in (5, 3, 1, 0)]
    assert [one.subject for one in await memory.said("wren", kinds, 2)] == ["subject 5", "subject 3"]
    assert {item.text for item in await memory.trusted("wren", kinds, 9)} == {"words number 0", "words number 5"}


async def test_a_view_of_somebody_is_set_and_moves_with_interactions(memory: MemoryClient) -> None:
    assert await memory.view_of("wren", "otto") is None
    await memory.set_views([NewView("wren", "otto", View(0.5, 0.5, 0.5, "Fixes clocks."))])
    for _ in range(2):
        await memory.interacted("wren", "otto", "They spoke of clocks", View(0.25, 0.25, -0.25), "req_2")
    held = await memory.view_of("wren", "otto")
    assert held is not None
    assert held.last_time is not None
    assert held == HeldView(0.75, 0.75, 0.25, "Fixes clocks.", held.last_time)
