"""Another embedding model is changed to while searches go on."""

import asyncio

import sqlalchemy as sa

from services.memory.adapters.sql.records import SqlMemoryStore
from tests.fakes.memory import FakeEmbedder, FakeIndex
from tests.integration.memory.calls import until
from tests.integration.memory.mind import Awake


async def test_another_model_is_changed_to_while_searches_go_on(
    awake: Awake, index: FakeIndex, store: SqlMemoryStore
) -> None:
    async with awake("words-64") as mind:
        await mind.create("red kite", "blue boat")
        await mind.settled()
    index.writable.clear()
    async with awake("words-128") as mind:
        assert mind.indexing.embedder.model == "words-64", "until the new vectors are complete"
        await mind.create("green tree")
        for query in ("red kite", "green tree"):
            assert await mind.find(query) == [query]
        index.writable.set()

        async def is_changed() -> bool:
            return (await mind.indexing.status()).model == "words-128"

        await until(is_changed)
        await mind.settled()
        for query in ("red kite", "green tree"):
            assert await mind.find(query) == [query]
        assert mind.indexing.embedder.model == "words-128"
        assert (await mind.indexing.status()).generation == 2

        async def is_one_model() -> bool:
            async with store.reading() as records:
                return not await records.seqs("words-64") and len(await records.seqs("words-128")) == 3

        await until(is_one_model)
        assert (await mind.indexing.verify()).is_consistent


async def test_what_was_embedded_by_the_old_model_while_it_was_replaced_is_found_by_its_meaning(
    awake: Awake, index: FakeIndex
) -> None:
    async with awake("words-64") as mind:
        await mind.create("red kite")
        await mind.settled()
    index.writable.clear()
    async with awake("words-128") as mind:
        old = mind.indexing.embedder
        assert isinstance(old, FakeEmbedder)
        old.ready.clear()
        late = asyncio.create_task(mind.create("green tree"))
        index.writable.set()

        async def is_replaced() -> bool:
            async with mind.store.reading() as records:
                return mind.indexing.embedder is not old and not await records.seqs("words-64")

        await until(is_replaced)
        await mind.settled()
        old.ready.set()
        await late

        async def is_found() -> bool:
            return await mind.find("green tree") == ["green tree"]

        await until(is_found)
        await mind.settled()
        assert (await mind.indexing.verify()).checked == 2


async def test_a_model_that_is_not_there_any_more_is_replaced_by_the_wanted_one(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        await mind.create("red kite")
        await mind.settled()
        async with mind.store.writing() as records:
            connection = await records._session.connection()
            await connection.execute(sa.text("UPDATE build SET model = 'gone-7'"))
            await connection.execute(sa.text("UPDATE embedding SET model = 'gone-7'"))
            await records.commit()
    async with awake() as mind:
        await mind.settled()

        async def is_found() -> bool:
            return await mind.find("red kite") == ["red kite"]

        await until(is_found)
        assert (await mind.indexing.status()).model == "words-64"
