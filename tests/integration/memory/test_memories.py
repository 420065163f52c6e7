"""Memories through the wire: storing, reading, changing, deleting and counting them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.memory.v1 import memory_service_pb2 as pb
from tests.integration.memory.calls import Agent, memory
from tests.support.refusals import fields_of, reason_of, refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAST = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 58, 999999, tzinfo=UTC)


async def test_what_is_stored_is_what_was_given(agent: Agent) -> None:
    given: dict[str, Any] = {
        "kind": pb.MEMORY_KIND_EVENT,
        "provenance": pb.PROVENANCE_EXTERNAL,
        "importance": 0.0,
        "valence": -0.25,
        "author": "@nova",
        "source_id": "post_1",
        "subject": "the sea",
        "conversation_id": "c1",
        "metadata": {"q\"uo'te.$[0]": 'v"1', "é": "ü", "1": ""},
        "occur_time": PAST,
        "expire_time": PAST + timedelta(days=100_000),
    }
    stored = await agent.create("a storm 🌊", **given)
    expected = memory("a storm 🌊", agent_id=agent.id, **given)
    expected.id, expected.etag = stored.id, stored.etag
    expected.create_time.CopyFrom(stored.create_time)
    expected.update_time.CopyFrom(stored.create_time)
    assert stored == expected
    assert await agent.get(stored.id) == stored
    assert await agent.all() == [stored]


async def test_an_exact_duplicate_stores_nothing_and_returns_what_is_there(agent: Agent) -> None:
    first = await agent.try_create("a red kite", importance=0.2)
    again = await agent.try_create("a red kite", importance=0.9, source_id="post_2")
    assert (first.is_duplicate, again.is_duplicate) == (False, True)
    assert again.memory == first.memory
    assert await agent.all() == [first.memory]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": pb.MEMORY_KIND_POST},
        {"provenance": pb.PROVENANCE_EXTERNAL},
        {"author": "nova"},
        {"subject": "nova"},
        {"conversation_id": "c1"},
        {"repetition": 1},
    ],
)
async def test_the_same_words_from_elsewhere_or_said_again_are_another_memory(
    agent: Agent, other: dict[str, Any]
) -> None:
    await agent.create("a red kite")
    assert not (await agent.try_create("a red kite", **other)).is_duplicate
    assert len(await agent.all()) == 2


async def test_the_same_words_of_another_agent_are_no_duplicate(agent: Agent, stranger: Agent) -> None:
    await agent.create("a red kite")
    assert not (await stranger.try_create("a red kite")).is_duplicate


async def test_what_has_expired_does_not_stand_in_the_way_of_the_same_words(agent: Agent) -> None:
    gone = await agent.create("a red kite", expire_time=PAST)
    again = await agent.try_create("a red kite")
    assert not again.is_duplicate
    assert again.memory.id != gone.id
    assert await agent.find("red kite") == ["a red kite"]
    await agent.create("a blue kite", expire_time=PAST)
    assert (await agent.update(again.memory.id, text="a blue kite")).text == "a blue kite"


async def test_a_batch_answers_in_its_order_with_duplicates_inside_and_before(agent: Agent) -> None:
    known = await agent.create("two")
    made = await agent.batch([memory(text) for text in ("one", "two", "three", "one")])
    assert [item.text for item in made.memories] == ["one", "two", "three", "one"]
    assert made.duplicate_count == 2
    assert made.memories[1] == known
    assert made.memories[3] == made.memories[0]
    assert sorted(await agent.texts()) == ["one", "three", "two"]


async def test_a_batch_is_stored_whole_or_not_at_all(agent: Agent) -> None:
    call = agent.batch([memory("good"), memory(" "), memory("bad", valence=7), memory("alien", agent_id="agt_z")])
    assert await fields_of(call) == {"memories[1].text", "memories[2].valence", "memories[3].agent_id"}
    assert await agent.all() == []


async def test_a_batch_of_a_thousand_is_the_most(agent: Agent) -> None:
    assert await fields_of(agent.batch([memory(f"bird {number}") for number in range(1001)])) == {"memories"}
    assert await fields_of(agent.batch([])) == {"memories"}
    made = await agent.batch([memory(f"bird {number}") for number in range(1000)])
    assert [item.text for item in made.memories] == [f"bird {number}" for number in range(1000)]
    assert (await agent.stats()).memory_count == 1000


async def test_an_update_sets_what_the_mask_names_and_keeps_what_was(agent: Agent) -> None:
    first = await agent.create("a red kite", importance=0.2, valence=0.5, subject="kites", metadata={"a": "b"})
    second = await agent.update(first.id, text="a blue kite", importance=0.9)
    third = await agent.update(first.id, metadata=None, kind=pb.MEMORY_KIND_EVENT, valence=-0.5)
    assert (second.text, second.importance, second.valence, second.subject) == ("a blue kite", 0.9, 0.5, "kites")
    assert (third.text, third.kind, third.valence, dict(third.metadata)) == (
        "a blue kite",
        pb.MEMORY_KIND_EVENT,
        -0.5,
        {},
    )
    assert await agent.get(first.id) == third
    assert await agent.history(first.id) == [second, first]
    assert len({first.etag, second.etag, third.etag}) == 3
    assert first.create_time == third.create_time


async def test_an_updated_memory_is_found_by_what_it_says_now(agent: Agent) -> None:
    kite = await agent.create("a red kite")
    await agent.update(kite.id, text="two submarines")
    assert await agent.find("submarines") == ["two submarines"]
    assert await agent.find("kite") == []


async def test_a_time_can_be_set_and_taken_back(agent: Agent) -> None:
    kite = await agent.create("a red kite")
    future = datetime(9999, 1, 1, tzinfo=UTC)
    assert (await agent.update(kite.id, expire_time=future)).expire_time.ToDatetime(tzinfo=UTC) == future
    assert not (await agent.update(kite.id, expire_time=None)).HasField("expire_time")
    assert await fields_of(agent.update(kite.id, occur_time=None)) == {"memory.occur_time"}


@pytest.mark.parametrize("end", [FIRST, LAST])
async def test_a_time_at_either_end_is_a_time(agent: Agent, end: datetime) -> None:
    stored = await agent.create("a red kite", occur_time=end, conversation_id="c1")
    assert stored.occur_time.ToDatetime(tzinfo=UTC) == end
    await agent.create("a blue kite", conversation_id="c1", expire_time=LAST)
    assert await agent.get(stored.id) == stored
    assert len(await agent.find("kite", recency_weight=1.0)) == 2
    assert await agent.texts(start_time=end, end_time=PAST if end < PAST else None) == ["a red kite"]
    assert (await agent.update(stored.id, valence=0.5)).occur_time == stored.occur_time
    assert (await agent.try_create("a blue kite", conversation_id="c1")).is_duplicate
    assert len(await agent.export()) == 2
    assert (await agent.stats()).memory_count == 2


async def test_an_update_of_another_state_is_refused(agent: Agent) -> None:
    kite = await agent.create("a red kite")
    changed = await agent.update(kite.id, etag=kite.etag, valence=0.5)
    told = await refusal(agent.update(kite.id, etag=kite.etag, valence=0.6))
    assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert await agent.get(kite.id) == changed
    assert await agent.history(kite.id) == [kite]


async def test_an_update_to_what_another_memory_says_is_refused_and_names_it(agent: Agent) -> None:
    red, blue = await agent.create("a red kite"), await agent.create("a blue kite")
    told = await refusal(agent.update(blue.id, text="a red kite"))
    assert (told.code, told.reason) == (grpc.StatusCode.ALREADY_EXISTS, "MEMORY_EXISTS")
    assert red.id in told.metadata.values()
    assert await agent.get(blue.id) == blue


async def test_where_a_memory_comes_from_never_changes(agent: Agent) -> None:
    kite = await agent.create("a red kite")
    for field in ("provenance", "author", "source_id", "conversation_id", "create_time", "id"):
        request = pb.UpdateMemoryRequest(memory=kite, update_mask=FieldMask(paths=[field]))
        assert await fields_of(agent.service.UpdateMemory(request)) == {"update_mask"}


async def test_a_deleted_memory_is_gone_with_its_history(agent: Agent) -> None:
    kite = await agent.create("a red kite")
    await agent.update(kite.id, text="a blue kite")
    await agent.delete(kite.id)
    assert await reason_of(agent.get(kite.id)) == "MEMORY_NOT_FOUND"
    assert await reason_of(agent.delete(kite.id)) == "MEMORY_NOT_FOUND"
    assert await agent.all() == []
    assert await agent.find("blue kite") == []
    assert await agent.export() == []


async def test_clearing_takes_the_kinds_that_are_named(agent: Agent) -> None:
    await agent.create("core", kind=pb.MEMORY_KIND_CORE)
    await agent.create("post", kind=pb.MEMORY_KIND_POST)
    await agent.create("trade", kind=pb.MEMORY_KIND_TRADE)
    assert await agent.clear(pb.MEMORY_KIND_POST, pb.MEMORY_KIND_TRADE) == 2
    assert await agent.texts() == ["core"]
    assert await agent.find("core post trade") == ["core"]


async def test_clearing_takes_everything_when_no_kind_is_named(agent: Agent, stranger: Agent) -> None:
    await stranger.create("not mine")
    await agent.batch([memory(f"bird {number}", conversation_id="c1") for number in range(5)])
    assert await agent.clear() == 5
    assert await agent.clear() == 0
    assert await agent.all() == []
    assert await agent.find("bird") == []
    assert await stranger.find("mine") == ["not mine"]
    await agent.create("bird again")
    assert await agent.find("bird") == ["bird again"]


async def test_pages_show_every_memory_once_and_newest_first(agent: Agent) -> None:
    await agent.batch([memory(f"bird {number}") for number in range(7)])
    await agent.create("the last bird")
    pages = await agent.pages(3)
    texts = [item.text for page in pages for item in page]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert texts == ["the last bird", *(f"bird {number}" for number in reversed(range(7)))]


async def test_a_page_token_belongs_to_its_filters(agent: Agent, stranger: Agent) -> None:
    await agent.batch([memory(f"bird {number}") for number in range(3)])
    first = await agent.service.ListMemories(pb.ListMemoriesRequest(agent_id=agent.id, page_size=1))
    for other in (
        pb.ListMemoriesRequest(agent_id=stranger.id, page_token=first.next_page_token),
        pb.ListMemoriesRequest(agent_id=agent.id, author="nova", page_token=first.next_page_token),
        pb.ListMemoriesRequest(agent_id=agent.id, page_token="nonsense"),  # noqa: S106,
    ):
        assert await fields_of(agent.service.ListMemories(other)) == {"page_token"}
    for size in (-1, 501):
        wrong = pb.ListMemoriesRequest(agent_id=agent.id, page_size=size)
        assert await fields_of(agent.service.ListMemories(wrong)) == {"page_size"}


async def test_what_has_expired_is_seen_by_no_read(agent: Agent) -> None:
    gone = await agent.create("a red kite of nova", expire_time=PAST, subject="nova", conversation_id="c1")
    kept = await agent.create("a red kite of mine", expire_time=datetime(9999, 1, 1, tzinfo=UTC))
    assert [item.id for item in await agent.all()] == [kept.id]
    assert await agent.all(subject="nova") == []
    assert await agent.find("red kite nova") == [kept.text]
    assert await agent.find("red kite", subject="nova", min_relevance=0.0) == []
    assert [message.memory.id for message in await agent.export()] == [kept.id]
    assert (await agent.stats()).memory_count == 1
    for call in (agent.get(gone.id), agent.update(gone.id, valence=0.5), agent.delete(gone.id)):
        assert await reason_of(call) == "MEMORY_NOT_FOUND"


async def test_stats_count_by_kind_and_by_source(agent: Agent) -> None:
    empty = await agent.stats()
    assert (empty.memory_count, len(empty.kinds), empty.HasField("oldest_time")) == (0, 0, False)
    for number, kind in enumerate((pb.MEMORY_KIND_POST, pb.MEMORY_KIND_POST, pb.MEMORY_KIND_CORE)):
        await agent.create(f"thing {number}", kind=kind, occur_time=PAST + timedelta(days=number))
    await agent.create("heard", provenance=pb.PROVENANCE_EXTERNAL, occur_time=PAST + timedelta(hours=1))
    stats = await agent.stats()
    assert stats.memory_count == 4
    assert {item.kind: item.count for item in stats.kinds} == {
        pb.MEMORY_KIND_POST: 2,
        pb.MEMORY_KIND_CORE: 1,
        pb.MEMORY_KIND_GENERAL: 1,
    }
    assert {item.provenance: item.count for item in stats.provenances} == {
        pb.PROVENANCE_SELF: 3,
        pb.PROVENANCE_EXTERNAL: 1,
    }
    assert stats.oldest_time.ToDatetime(tzinfo=UTC) == PAST
    assert stats.newest_time.ToDatetime(tzinfo=UTC) == PAST + timedelta(days=2)
    assert stats.index.embedding_model == "wordllama-256"


async def test_ten_agents_at_once_add_and_read_without_mixing(agent: Agent, shared: grpc.aio.Channel) -> None:
    async def live(one: Agent) -> None:
        for number in range(5):
            await one.create(f"{one.id} saw bird number {number}")
        expected = {f"{one.id} saw bird number {number}" for number in range(5)}
        assert set(await one.find("bird")) == set(await one.texts()) == expected

    await asyncio.gather(*(live(Agent(shared, f"{agent.id}_{number}")) for number in range(10)))
