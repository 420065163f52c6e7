"""The vector index isn't opened before somebody needs it."""

import pytest

from services.memory.domain.vectors import IndexDown, IndexState, Vector
from services.memory.domain.writers import Writer
from tests.fakes.memory import FakeIndex
from tests.integration.memory.calls import until
from tests.integration.memory.mind import NO_KEY, Awake, Mind


async def settled_by_itself(mind: Mind) -> None:
    """Wait until the index serves and has everything, without asking anything of it."""

    async def is_settled() -> bool:
        status = await mind.indexing.status()
        return status.state is IndexState.READY and not status.pending

    await until(is_settled)


async def test_while_all_agents_are_small_it_rests_and_its_changes_wait(awake: Awake, index: FakeIndex) -> None:
    for restarts in range(3):
        async with awake(exact_limit=10) as mind:
            await mind.create(f"red kite {restarts}")
            assert await mind.find(f"kite {restarts}")
            status = await mind.indexing.status()
            assert (status.state, status.pending) == (IndexState.IDLE, restarts + 1)
    assert index.opened == 0


async def test_a_search_of_a_large_agent_opens_it(awake: Awake, index: FakeIndex) -> None:
    async with awake(exact_limit=3) as mind:
        await mind.create("red kite", "blue boat")
        await mind.create("green tree", agent_id="agt_b")
        await mind.create("grey mouse")
        assert await mind.state() in (IndexState.IDLE, IndexState.OPENING) or index.opened
        await mind.create("white horse")
        assert await mind.find("kite") == ["red kite"]
        await settled_by_itself(mind)
        assert await mind.find("kite") == ["red kite"]
        assert len(mind.held()) == 5


async def test_it_is_opened_at_the_start_when_an_agent_is_large(awake: Awake) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create(*(f"bird number {number}" for number in range(5)))
    async with awake(exact_limit=4) as mind:
        await settled_by_itself(mind)
        assert len(mind.held()) == 5
    async with awake(exact_limit=5) as mind:
        assert await mind.state() is IndexState.IDLE


async def test_it_is_opened_when_more_changes_wait_than_a_small_agent_has_memories(awake: Awake) -> None:
    async with awake(exact_limit=3) as mind:
        for number in range(2):
            await mind.create("red kite", "blue boat", agent_id=f"agt_{number}")
        await settled_by_itself(mind)
        assert len(mind.held()) == 4


async def test_to_verify_it_opens_it_and_compares_everything(awake: Awake) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite", "blue boat")
        found = await mind.indexing.verify()
        assert found.is_consistent
        assert found.checked == 2
        assert await mind.state() is IndexState.READY


async def test_to_verify_it_says_when_it_cannot_be_opened(awake: Awake, index: FakeIndex) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite")
        index.down = True
        with pytest.raises(IndexDown):
            await mind.indexing.verify()
        assert await mind.state() is IndexState.DOWN
        index.down = False
        await settled_by_itself(mind)


async def test_to_reindex_opens_it(awake: Awake) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite")
        await mind.indexing.reindex(NO_KEY)
        await settled_by_itself(mind)
        assert len(mind.held()) == 1


async def test_to_purge_builds_it_anew(awake: Awake) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite")
        await mind.indexing.rebuild()
        await settled_by_itself(mind)
        assert (await mind.indexing.status()).generation == 2


async def test_one_that_is_behind_is_brought_up_to_date_when_it_is_opened(awake: Awake, index: FakeIndex) -> None:
    async with awake() as mind:
        [kite, boat, tree] = await mind.create("red kite", "blue boat", "green tree")
        await mind.settled()
    opened = index.opened
    async with awake(exact_limit=10) as mind:
        await mind.memories.delete("agt_a", kite.id, Writer.OPERATOR, NO_KEY)
        await mind.memories.update("agt_a", boat.id, {"text": "grey mouse"}, "", Writer.OPERATOR, NO_KEY)
        await mind.create("white horse")
        assert await mind.state() is IndexState.IDLE
        assert index.opened == opened
        assert mind.held() == {kite.seq, boat.seq, tree.seq}
    async with awake() as mind:
        await settled_by_itself(mind)
        assert await mind.find("mouse grey") == ["grey mouse"]
        assert kite.seq not in mind.held()
        assert (await mind.indexing.verify()).is_consistent
        assert (await mind.indexing.status()).generation == 1, "nothing was built anew"


async def test_what_is_left_of_a_build_before_is_deleted_while_it_rests(awake: Awake, index: FakeIndex) -> None:
    index.builds[7] = {1: Vector(1, "agt_a", b"")}
    async with awake(exact_limit=10):

        async def is_gone() -> bool:
            return 7 not in index.builds

        await until(is_gone)
    assert index.opened == 0


async def test_an_unfinished_build_is_finished_at_the_start(awake: Awake, index: FakeIndex) -> None:
    async with awake(exact_limit=10) as mind:
        await mind.create("red kite")
        index.down = True
        await mind.indexing.reindex(NO_KEY)
    index.down = False
    async with awake(exact_limit=10) as mind:
        await settled_by_itself(mind)
        assert (await mind.indexing.status()).generation > 1


async def test_another_model_is_not_waited_with(awake: Awake) -> None:
    async with awake("words-64", exact_limit=10) as mind:
        await mind.create("red kite")
    async with awake("words-128", exact_limit=10) as mind:
        await settled_by_itself(mind)
        assert (await mind.indexing.status()).model == "words-128"
        assert await mind.find("kite") == ["red kite"]


async def test_one_on_a_server_is_opened_at_once(awake: Awake) -> None:
    async with awake(exact_limit=10, may_rest=False) as mind:
        await mind.create("red kite")
        await settled_by_itself(mind)
        assert len(mind.held()) == 1
