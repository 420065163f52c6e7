"""Purging a source: nothing of it is left, in the tables, in the index and in the files."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from puppet.memory.v1 import memory_service_pb2 as pb
from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from services.memory.adapters.wordllama import WordLlamaEmbedder
from services.memory.settings import MemorySettings
from tests.integration.memory.calls import Agent, memory, running, until
from tests.support.refusals import reason_of

WORDS = ("harbour", "quince", "marble", "ferry", "candle", "gravel", "pepper", "violin", "saddle", "walnut")


def secret(number: int, rng: random.Random, words: int = 8) -> str:
    """Return a text that begins with something which stands nowhere else."""
    return " ".join((f"mallory{number:05d}", *rng.choices(WORDS, k=words)))


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes()


def texts_left(folder: Path, numbers: set[int]) -> dict[str, set[int]]:
    """Return, by file, the secrets that stand in it, in any case and encoding of the product."""
    found: dict[str, set[int]] = {}
    for name, content in files(folder):
        if here := {number for number in numbers if f"mallory{number:05d}".encode() in content}:
            found[name] = here
    return found


def vectors_left(folder: Path, vectors: list[bytes]) -> dict[str, float]:
    """Return, by file, the greatest cosine of a stretch of floats in it with one of these vectors, if it is near."""
    found: dict[str, float] = {}
    for name, content in files(folder):
        for shift in range(4):
            floats = np.frombuffer(content[shift : len(content) - (len(content) - shift) % 4], "<f4")
            for vector in (np.frombuffer(vector, "<f4") for vector in vectors):
                for at in _near(floats, vector):
                    stretch = floats[at : at + len(vector)].astype(float)
                    found[name] = max(found.get(name, 0.0), float(stretch @ vector / np.linalg.norm(stretch)))
    return {name: cosine for name, cosine in found.items() if cosine > 0.98}


def _near(floats: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return where stretches begin whose numbers are about those of a vector, as far as the index moves them."""
    places = np.arange(max(0, len(floats) - len(vector) + 1))
    with np.errstate(invalid="ignore"):  # most of a file is no float
        for offset, value in enumerate(vector[:32]):
            places = places[np.abs(floats[places + offset] - value) < 0.01]
    return places


async def test_nothing_of_an_author_is_left_in_any_file(settings: MemorySettings, tmp_path: Path) -> None:
    rng = random.Random(7)
    theirs = {number for number in range(240) if number % 3}
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")
        made = await agent.batch(
            memory(
                secret(number, rng, rng.randrange(2, 60)),
                author="mallory" if number in theirs else "",
                provenance=pb.PROVENANCE_EXTERNAL,
                conversation_id="c1" if number % 2 else "",
                metadata={"note": "x" * rng.randrange(600)},
            )
            for number in range(240)
        )
        # Longer states split pages, and what was moved then must not stay behind either.
        for number in rng.sample(range(240), 60):
            item = made.memories[number]
            await agent.update(item.id, text=secret(number, rng, rng.randrange(60, 250)), metadata=None)
        vectors = await WordLlamaEmbedder().embed(
            [item.text for item in await agent.all() if item.author == "mallory"][:3]
        )
        await until(agent.is_settled)
        if settings.database_url.startswith("sqlite"):
            assert set().union(*texts_left(tmp_path, theirs).values()) == theirs, "the search works"
        assert vectors_left(tmp_path, vectors) != {}, "the search works"
        before = (await agent.index()).generation

        assert await agent.purge(author="mallory") == len(theirs)

        assert texts_left(tmp_path, theirs) == {}
        assert vectors_left(tmp_path, vectors) == {}
        stats = await agent.stats()
        assert (stats.memory_count, stats.index.generation > before) == (80, True)
        assert {item.author for item in await agent.all()} == {""}
        assert await agent.find("mallory00001", min_relevance=0.2) == []
        assert (await agent.verify()).is_consistent
    assert texts_left(tmp_path, theirs) == {}


async def test_a_source_is_purged_by_itself(settings: MemorySettings, tmp_path: Path) -> None:
    async with running(settings) as channel:
        agent, stranger = Agent(channel, "agt_a"), Agent(channel, "agt_b")
        for summary in ("mallory00099 said so", "mallory00098 was sorry"):
            met = relationship_pb.RecordInteractionRequest(agent_id="agt_a", counterpart="nova", summary=summary)
            await agent.relationships.RecordInteraction(met)
        await agent.create("mallory00001 in a post", source_id="post_1", author="bo", conversation_id="c1")
        await agent.create("what came after", conversation_id="c1")
        await agent.create("bo elsewhere", source_id="post_2", author="bo")
        await stranger.create("seen by another", source_id="post_1", author="bo")

        assert await agent.purge(source_id="post_1") == 1
        assert sorted(await agent.texts()) == ["bo elsewhere", "what came after"]
        assert await stranger.texts() == ["seen by another"]
        [after] = await agent.hits("mallory00001", min_relevance=0.0, conversation_id="c1")
        assert after.parts.lexical == 0, "it is no context any more"
        known = relationship_pb.GetRelationshipRequest(agent_id="agt_a", counterpart="nova")
        assert (await agent.relationships.GetRelationship(known)).relationship.interaction_count == 2

        assert await agent.purge(author="nova") == 0, "of whom only a relationship is known"
        assert await reason_of(agent.relationships.GetRelationship(known)) == "RELATIONSHIP_NOT_FOUND"
        assert texts_left(tmp_path, {1, 98, 99}) == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_purge_that_is_cut_off_is_finished_by_the_next_start(settings: MemorySettings, tmp_path: Path) -> None:
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")
        await agent.create("mallory00001 said", author="mallory")
        await agent.create("something else")
        await until(agent.is_settled)
        before = (await agent.index()).generation
        vectors = await WordLlamaEmbedder().embed(["mallory00001 said"])
        purging = agent.service.PurgeSource(pb.PurgeSourceRequest(agent_id="agt_a", author="mallory"))

        async def is_forgotten() -> bool:
            return not await agent.all(author="mallory")

        await until(is_forgotten)
        purging.cancel()
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")

        async def is_anew() -> bool:
            builds = {path.name for path in (tmp_path / "chroma").iterdir()}
            generation = (await agent.index()).generation
            return generation > before and builds == {str(generation)} and await agent.is_settled()

        await until(is_anew)
        assert (await agent.verify()).is_consistent
        assert vectors_left(tmp_path / "chroma", vectors) == {}
