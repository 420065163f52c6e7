"""The vector index is kept in step with the store, and replaced when it has to be, while searches go on."""

import asyncio
from collections.abc import Awaitable

import pytest
import sqlalchemy as sa

from services.memory.adapters.sql.records import SqlMemoryStore
from services.memory.domain.memories import MemoryFilter, VersionedMemory
from services.memory.domain.vectors import IndexDown, IndexState, Vector
from services.memory.domain.writers import Writer
from services.memory.service import building
from services.runtime.idempotency import RequestKey
from tests.fakes.clock import FixedClock
from tests.fakes.memory import FakeIndex
from tests.integration.memory.calls import until
from tests.integration.memory.mind import NO_KEY, Awake
from tests.unit.memory.examples import memory


async def test_what_is_written_is_found_before_the_index_has_it_and_after(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        await mind.settled()
        index.writable.clear()
        [kite, _] = await mind.create("red kite", "blue boat")
        assert await mind.find("kite red") == ["red kite"]
        assert (await mind.indexing.status()).pending == 2
        index.writable.set()
        await mind.settled()
        assert await mind.find("kite red") == ["red kite"]
        assert len(mind.held()) == 2
        await mind.memories.update("agt_a", kite.id, {"text": "green tree"}, "", Writer.OPERATOR, NO_KEY)
        assert await mind.find("green tree") == ["green tree"]
        await mind.memories.delete("agt_a", kite.id, Writer.OPERATOR, NO_KEY)
        assert await mind.find("green tree") == []
        await mind.settled()
        assert len(mind.held()) == 1
        assert (await mind.indexing.verify()).is_consistent


async def test_each_vector_is_put_once_while_the_first_build_is_made(awake: Awake, index: FakeIndex) -> None:
    index.down = True
    async with awake() as mind:
        before = await mind.create("red kite", "blue boat")
    index.down = False
    index.writable.clear()
    async with awake() as mind:
        await mind.create("green tree")
        index.writable.set()
        await mind.create("white horse")
        await mind.settled()
        assert len(mind.held()) == 4
        assert sorted(index.put) == sorted(mind.held())
        await mind.memories.delete("agt_a", before[0].id, Writer.OPERATOR, NO_KEY)
        await mind.settled()
        assert len(mind.held()) == 3
        assert (await mind.indexing.verify()).is_consistent


async def test_a_memory_that_changes_while_the_first_build_copies_it_is_carried_over(
    awake: Awake, index: FakeIndex
) -> None:
    index.down = True
    async with awake() as mind:
        [kite, boat] = await mind.create("red kite", "blue boat")
    index.down = False
    index.writable.clear()
    async with awake() as mind:

        async def is_building() -> bool:
            return (await mind.indexing.status()).total == 2

        await until(is_building)
        await mind.memories.update("agt_a", kite.id, {"text": "green tree"}, "", Writer.OPERATOR, NO_KEY)
        await mind.memories.delete("agt_a", boat.id, Writer.OPERATOR, NO_KEY)
        index.writable.set()
        await mind.settled()
        assert await mind.find("green tree") == ["green tree"]
        assert await mind.find("red kite") == []
        assert mind.held() == {kite.seq}
        assert (await mind.indexing.verify()).is_consistent


async def test_what_another_replica_stored_while_the_index_was_built_is_in_it(
    awake: Awake, index: FakeIndex, store: SqlMemoryStore
) -> None:
    async with awake() as mind:
        await mind.settled()
        await mind.create("red kite")
        await mind.settled()
        index.writable.clear()
        rebuilding = asyncio.create_task(mind.indexing.rebuild())

        async def is_copying() -> bool:
            return (await mind.indexing.status()).total == 1

        await until(is_copying)
        async with store.writing() as records:
            # It tells the build that serves, and settles that.
            embedder = mind.indexing.embedder
            new = VersionedMemory(memory("blue boat", id="mem_other", agent_id="agt_a"))
            [vector] = await embedder.embed([new.memory.text])
            [(stored, _)] = await records.add([new], embedder.model, [vector], mind.clock.now())
            await records.settle(list(await records.pending()))
            await records.commit()
        index.writable.set()
        await rebuilding
        await mind.settled()
        assert stored.seq in mind.held()


async def test_where_an_index_is_shared_more_is_asked_for_at_once(awake: Awake, index: FakeIndex) -> None:
    """Of three agents with the same texts, one who asks for 40 neighbours gets a third of them."""
    async with awake() as mind:
        for number in range(30):
            for agent_id in ("agt_a", "agt_b", "agt_c"):
                await mind.create(f"red kite {number}", agent_id=agent_id)
        await mind.settled()
        for _ in range(2):
            assert len(await mind.find("red kite")) == 10
        first, again, at_once = index.asked
        assert first < again
        assert first < at_once < again


async def test_changes_that_the_index_does_not_have_survive_a_restart(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        await mind.settled()
        index.writable.clear()
        await mind.create("red kite")
    index.writable.set()
    async with awake() as mind:
        assert await mind.find("red kite") == ["red kite"]
        await mind.settled()
        assert len(mind.held()) == 1
        assert (await mind.indexing.status()).generation == 1, "nothing was built anew"


async def test_an_index_that_is_down_at_the_start_is_tried_again_and_searches_go_on(
    awake: Awake, index: FakeIndex
) -> None:
    index.down = True
    async with awake() as mind:
        await mind.create("red kite")

        async def is_down() -> bool:
            return await mind.state() is IndexState.DOWN

        await until(is_down)
        assert await mind.find("red kite") == ["red kite"]
        with pytest.raises(IndexDown):
            await mind.indexing.verify()
        index.down = False
        await mind.settled()
        assert await mind.find("red kite") == ["red kite"]


async def test_an_index_that_is_lost_at_run_time_is_opened_again(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        await mind.create("red kite")
        await mind.settled()
        opened = index.opened
        index.down = True
        assert await mind.find("red kite") == ["red kite"]
        await mind.create("blue boat")
        assert await mind.find("blue boat") == ["blue boat"]
        index.down = False
        await mind.settled()
        assert index.opened > opened
        assert len(mind.held()) == 2
        assert (await mind.indexing.verify()).is_consistent


async def test_a_build_that_cannot_be_opened_is_built_anew(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        await mind.create("red kite")
        await mind.settled()
    index.damaged.add(1)
    async with awake() as mind:
        await mind.settled()
        assert (await mind.indexing.status()).generation > 1
        assert 1 not in index.builds
        assert await mind.find("red kite") == ["red kite"]
        assert (await mind.indexing.verify()).is_consistent


async def test_a_build_that_lacks_a_little_is_mended(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        await mind.create(*(f"bird number {number}" for number in range(20)))
        await mind.settled()
    build = index.builds[1]
    lost = build.pop(3)
    build[999] = Vector(999, "agt_z", lost.data)
    build[5] = Vector(5, "agt_a", lost.data)
    async with awake() as mind:

        async def is_mended() -> bool:
            return index.builds == {1: build} and mind.held() == set(range(1, 21)) and build[5].data != lost.data

        await until(is_mended)
        await mind.settled()
        assert (await mind.indexing.verify()).is_consistent


async def test_a_build_that_lacks_much_is_built_anew(
    awake: Awake, index: FakeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "_MANY", 5)
    async with awake() as mind:
        await mind.create(*(f"bird number {number}" for number in range(20)))
        await mind.settled()
    index.builds[1].clear()
    async with awake() as mind:
        assert await mind.find("bird number 7") != []
        await mind.settled()
        assert (await mind.indexing.status()).generation == 2
        assert len(mind.held()) == 20


async def test_a_comparison_tells_what_is_missing_left_over_and_different(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        await mind.create("red kite", "blue boat", "green tree")
        await mind.settled()
        build = index.builds[1]
        build[77] = Vector(77, "agt_a", build[1].data)
        build[2] = Vector(2, "agt_a", build[1].data)
        del build[3]
        found = await mind.indexing.verify()
        assert (found.checked, found.missing, found.left_over, found.different) == (2, 1, 1, 1)
        assert not found.is_consistent


async def test_what_is_written_while_the_index_is_built_is_in_the_new_build(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        kite, boat, _ = await mind.create("red kite", "blue boat", "green tree")
        await mind.settled()
        index.writable.clear()
        await mind.indexing.reindex(NO_KEY)

        async def is_building() -> bool:
            return await mind.state() is IndexState.BUILDING

        await until(is_building)
        await mind.memories.update("agt_a", kite.id, {"text": "yellow sun"}, "", Writer.OPERATOR, NO_KEY)
        await mind.memories.delete("agt_a", boat.id, Writer.OPERATOR, NO_KEY)
        await mind.create("black cat")
        for query in ("yellow sun", "green tree", "black cat"):
            assert (await mind.find(query))[0] == query
        assert await mind.find("blue boat") == []
        index.writable.set()
        await mind.settled()
        assert (await mind.indexing.status()).generation > 1
        assert len(mind.held()) == 3
        assert (await mind.indexing.verify()).is_consistent


async def test_an_unfinished_build_is_done_again_at_the_next_start(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        await mind.create("red kite")
        await mind.settled()
        index.writable.clear()
        await mind.indexing.reindex(NO_KEY)

        async def is_building() -> bool:
            return await mind.state() is IndexState.BUILDING

        await until(is_building)
    before = set(index.builds)
    index.writable.set()
    async with awake() as mind:

        async def is_anew() -> bool:
            return min(index.builds) > max(before)

        await until(is_anew)
        await mind.settled()
        assert (await mind.indexing.verify()).is_consistent


@pytest.mark.parametrize("source", [MemoryFilter(author="nova"), MemoryFilter(source_id="post_1")])
async def test_a_purge_ends_when_the_index_is_built_anew(awake: Awake, index: FakeIndex, source: MemoryFilter) -> None:
    async with awake() as mind:
        await mind.memories.create(
            [memory("red kite", author="nova", source_id="post_1"), memory("blue boat", id="mem_2")],
            Writer.OPERATOR,
            NO_KEY,
        )
        await mind.settled()
        key = RequestKey("operator", "purge", "once", "body")
        assert await mind.memories.purge("agt_a", source, key) == 1
        assert len(index.builds) == 1
        assert 1 not in index.builds
        assert mind.held() == {2}
        assert await mind.memories.purge("agt_a", source, key) == 1, "as it was answered at first"
        assert await mind.memories.purge("agt_a", source, NO_KEY) == 0


async def test_a_purge_whose_index_cannot_be_built_says_so_and_is_finished_later(
    awake: Awake, index: FakeIndex
) -> None:
    async with awake() as mind:
        await mind.memories.create([memory("red kite", author="nova")], Writer.OPERATOR, NO_KEY)
        await mind.settled()
        index.down = True
        with pytest.raises(IndexDown):
            await mind.memories.purge("agt_a", MemoryFilter(author="nova"), NO_KEY)
        assert await mind.find("red kite") == []
        index.down = False

        async def is_anew() -> bool:
            return min(index.builds) > 1 and not mind.held()

        await until(is_anew)


async def test_purges_at_once_all_end(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        authors = [f"author{number}" for number in range(5)]
        made = [memory(f"said by {author}", id=f"mem_{author}", author=author) for author in authors]
        await mind.memories.create(made, Writer.OPERATOR, NO_KEY)
        await mind.settled()
        purges: list[Awaitable[int]] = [
            mind.memories.purge("agt_a", MemoryFilter(author=author), NO_KEY) for author in authors
        ]
        assert await asyncio.gather(*purges) == [1] * 5
        assert mind.held() == set()
        await mind.settled()
        async with mind.store.reading() as records:
            assert not await records.has_unfinished_build()


async def test_an_agent_in_a_crowd_finds_its_own(awake: Awake) -> None:
    """The index proposes other agents' memories too: here all of its first hundreds are theirs."""
    async with awake() as mind:
        for number in range(6):
            await mind.create(*(f"red kite {number} {at}" for at in range(100)), agent_id="agt_b")
        await mind.create("red kite of mine and of nobody else at all", "blue boat")
        await mind.settled()
        assert await mind.find("red kite") == ["red kite of mine and of nobody else at all"]


async def test_memories_of_before_the_words_are_found_by_them_after_the_start(
    awake: Awake, store: SqlMemoryStore
) -> None:
    async with awake() as mind:
        await mind.create("red kite")
        await mind.settled()
        async with store.writing() as records:
            connection = await records._session.connection()
            await connection.execute(sa.text("DELETE FROM memory_document"))
            await connection.execute(sa.text("DELETE FROM lexicon"))
            await records.commit()
    async with awake() as mind:
        async with store.reading() as records:
            found = await records.matches("agt_a", ["kite"], MemoryFilter(), FixedClock().now(), 10)
        assert set(found.scores) == {1}
