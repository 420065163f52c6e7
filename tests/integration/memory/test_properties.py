"""What holds for any memories: pages, filters, and the round trip of an export."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from puppet.memory.v1 import memory_service_pb2 as pb
from tests.integration.memory.calls import Agent, memory

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = datetime(2026, 1, 1, tzinfo=UTC)
FEW = settings(max_examples=20, deadline=None)
KINDS = [number for number in pb.MemoryKind.values() if number]
PROVENANCES = [number for number in pb.Provenance.values() if number]
# Few different values, so that filters often meet some; odd ones, so that nothing depends on their letters.
NAMES = st.sampled_from(["", "nova", "Nova", 'o\'hara "x"', "%_", "née"])
KEYS = ["a", "a.b", "q\"uo'te", "é $[0]", "1"]
VALUES = st.sampled_from(["", "1", "true", "'; --", '{"a": 1}', "ü"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300).filter(str.strip)
TIMES = st.integers(-3, 3).map(lambda days: START + timedelta(days=days))
SHARES = st.sampled_from([0.0, 0.25, 0.5, 1.0])

FIELDS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "provenance": st.sampled_from(PROVENANCES),
        "subject": NAMES,
        "author": NAMES,
        "source_id": NAMES,
        "conversation_id": NAMES,
        "occur_time": TIMES,
        "importance": SHARES,
        "metadata": st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
    }
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "kinds": st.lists(st.sampled_from(KINDS), max_size=3),
        "provenances": st.lists(st.sampled_from(PROVENANCES), max_size=2),
        "subject": NAMES,
        "author": NAMES,
        "source_id": NAMES,
        "conversation_id": NAMES,
        "start_time": TIMES,
        "end_time": TIMES,
        "metadata": st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2),
        "min_importance": SHARES,
        "max_importance": SHARES,
    },
)


def passes(item: pb.Memory, wanted: dict[str, Any]) -> bool:
    """Tell whether a memory passes a filter, in plain Python."""
    happened = item.occur_time.ToDatetime(tzinfo=UTC)
    return (
        (not wanted.get("kinds") or item.kind in wanted["kinds"])
        and (not wanted.get("provenances") or item.provenance in wanted["provenances"])
        and all(
            not wanted.get(name) or getattr(item, name) == wanted[name]
            for name in ("subject", "author", "source_id", "conversation_id")
        )
        and ("start_time" not in wanted or happened >= wanted["start_time"])
        and ("end_time" not in wanted or happened < wanted["end_time"])
        and all(
            key in item.metadata and item.metadata[key] == value for key, value in wanted.get("metadata", {}).items()
        )
        and item.importance >= wanted.get("min_importance", 0)
        and item.importance <= wanted.get("max_importance", 1)
    )


def someone(channel: grpc.aio.Channel) -> Agent:
    return Agent(channel, f"agt_{uuid4().hex}")


@FEW
@given(st.lists(FIELDS, min_size=1, max_size=25), st.lists(FILTERS, min_size=1, max_size=5))
async def test_any_filters_let_through_what_they_say_by_list_and_by_search(
    shared: grpc.aio.Channel, many: list[dict[str, Any]], filters: list[dict[str, Any]]
) -> None:
    agent = someone(shared)
    made = await agent.batch(memory(f"bird number {number}", **fields) for number, fields in enumerate(many))
    for wanted in [*filters, {}]:
        expected = {item.text for item in made.memories if passes(item, wanted)}
        assert set(await agent.texts(**wanted)) == expected, wanted
        assert set(await agent.find("bird", min_relevance=0.0, max_results=100, **wanted)) == expected, wanted


@FEW
@given(st.lists(st.integers(1, 9), max_size=6), st.integers(1, 12), st.sampled_from([{}, {"subject": "nova"}]))
async def test_pages_of_any_size_show_everything_once_and_newest_first(
    shared: grpc.aio.Channel, batches: list[int], page_size: int, wanted: dict[str, Any]
) -> None:
    agent = someone(shared)
    stored: list[pb.Memory] = []
    for number, size in enumerate(batches):
        # Those of one batch have one time of storing.
        made = await agent.batch(memory(f"bird {number}.{at}", subject="nova" if at % 2 else "") for at in range(size))
        stored += made.memories
    pages = await agent.pages(page_size, **wanted)
    assert [item.text for page in pages for item in page] == [
        item.text for item in reversed(stored) if passes(item, wanted)
    ]
    assert all(len(page) == page_size for page in pages[:-1])
    assert 0 < len(pages[-1]) <= page_size or len(pages) == 1


@FEW
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "text": TEXTS,
                "metadata": st.dictionaries(TEXTS.map(lambda text: text[:64]).filter(str.strip), TEXTS, max_size=3),
                "author": TEXTS.map(lambda text: text[:200]),
                "conversation_id": st.sampled_from(["", "c1"]),
                "valence": st.floats(-1, 1),
                "importance": st.floats(0, 1),
                "occur_time": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
            }
        ),
        max_size=6,
    ),
    st.lists(st.tuples(st.integers(0, 5), TEXTS), max_size=4),
)
async def test_any_memories_survive_an_export_and_an_import(
    shared: grpc.aio.Channel, many: list[dict[str, Any]], updates: list[tuple[int, str]]
) -> None:
    one, other = someone(shared), someone(shared)
    made = (await one.batch(memory(**fields) for fields in many)).memories if many else []
    texts = {item.text for item in made}
    for at, text in updates:
        if at < len(made) and text not in texts:
            await one.update(made[at].id, text=text)
            texts.add(text)
    exported = await one.export()
    if exported:
        await other.restore(exported)
    again = await other.export()
    for message in (*exported, *again):
        message.cursor = ""
        for state in (message.memory, *message.history):
            state.agent_id = ""
    assert again == exported


@FEW
@given(TEXTS, TEXTS)
async def test_any_text_is_found_by_itself_and_any_query_is_answered(
    shared: grpc.aio.Channel, text: str, query: str
) -> None:
    agent = someone(shared)
    await agent.create(text)
    await agent.create("something else")
    found = await agent.find(text, min_relevance=0.0)
    assert text in found
    await agent.find(query)


@FEW
@given(st.data())
async def test_any_turns_that_come_and_go_leave_the_context_of_what_is_there(
    shared: grpc.aio.Channel, data: st.DataObject
) -> None:
    """A turn is found by its own word and by those of the two turns before it, whatever happened before."""
    agent = someone(shared)
    there: dict[str, tuple[int, int, str]] = {}
    hours = st.integers(0, 9)
    for step in range(data.draw(st.integers(1, 10))):
        what = data.draw(st.sampled_from(["create", "create", "move", "delete", "change"]))
        word = f"word{step}"
        if what == "create" or not there:
            hour = data.draw(hours)
            made = await agent.create(word, conversation_id="c1", occur_time=START + timedelta(hours=hour))
            there[made.id] = (hour, step, word)
            continue
        memory_id = data.draw(st.sampled_from(sorted(there)))
        hour, number, before = there.pop(memory_id)
        if what == "move":
            there[memory_id] = (data.draw(hours), number, before)
            await agent.update(memory_id, occur_time=START + timedelta(hours=there[memory_id][0]))
        elif what == "change":
            there[memory_id] = (hour, number, word)
            await agent.update(memory_id, text=word)
        else:
            await agent.delete(memory_id)
    turns = [word for _, _, word in sorted(there.values())]
    for at, word in enumerate(turns):
        found = await agent.hits(word, min_relevance=0.0, max_results=100)
        assert {hit.memory.text for hit in found if hit.parts.lexical > 0} == set(turns[at : at + 3])
