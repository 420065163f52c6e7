"""Memories whose vectors another service makes: they are stored without them, and get them later."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from services.memory import bootstrap
from services.memory.adapters.sql.records import SqlMemoryStore
from services.memory.domain.memories import EVERYTHING, VersionedMemory
from services.memory.domain.search import Found, Query
from services.memory.domain.vectors import EmbedderDown
from services.memory.domain.writers import Writer
from services.memory.service import search
from services.runtime.db import Database
from tests.fakes.memory import FakeIndex
from tests.integration.memory.calls import until
from tests.integration.memory.mind import NO_KEY, Awake, Mind, awakened
from tests.support.waits import WAIT_SECONDS
from tests.unit.memory.examples import memory

FAR, OTHER = "far-words-64", "far-words-128"
DOWN = EmbedderDown("it is down", 0.01)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Return a database of its own, once of each kind."""
    opened = Database(database_url)
    await opened.migrate(Path(bootstrap.__file__).with_name("migrations"))
    yield opened
    await opened.close()


@pytest.fixture
def store(database: Database) -> SqlMemoryStore:
    return SqlMemoryStore(database)


async def found(mind: Mind, query: str) -> Found:
    return await mind.search.find(Query("agt_a", query, min_relevance=0.05))


async def until_meant(mind: Mind, text: str, agent_id: str = "agt_a") -> None:
    """Wait until a memory is found by its meaning."""

    async def is_found() -> bool:
        return text in await mind.find(text, agent_id)

    await until(is_found)


async def until_problem(mind: Mind, *, is_there: bool = True) -> None:
    async def is_told() -> bool:
        return bool(mind.indexing.problem) == is_there

    await until(is_told)


async def vectorless(mind: Mind) -> int:
    return (await mind.indexing.status()).vectorless


def texts_asked(mind: Mind) -> list[str]:
    return [text for _, texts in mind.embedder.asked for text in texts]


async def test_a_memory_is_stored_while_nothing_embeds_and_found_by_its_meaning_once_something_does(
    awake: Awake,
) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.down = DOWN
        await mind.create("red kite", "blue boat")
        by_words = await found(mind, "kite")
        assert [hit.memory.text for hit in by_words.hits] == ["red kite"]
        assert (by_words.has_meaning, by_words.hits[0].parts.vector) == (False, 0)
        await until_problem(mind)
        assert (await vectorless(mind), mind.indexing.problem) == (2, "it is down")
        mind.embedder.down = None
        await until_meant(mind, "red kite")
        await until_problem(mind, is_there=False)
        assert (await found(mind, "kite")).has_meaning
        assert await vectorless(mind) == 0


async def test_the_index_gets_vectors_that_came_later(awake: Awake) -> None:
    async with awake(FAR) as mind:
        mind.embedder.down = DOWN
        [kite] = await mind.create("red kite")
        await mind.settled()
        mind.embedder.down = None
        await until_meant(mind, "red kite")
        await mind.settled()
        assert mind.held() == {kite.seq}
        assert (await mind.indexing.verify()).checked == 1


async def test_what_has_no_vector_gets_it_after_the_next_start(awake: Awake) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.ready.clear()
        await mind.create("red kite")
    async with awake(FAR, exact_limit=100) as mind:
        await until_meant(mind, "red kite")


async def test_a_query_whose_vector_is_late_is_answered_by_words_and_by_what_is_newest(
    awake: Awake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "_MEANING_SECONDS", 0.01)
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.ready.clear()
        await mind.create("red kite", "blue boat", "green tree")
        hits = await mind.search.find(Query("agt_a", "kite", min_relevance=0.0))
    assert [hit.memory.text for hit in hits.hits] == ["red kite", "green tree", "blue boat"]
    assert not hits.has_meaning


async def test_an_agent_without_budget_is_asked_for_when_it_says_and_keeps_no_other_waiting(awake: Awake) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.down = EmbedderDown("the day's budget is spent", 3_600.0, agent_id="agt_a")
        await mind.create("red kite", agent_id="agt_a")
        for text in ("blue boat", "green tree"):
            await mind.create(text, agent_id="agt_b")
            await until_meant(mind, text, "agt_b")
        assert [texts for agent_id, texts in mind.embedder.asked if agent_id == "agt_a"] == [("red kite",)]
        assert mind.indexing.problem == "the day's budget is spent"


async def test_a_text_that_is_refused_keeps_no_other_from_its_vector(awake: Awake) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.refuses = {"poison 4"}
        await mind.create(*(f"kite {number}" for number in range(4)), "poison 4", *(f"boat {n}" for n in range(4)))
        for number in range(4):
            await until_meant(mind, f"kite {number}")
            await until_meant(mind, f"boat {number}")
        await mind.create("green tree")
        await until_meant(mind, "green tree")
        assert await vectorless(mind) == 1
        assert mind.embedder.asked.count(("agt_a", ("poison 4",))) == 1


async def test_when_every_text_is_refused_it_is_not_because_of_the_texts(
    awake: Awake, caplog: pytest.LogCaptureFixture
) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.refuses = {f"kite {number}" for number in range(6)}
        await mind.create(*sorted(mind.embedder.refuses), "red boat")
        # They are left out one by one with pauses between, and what is behind them has its turn.
        await until_meant(mind, "red boat")
    assert [record.problem for record in caplog.records if record.message == "embeddings are behind"] == [  # type: ignore[attr-defined]
        "one of these can't be embedded"
    ]


async def test_what_is_forgotten_before_its_vector_came_leaves_none(awake: Awake) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.ready.clear()
        [kite, boat] = await mind.create("red kite", "blue boat")

        async def is_asked() -> bool:
            return "red kite" in texts_asked(mind)

        await until(is_asked)
        await mind.memories.delete("agt_a", kite.id, Writer.OPERATOR, NO_KEY)
        await mind.memories.clear("agt_a", EVERYTHING, NO_KEY)
        assert boat.seq
        mind.embedder.ready.set()
        await mind.create("green tree")
        await until_meant(mind, "green tree")
        async with mind.store.reading() as records:
            assert len(await records.seqs(FAR)) == 1
        assert await mind.find("red kite") == []


async def test_a_purge_does_not_wait_for_vectors(awake: Awake) -> None:
    async with awake("words-64", exact_limit=100) as mind:
        await mind.create("red kite")
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.down = DOWN
        assert await mind.memories.purge("agt_a", EVERYTHING, NO_KEY) == 1


async def test_a_text_that_changed_before_its_vector_came_gets_that_of_what_it_is_now(awake: Awake) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.ready.clear()
        [kite] = await mind.create("red kite")

        async def is_asked() -> bool:
            return "red kite" in texts_asked(mind)

        await until(is_asked)
        await mind.memories.update("agt_a", kite.id, {"text": "blue boat"}, "", Writer.OPERATOR, NO_KEY)
        mind.embedder.ready.set()
        await until_meant(mind, "blue boat")
        assert await mind.find("red kite") == []
        mind.embedder.down = DOWN
        await mind.memories.update("agt_a", kite.id, {"text": "green tree"}, "", Writer.OPERATOR, NO_KEY)
        mind.embedder.down = None
        await until_meant(mind, "green tree")
        assert await mind.find("blue boat") == []


async def test_what_is_imported_needs_no_vectors(awake: Awake) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.down = DOWN
        given = [VersionedMemory(memory(f"kite {number}", id=f"mem_{number}", agent_id="agt_a")) for number in range(9)]
        assert (await mind.memories.import_all(given, NO_KEY)).created == 9
        async with contextlib.aclosing(mind.memories.export("agt_a", 0)) as exported:
            assert [item.memory.text async for item in exported] == [item.memory.text for item in given]
        mind.embedder.down = None
        await until_meant(mind, "kite 8")

        async def is_complete() -> bool:
            return not await vectorless(mind)

        await until(is_complete)


@pytest.mark.parametrize("before", ["words-64", FAR])
async def test_a_model_that_is_down_is_changed_to_when_it_is_back(awake: Awake, before: str) -> None:
    async with awake(before, exact_limit=100) as mind:
        await mind.create("red kite")
        await until_meant(mind, "red kite")
    async with awake(OTHER, exact_limit=100) as mind:
        mind.embedder.down = DOWN
        await mind.create("blue boat")
        for text in ("red kite", "blue boat"):
            await until_meant(mind, text)
        assert mind.indexing.embedder.model == before
        await mind.indexing.rebuild()
        assert mind.indexing.embedder.model == before, "an index that is built anew meanwhile is of the model before"
        mind.embedder.down = None

        async def is_changed() -> bool:
            return mind.indexing.embedder.model == OTHER

        await until(is_changed)
        await mind.create("green tree")
        for text in ("red kite", "blue boat", "green tree"):
            await until_meant(mind, text)
        await mind.settled()
        assert (await mind.indexing.verify()).checked == 3

        async def is_one_model() -> bool:
            async with mind.store.reading() as records:
                return not await records.seqs(before)

        await until(is_one_model)


async def test_from_a_model_of_another_service_that_was_down_one_of_this_process_is_changed_to(awake: Awake) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.down = DOWN
        await mind.create("red kite")
    async with awake("words-64", exact_limit=100) as mind:

        async def is_changed() -> bool:
            return mind.indexing.embedder.model == "words-64"

        await until(is_changed)
        await until_meant(mind, "red kite")


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_of_two_replicas_one_at_a_time_has_what_both_store_embedded(
    store: SqlMemoryStore, database: Database, awake: Awake
) -> None:
    def alone() -> AbstractAsyncContextManager[bool]:
        return bootstrap.alone(database)

    texts = [f"kite {number}" for number in range(12)]
    async with (
        awake(FAR, exact_limit=100, alone=alone) as mind,
        awakened(store, FakeIndex(), FAR, exact_limit=100, alone=alone) as other,
    ):
        for number, text in enumerate(texts):
            await (mind if number % 2 else other).create(text)

        async def is_complete() -> bool:
            return not await vectorless(mind)

        await until(is_complete)
        assert sorted(texts_asked(mind) + texts_asked(other)) == sorted(texts)
        for text in texts:
            await until_meant(mind, text)
            await until_meant(other, text)


async def test_a_write_never_waits_for_a_vector(awake: Awake) -> None:
    async with awake(FAR, exact_limit=100) as mind:
        mind.embedder.ready.clear()
        async with asyncio.timeout(WAIT_SECONDS):
            [kite] = await mind.create("red kite")
            changed = await mind.memories.update("agt_a", kite.id, {"text": "a kite"}, "", Writer.OPERATOR, NO_KEY)
    assert changed.text == "a kite"
