"""The real index is replaced while the service runs: another model, a lost folder, a garbled one."""

import random
import shutil
from pathlib import Path

import pytest

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.settings import MemorySettings
from tests.integration.memory.calls import Agent, memory, running, until

LINES = ("my physician told me to sleep", "a thunderstorm flooded the cellar", "we lost the chess tournament")
QUERIES = ("what did the doctor say", "bad weather", "board game")

# What becomes of the index is the same whichever database has the truth.
EMBEDDED = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def assert_found(agent: Agent) -> None:
    """Search by meaning only: no query has a word of what it means."""
    for query, line in zip(QUERIES, LINES, strict=True):
        assert (await agent.find(query))[0] == line


@pytest.fixture
async def filled(settings: MemorySettings) -> MemorySettings:
    """Return settings of a service that has memories and a small model, and searches by its index."""
    small = settings.model_copy(update={"embedding_model": "wordllama-64", "exact_limit": 0})
    async with running(small) as channel:
        agent = Agent(channel, "agt_a")
        await agent.batch([*map(memory, LINES), *(memory(f"number {number}") for number in range(50))])
        await until(agent.is_settled)
        await assert_found(agent)
    return small


async def test_another_model_is_changed_to_while_searches_go_on(filled: MemorySettings) -> None:
    large = filled.model_copy(update={"embedding_model": "wordllama-256"})
    async with running(large) as channel:
        agent = Agent(channel, "agt_a")
        before = await agent.index()
        assert before.embedding_model == "wordllama-64"

        # Few: hundreds of texts that are nearly the same would hide others from the index's graph.
        meanwhile = iter(range(10))

        async def is_changed() -> bool:
            await assert_found(agent)
            if (number := next(meanwhile, None)) is not None:
                await agent.create(f"meanwhile {number}")
            index = await agent.index()
            return index.embedding_model == "wordllama-256"

        await until(is_changed)

        async def is_complete() -> bool:
            found = await agent.verify()
            return found.is_consistent and found.checked_count == (await agent.stats()).memory_count

        await until(is_complete)
        await assert_found(agent)
        assert (await agent.index()).generation > before.generation


@EMBEDDED
@pytest.mark.parametrize("damage", ["deleted", "garbled"])
async def test_a_damaged_index_is_noticed_and_built_anew_while_searches_go_on(
    filled: MemorySettings, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "chroma"
    if damage == "deleted":
        shutil.rmtree(folder)
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "lock":
            path.write_bytes(random.Random(1).randbytes(8_192))
    async with running(filled) as channel:
        agent = Agent(channel, "agt_a")
        await assert_found(agent)
        await agent.create("something quite different")
        assert (await agent.find("something different"))[0] == "something quite different"
        await until(agent.is_settled)
        await assert_found(agent)
        found = await agent.verify()
        assert (found.is_consistent, found.checked_count) == (True, 54)


@EMBEDDED
async def test_changes_that_the_index_does_not_have_survive_a_restart(settings: MemorySettings) -> None:
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")
        await agent.batch(map(memory, LINES))
        gone = await agent.create("a thunderstorm again")
        await agent.delete(gone.id)
        index = await agent.index()
        assert (index.state, index.pending_count) == (pb.INDEX_STATE_IDLE, 5)
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")
        await assert_found(agent)
        await until(agent.is_settled)
        await assert_found(agent)
        found = await agent.verify()
        assert (found.is_consistent, found.checked_count) == (True, 3)


@EMBEDDED
async def test_the_index_is_built_anew_when_it_is_asked_for(settings: MemorySettings) -> None:
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")
        await agent.batch(map(memory, LINES))
        await until(agent.is_settled)
        before = await agent.index()
        await agent.service.Reindex(pb.ReindexRequest(request_id="once"))

        async def is_anew() -> bool:
            await assert_found(agent)
            return (await agent.index()).generation > before.generation and await agent.is_settled()

        await until(is_anew)
        anew = (await agent.index()).generation
        await agent.service.Reindex(pb.ReindexRequest(request_id="once"))
        assert (await agent.verify()).is_consistent
        assert (await agent.index()).generation == anew
