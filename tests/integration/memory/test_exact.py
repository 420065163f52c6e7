"""Agents with few memories are searched without the index, and nothing of theirs is missed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.memory.adapters.matrices import RoundedMatrices
from services.memory.adapters.sql.records import SqlMemoryStore, SqlRecords
from services.memory.domain.memories import EVERYTHING, MemoryFilter, MemoryKind
from services.memory.domain.search import Query
from services.memory.domain.upkeep import Retention
from services.memory.domain.writers import Writer
from services.memory.service.exact import ExactSearch
from services.memory.service.upkeep import Upkeep
from services.runtime.transaction import Transaction
from tests.fakes.clock import FixedClock
from tests.fakes.memory import FakeIndex
from tests.integration.memory.calls import until
from tests.integration.memory.mind import NO_KEY, Awake
from tests.unit.memory.examples import memory

MODEL = "words-64"


async def test_the_index_is_not_asked(awake: Awake, index: FakeIndex) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite", "blue boat")
        await mind.settled()
        assert await mind.find("kite") == ["red kite"]
        assert index.asked == []


async def test_the_index_may_be_down(awake: Awake, index: FakeIndex) -> None:
    index.down = True
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite", "blue boat")
        assert await mind.find("kite") == ["red kite"]


async def test_every_write_is_seen_when_it_returns(awake: Awake) -> None:
    async with awake(exact_limit=10) as mind:
        assert await mind.find("kite") == []
        kite, boat = await mind.create("red kite", "blue boat")
        assert await mind.find("kite") == ["red kite"]
        await mind.create("green kite")
        assert sorted(await mind.find("kite")) == ["green kite", "red kite"]
        await mind.memories.update("agt_a", kite.id, {"text": "red herring"}, "", Writer.OPERATOR, NO_KEY)
        assert await mind.find("kite") == ["green kite"]
        assert await mind.find("herring") == ["red herring"]
        await mind.memories.delete("agt_a", boat.id, Writer.OPERATOR, NO_KEY)
        assert await mind.find("boat") == []
        await mind.memories.clear("agt_a", EVERYTHING, NO_KEY)
        assert await mind.find("kite") == []
        await mind.create("yellow kite")
        assert await mind.find("kite") == ["yellow kite"]


async def test_another_agents_memories_are_not_proposed(awake: Awake) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite")
        await mind.create("red kite of another", agent_id="agt_b")
        assert await mind.find("kite") == ["red kite"]
        assert await mind.find("kite", "agt_b") == ["red kite of another"]


async def test_an_agent_that_grows_large_is_left_to_the_index(awake: Awake, index: FakeIndex) -> None:
    async with awake(exact_limit=3) as mind:
        await mind.create("red kite", "blue boat")
        assert await mind.find("kite") == ["red kite"]
        await mind.create("green kite", "yellow submarine")
        await mind.settled()
        assert sorted(await mind.find("kite")) == ["green kite", "red kite"]
        assert index.asked
        await mind.memories.clear("agt_a", EVERYTHING, NO_KEY)
        await mind.create("small again")
        index.asked.clear()
        assert await mind.find("small") == ["small again"]
        assert not index.asked
    async with awake(exact_limit=3) as mind:
        await mind.create(*(f"number {number}" for number in range(5)))
        await mind.settled()
        assert await mind.find("number 3")
        assert index.asked, "it was large when it was first looked for"


async def test_what_has_expired_or_does_not_pass_the_filter_makes_room_for_what_does(awake: Awake) -> None:
    async with awake(exact_limit=500) as mind:
        await mind.create(*(f"kite number {number}" for number in range(120)))
        [last] = await mind.create("kite of a dragon")
        expired = {"expire_time": FixedClock().now() + timedelta(microseconds=1)}
        assert len(await mind.find("kite")) == 10
        await mind.memories.update("agt_a", last.id, {"kind": MemoryKind.EVENT}, "", Writer.OPERATOR, NO_KEY)
        wanted = MemoryFilter(kinds=(MemoryKind.EVENT,))
        hits = (await mind.search.find(Query("agt_a", "kite", wanted=wanted, min_relevance=0.0))).hits
        assert [hit.memory.text for hit in hits] == ["kite of a dragon"]
        await mind.memories.update("agt_a", last.id, expired, "", Writer.OPERATOR, NO_KEY)
        mind.clock.advance(seconds=1)
        assert len(await mind.find("kite of a dragon")) == 10
        assert "kite of a dragon" not in await mind.find("kite of a dragon")


async def test_an_agent_that_there_is_no_room_for_is_searched_by_the_index(awake: Awake, index: FakeIndex) -> None:
    async with awake(exact_limit=500) as mind:
        mind.matrices._most_bytes = 2_000
        await mind.create(*(f"kite number {number}" for number in range(100)))
        await mind.settled()
        for _ in range(2):
            assert len(await mind.find("kite")) == 10
        assert index.asked


async def test_what_was_swept_is_not_kept(awake: Awake) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite", "blue kite", "green kite")
        assert len(await mind.find("kite")) == 3
        await Upkeep(mind.store, mind.indexing, Retention({}, timedelta(), 1), mind.clock).sweep_all()
        assert len(await mind.find("kite")) == 1
        assert mind.matrices.of("agt_a") is not None


async def test_a_write_while_vectors_are_loaded_is_among_them(awake: Awake, monkeypatch: pytest.MonkeyPatch) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite")
        loaded, go_on = asyncio.Event(), asyncio.Event()
        every_vector = SqlRecords.every_vector

        async def slowly(self: SqlRecords, *args: Any) -> list[tuple[int, bytes]]:
            found = await every_vector(self, *args)
            loaded.set()
            await go_on.wait()
            return found

        monkeypatch.setattr(SqlRecords, "every_vector", slowly)
        finding = asyncio.create_task(mind.find("kite"))
        await loaded.wait()
        [green] = await mind.create("green kite")
        go_on.set()
        await finding
        assert sorted(await mind.find("kite")) == ["green kite", "red kite"]

        mind.exact.forget("agt_a")
        loaded.clear()
        go_on.clear()
        finding = asyncio.create_task(mind.find("kite"))
        await loaded.wait()
        await mind.memories.delete("agt_a", green.id, Writer.OPERATOR, NO_KEY)
        go_on.set()
        assert await finding == ["red kite"]
        assert mind.matrices.of("agt_a") is None, "what was loaded before the deletion isn't kept"


async def test_a_write_whose_caller_goes_away_in_the_commit_is_found_by_its_meaning(
    awake: Awake, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with awake(exact_limit=10) as mind:
        kite, boat = await mind.create("red kite", "blue boat")
        assert await mind.find("kite") == ["red kite"]
        commit = Transaction.commit

        async def leave(self: Transaction) -> None:
            await commit(self)
            raise asyncio.CancelledError

        with monkeypatch.context() as patched:
            patched.setattr(Transaction, "commit", leave)
            with pytest.raises(asyncio.CancelledError):
                await mind.memories.update("agt_a", kite.id, {"text": "green tree"}, "", Writer.OPERATOR, NO_KEY)
        assert await mind.find("green tree") == ["green tree"]
        with monkeypatch.context() as patched:
            patched.setattr(Transaction, "commit", leave)
            with pytest.raises(asyncio.CancelledError):
                await mind.memories.delete("agt_a", boat.id, Writer.OPERATOR, NO_KEY)
        assert await mind.find("boat") == []


async def test_a_memory_that_has_expired_gives_way_to_its_duplicate_in_one_call_and_leaves_nothing(
    awake: Awake, store: SqlMemoryStore
) -> None:
    async with awake(exact_limit=10) as mind:
        past = mind.clock.now() - timedelta(seconds=1)
        new = [memory("red kite", id=f"mem_{name}", agent_id="agt_a", expire_time=past) for name in "ab"]
        await mind.memories.create(new, Writer.OPERATOR, NO_KEY)
        async with store.reading() as records:
            left = await records.memories_by_id("agt_a", ["mem_a", "mem_b"])
            assert await records.seqs(MODEL) == {item.seq for item in left.values()}
            assert len(left) == 1


async def test_a_search_that_began_with_the_model_before_leaves_nothing_behind(
    store: SqlMemoryStore,
) -> None:
    matrices = RoundedMatrices(2**20)
    exact = ExactSearch(store, matrices, 10, FixedClock())
    exact.use("words-64")
    assert await exact.open("agt_a", "words-64") is not None
    exact.use("words-128")
    assert await exact.open("agt_a", "words-64") is None
    assert matrices.of("agt_a") is None
    assert await exact.open("agt_a", "words-128") is not None


async def test_another_model_is_changed_to_while_searches_go_on(awake: Awake) -> None:
    async with awake(MODEL, exact_limit=10) as mind:
        await mind.create("red kite", "blue boat")
        await mind.settled()
    async with awake("words-128", exact_limit=10) as mind:

        async def is_changed() -> bool:
            assert await mind.find("red kite") == ["red kite"]
            return (await mind.indexing.status()).model == "words-128"

        await until(is_changed)
        await mind.create("green kite")
        assert sorted(await mind.find("kite")) == ["green kite", "red kite"]


async def test_a_shared_store_is_asked_whether_others_wrote(awake: Awake, store: SqlMemoryStore) -> None:
    store.is_shared = True
    async with awake(exact_limit=10) as mind, awake(exact_limit=10) as other:
        kite, boat = await mind.create("red kite", "blue boat")
        assert await other.find("kite") == ["red kite"]
        await mind.create("green kite")
        assert sorted(await other.find("kite")) == ["green kite", "red kite"]
        await mind.memories.update("agt_a", boat.id, {"text": "blue kite"}, "", Writer.OPERATOR, NO_KEY)
        assert len(await other.find("kite")) == 3
        await mind.memories.delete("agt_a", kite.id, Writer.OPERATOR, NO_KEY)
        assert sorted(await other.find("kite")) == ["blue kite", "green kite"]
