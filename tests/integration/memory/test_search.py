"""Searching through the wire: by words, by meaning, by whom it is about, and within filters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.settings import MemorySettings
from tests.integration.memory.calls import Agent, memory, running, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = datetime(2026, 1, 1, tzinfo=UTC)
DIARY = (
    "The ferry to Naxos left two hours late",
    "I bought a second-hand trombone from a retired sailor",
    "My physician told me to sleep more",
    "Ticket reference ZX-4471 for the night train",
    "The garden is full of tomatoes this year",
    "We lost the chess tournament in the last round",
    "Bitcoin fell by ten percent overnight",
    "A thunderstorm flooded the cellar",
)


def parts_of(hit: pb.MemoryHit) -> float:
    parts = hit.parts
    return parts.lexical + parts.vector + parts.entity + parts.recency + parts.importance


async def named(agent: Agent, query: str, **fields: Any) -> dict[str, pb.ScoreParts]:
    """Search for everything; the parts of the scores by text."""
    found = await agent.hits(query, min_relevance=0.0, max_results=100, **fields)
    return {hit.memory.text: hit.parts for hit in found}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("4471", DIARY[3]),
        ("Where is my trombone?", DIARY[1]),
        ("what did the doctor say", DIARY[2]),
        ("cryptocurrency crash", DIARY[6]),
        ("vegetables", DIARY[4]),
        ("musical instrument", DIARY[1]),
        ("bad weather", DIARY[7]),
        ("TOMATO", DIARY[4]),
    ],
)
async def test_what_fits_best_is_found_by_its_words_or_by_others_for_the_same(
    agent: Agent, query: str, text: str
) -> None:
    await agent.batch([memory(line) for line in DIARY])
    assert (await agent.find(query))[0] == text


async def test_a_query_that_fits_nothing_finds_nothing(agent: Agent) -> None:
    await agent.batch([memory(line) for line in DIARY])
    assert await agent.find("xylophone qwertz") == []
    assert await agent.find("?!") == []


async def test_an_agent_without_memories_finds_nothing(agent: Agent) -> None:
    assert await agent.hits("anything", min_relevance=0.0) == []


async def test_the_parts_sum_to_the_score_by_which_hits_are_ordered(agent: Agent) -> None:
    await agent.batch([memory(line, subject="nova" if "the" in line else "") for line in DIARY])
    found = await agent.hits("nova the night train to the island", recency_weight=0.5, importance_weight=0.25)
    assert len(found) > 1
    for hit in found:
        parts = hit.parts
        assert hit.score == pytest.approx(parts_of(hit))
        assert hit.relevance == pytest.approx(min(1.0, parts.lexical + parts.vector + parts.entity))
        assert parts.importance == pytest.approx(0.25 * 0.5)
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


async def test_hits_have_at_least_the_relevance_that_is_asked_for(agent: Agent) -> None:
    await agent.batch([memory(line) for line in DIARY])
    everything = await agent.hits("the garden of the sailor", min_relevance=0.0, recency_weight=1.0)
    assert len(everything) == len(DIARY)
    for least in (0.1, 0.3, 0.5):
        fitting = await agent.hits("the garden of the sailor", min_relevance=least, recency_weight=1.0)
        assert [hit.memory.text for hit in fitting] == [
            hit.memory.text for hit in everything if hit.relevance >= least
        ], "recency is no relevance"


async def test_no_more_hits_than_asked_for(agent: Agent) -> None:
    await agent.batch([memory(f"bird number {number}") for number in range(30)])
    assert len(await agent.find("bird")) == 10
    assert len(await agent.find("bird", max_results=3)) == 3
    assert len(await agent.find("bird", max_results=100)) == 30


async def test_the_words_of_the_turn_before_find_a_turn_and_count_less(agent: Agent) -> None:
    await agent.create("Have you ever been to Samarkand?", conversation_id="c1")
    await agent.create("Yes, twice", conversation_id="c1")
    await agent.create("Then tell me", conversation_id="c1")
    await agent.create("Never mind", conversation_id="c1")
    await agent.create("Yes, twice", conversation_id="c2")
    scores = {
        hit.memory.text: hit.parts.lexical
        for hit in await agent.hits("Samarkand", min_relevance=0.0)
        if hit.memory.conversation_id == "c1"
    }
    first, second, third, fourth = scores.values()
    assert list(scores) == ["Have you ever been to Samarkand?", "Yes, twice", "Then tell me", "Never mind"]
    assert first > second > third > fourth == 0
    [elsewhere] = await agent.hits("Samarkand", min_relevance=0.0, conversation_id="c2")
    assert elsewhere.parts.lexical == 0


async def test_what_is_about_or_by_the_one_who_is_named_counts_more(agent: Agent) -> None:
    await agent.create("likes long walks", subject="@Nova")
    await agent.create("I like long walks", author="nova", provenance=pb.PROVENANCE_EXTERNAL)
    await agent.create("liked a long walk", subject="Bo")
    parts = await named(agent, "What does Nova think of long walks?")
    assert parts["likes long walks"].entity > 0
    assert parts["I like long walks"].entity > 0
    assert parts["liked a long walk"].entity == 0
    for both in (await named(agent, "Do Nova and Bo like long walks?")).values():
        assert both.entity == 0, "two are named: nobody is meant"
    for unknown in (await named(agent, "Does Zoe like long walks?")).values():
        assert unknown.entity == 0


@pytest.mark.parametrize(
    ("name", "others", "asked", "text"),
    [
        ("ミケ", "ピア", "ミケは何が怖い", "雷が怖い"),
        ("小明", "小红", "你知道小明害怕什么吗", "害怕打雷"),
        ("ปิติ", "สมชาย", "ปิติกลัวอะไร", "กลัวฟ้าร้อง"),
    ],
)
async def test_who_is_named_where_no_blanks_part_words_counts_more(
    agent: Agent, name: str, others: str, asked: str, text: str
) -> None:
    await agent.batch([memory(f"{text} {number}", subject=f"somebody {number}") for number in range(300)])
    await agent.create(text, subject=name)
    await agent.create(text, subject=others)
    hits = await agent.hits(asked)
    assert (hits[0].memory.subject, hits[0].parts.entity > 0) == (name, True)
    assert {hit.memory.subject for hit in hits if hit.parts.entity} == {name}
    both = await agent.hits(f"{asked} {others}")
    assert not any(hit.parts.entity for hit in both), "two are named: nobody is meant"


async def test_recency_and_importance_count_as_much_as_is_asked_for(agent: Agent) -> None:
    now = datetime.now(UTC)
    await agent.create("a bird of old", importance=0.9, occur_time=now - timedelta(days=365))
    await agent.create("a bird of today", importance=0.1, occur_time=now)
    await agent.create("a bird of last week", importance=0.5, occur_time=now - timedelta(days=7))
    by_time = await named(agent, "bird", recency_weight=1.0)
    assert list(by_time) == ["a bird of today", "a bird of last week", "a bird of old"]
    assert by_time["a bird of last week"].recency == pytest.approx(0.5, abs=0.01)
    by_importance = await named(agent, "bird", importance_weight=1.0)
    assert list(by_importance) == ["a bird of old", "a bird of last week", "a bird of today"]
    assert by_importance["a bird of old"].importance == pytest.approx(0.9)


FILTERS: tuple[tuple[dict[str, Any], set[int]], ...] = (
    ({"kinds": [pb.MEMORY_KIND_POST]}, {1, 4, 7}),
    ({"kinds": [pb.MEMORY_KIND_POST, pb.MEMORY_KIND_CORE]}, {0, 1, 3, 4, 6, 7}),
    ({"provenances": [pb.PROVENANCE_SELF, pb.PROVENANCE_OPERATOR]}, {0, 1, 4, 5, 8}),
    ({"subject": "s1"}, {1, 3, 5, 7}),
    ({"author": "nova"}, {2, 5, 8}),
    ({"source_id": "p4"}, {4}),
    ({"conversation_id": "c0"}, {0, 1, 2, 3}),
    ({"start_time": START + timedelta(days=3), "end_time": START + timedelta(days=6)}, {3, 4, 5}),
    ({"metadata": {"parity": "odd"}}, {1, 3, 5, 7}),
    ({"metadata": {"parity": "odd", 'a "quoted".key\'s $[1]': "'5\"."}}, {5}),
    ({"metadata": {"parity": "both"}}, set()),
    ({"min_importance": 0.25}, {2, 3, 4, 5, 6, 7, 8}),
    ({"min_importance": 0.25, "max_importance": 0.5}, {2, 3, 4}),
    ({"max_importance": 0.0}, {0}),
    ({"kinds": [pb.MEMORY_KIND_POST], "subject": "s1", "metadata": {"parity": "odd"}, "min_importance": 0.5}, {7}),
    ({"author": "NOVA"}, set()),
)


@pytest_asyncio.fixture(loop_scope="session")
async def flock(agent: Agent) -> Agent:
    kinds = (pb.MEMORY_KIND_CORE, pb.MEMORY_KIND_POST, pb.MEMORY_KIND_TRADE)
    sources = (pb.PROVENANCE_SELF, pb.PROVENANCE_OPERATOR, pb.PROVENANCE_AGENT, pb.PROVENANCE_EXTERNAL)
    await agent.batch(
        memory(
            f"bird {number}",
            kind=kinds[number % 3],
            provenance=sources[number % 4],
            subject=f"s{number % 2}",
            author="nova" if number % 3 == 2 else "",
            source_id=f"p{number}",
            conversation_id="c0" if number < 4 else "",
            occur_time=START + timedelta(days=number),
            metadata={"parity": "odd" if number % 2 else "even", 'a "quoted".key\'s $[1]': f"'{number}\"."},
            importance=number / 8,
        )
        for number in range(9)
    )
    return agent


async def test_filters_let_through_what_passes_all_of_them(flock: Agent) -> None:
    for filters, numbers in FILTERS:
        expected = {f"bird {number}" for number in numbers}
        assert set(await flock.texts(**filters)) == expected, filters
        assert set(await flock.find("bird", **filters)) == expected, filters
        assert set(await flock.find("animals with wings", min_relevance=0.0, **filters)) == expected, filters


async def test_what_a_search_returned_is_counted(agent: Agent) -> None:
    await agent.create("a red kite")
    await agent.create("two submarines")
    for _ in range(3):
        assert await agent.find("red kite") == ["a red kite"]

    async def is_counted() -> bool:
        return {item.text: item.access_count for item in await agent.all()} == {"a red kite": 3, "two submarines": 0}

    await until(is_counted)


async def test_what_a_search_returned_at_last_is_counted_when_the_service_ends(settings: MemorySettings) -> None:
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")
        kite = await agent.create("a red kite")
        await until(agent.is_settled)  # the first time that is counted is over
        assert await agent.find("red kite") == ["a red kite"]
    async with running(settings) as channel:
        assert (await Agent(channel, "agt_a").get(kite.id)).access_count == 1
