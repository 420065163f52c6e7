"""What words are found by, which has to be alike on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from puppet.memory.v1 import memory_service_pb2 as pb
from services.memory.adapters.sql import few_documents, fts5
from services.memory.adapters.sql.records import SqlMemoryStore
from tests.integration.memory.calls import Agent, memory
from tests.integration.memory.mind import Awake

pytestmark = pytest.mark.asyncio(loop_scope="session")

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["few", "many"], autouse=True)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite an agent's documents are in a shared table while they are few, and then in one of its own."""
    if request.param == "many":
        monkeypatch.setattr(few_documents, "FEW", 0)


async def by_words(agent: Agent, query: str) -> set[str]:
    """Return the texts that have words of a query, or stand after turns that have."""
    found = await agent.hits(query, min_relevance=0.0, max_results=100)
    return {hit.memory.text for hit in found if hit.parts.lexical > 0}


async def scores(agent: Agent, query: str) -> dict[str, float]:
    found = await agent.hits(query, min_relevance=0.0, max_results=100)
    return {hit.memory.text: hit.parts.lexical for hit in found}


async def talk(agent: Agent, *texts: str, start: int = 0) -> dict[str, str]:
    """Store turns an hour apart; the ids by their texts."""
    turns = [
        memory(text, conversation_id="c1", occur_time=START + timedelta(hours=start + number))
        for number, text in enumerate(texts)
    ]
    return {item.text: item.id for item in (await agent.batch(turns)).memories}


async def test_two_turns_after_a_word_are_found_by_it(agent: Agent) -> None:
    await talk(agent, "zebra", "apple", "pear", "plum")
    assert await by_words(agent, "zebra") == {"zebra", "apple", "pear"}


async def test_a_deleted_turn_is_the_context_of_nothing_and_those_after_it_move_up(agent: Agent) -> None:
    made = await talk(agent, "zebra", "apple", "pear", "plum", "fig")
    await agent.delete(made["apple"])
    assert await by_words(agent, "apple") == set()
    assert await by_words(agent, "zebra") == {"zebra", "pear", "plum"}
    await agent.delete(made["zebra"])
    assert await by_words(agent, "zebra") == set()


async def test_a_turn_that_is_told_later_comes_in_where_it_happened(agent: Agent) -> None:
    await talk(agent, "zebra", "apple", "pear", "plum")
    await agent.create("okapi", conversation_id="c1", occur_time=START + timedelta(minutes=30))
    assert await by_words(agent, "zebra") == {"zebra", "okapi", "apple"}
    assert await by_words(agent, "okapi") == {"okapi", "apple", "pear"}


async def test_turns_that_are_stored_backwards_have_the_context_of_their_times(agent: Agent) -> None:
    for start, text in reversed(list(enumerate(("zebra", "apple", "pear", "plum")))):
        await talk(agent, text, start=start)
    assert await by_words(agent, "zebra") == {"zebra", "apple", "pear"}
    assert await by_words(agent, "apple") == {"apple", "pear", "plum"}


async def test_a_changed_turn_is_the_context_that_it_is_now(agent: Agent) -> None:
    made = await talk(agent, "zebra", "apple", "pear", "plum")
    await agent.update(made["zebra"], text="okapi")
    assert await by_words(agent, "zebra") == set()
    assert await by_words(agent, "okapi") == {"okapi", "apple", "pear"}


async def test_a_turn_that_is_moved_leaves_its_old_place(agent: Agent) -> None:
    made = await talk(agent, "zebra", "apple", "pear", "plum", "fig", "kiwi")
    await agent.update(made["zebra"], occur_time=START + timedelta(days=1))
    assert await by_words(agent, "zebra") == {"zebra"}
    await agent.update(made["zebra"], occur_time=START + timedelta(hours=2, minutes=30))
    assert await by_words(agent, "zebra") == {"zebra", "plum", "fig"}


async def test_a_long_conversation_that_changes_at_its_start_keeps_its_context(agent: Agent) -> None:
    made = await talk(agent, "zebra", "apple", *(f"turn {number}" for number in range(60)))
    await agent.delete(made["apple"])
    assert await by_words(agent, "zebra") == {"zebra", "turn 0", "turn 1"}


async def test_turns_of_one_time_stand_in_the_order_of_their_storing(agent: Agent) -> None:
    turns = [memory(text, conversation_id="c1", occur_time=START) for text in ("zebra", "apple", "pear", "plum")]
    await agent.batch(turns)
    assert await by_words(agent, "zebra") == {"zebra", "apple", "pear"}


async def test_a_word_of_many_memories_is_worth_less_than_a_rare_one(agent: Agent) -> None:
    await agent.batch([memory(f"the harbour in fog, number {number}") for number in range(20)])
    await agent.create("a quince in the harbour")
    found = await scores(agent, "harbour quince")
    assert found["a quince in the harbour"] > 2 * max(
        score for text, score in found.items() if text != "a quince in the harbour"
    )


async def test_a_word_that_stands_in_all_of_few_memories_is_still_worth_something(agent: Agent) -> None:
    for number in range(3):
        await agent.create(f"harbour {number}")
        assert all(score > 0.5 for score in (await scores(agent, "harbour")).values())


async def test_other_agents_words_make_no_difference(agent: Agent, stranger: Agent) -> None:
    await agent.batch([memory("a quince"), memory("a harbour")])
    before = await scores(agent, "quince harbour")
    await stranger.batch([memory(f"quince number {number}") for number in range(50)])
    assert await scores(agent, "quince harbour") == pytest.approx(before)


async def test_an_agent_that_comes_to_have_many_memories_finds_the_same(
    agent: Agent, stranger: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["a quince", "a harbour in fog", "fog again", "the quince in the harbour"]
    monkeypatch.setattr(few_documents, "FEW", 2)
    for text in texts:
        await agent.create(text)
    monkeypatch.setattr(few_documents, "FEW", 100)
    await stranger.batch([memory(text) for text in texts])
    for query in ("quince harbour", "fog", "in the"):
        assert await scores(agent, query) == pytest.approx(await scores(stranger, query))
        of_posts = {"kinds": [pb.MEMORY_KIND_POST], "min_relevance": 0.0}
        assert await agent.find(query, **of_posts) == await stranger.find(query, **of_posts)
    [gone, *_] = [item.id for item in await agent.all() if item.text == "fog again"]
    await agent.delete(gone)
    assert await by_words(agent, "fog") == {"a harbour in fog"}


async def test_agents_have_tables_of_their_own_only_for_many_memories(
    awake: Awake, store: SqlMemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tables() -> set[str]:
        async with store.reading() as records:
            connection = await records._session.connection()
            names = await connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE name LIKE 'memory_words%'"))
            return {name for name in names if name.count("_") == 2}

    monkeypatch.setattr(few_documents, "FEW", 2)
    async with awake() as mind:
        for number in range(5):
            await mind.create(f"red kite {number}", "blue boat", agent_id=f"agt_{number}")
        assert await tables() == set()
        await mind.create("green door", agent_id="agt_1")
        assert len(await tables()) == 1
        monkeypatch.setattr(few_documents, "FEW_CHARACTERS", 50)
        await mind.create("a long story " * 5, agent_id="agt_new")
        assert len(await tables()) == 2


async def test_common_words_add_to_the_scores_of_what_a_rare_word_found(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"harbour in fog number {number}" for number in range(40)]
    await agent.batch([memory(text) for text in (*texts, "quince", "quince in the harbour")])
    unlimited = await scores(agent, "quince harbour")
    monkeypatch.setattr(fts5, "_ROW_BUDGET", 10)
    found = await scores(agent, "quince harbour")
    assert found["quince in the harbour"] >= found["quince"] > 0.5
    for text in ("quince in the harbour", "quince"):
        assert found[text] == pytest.approx(unlimited[text], rel=0.1)
    common = await scores(agent, "harbour fog")
    assert sum(score > 0 for score in common.values()) >= 40, "of common words the rarest one is looked for"


async def test_of_words_that_are_all_common_what_has_all_is_found_first(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fts5, "_ROW_BUDGET", 5)
    monkeypatch.setattr(fts5, "_NEWEST", 10)
    things = ("harbour", "fog", "harbour in fog")
    texts = [f"{thing} number {number}" for number in range(60) for thing in things]
    await agent.batch([memory(text) for text in ("a quince, fog, the harbour", *texts)])
    await agent.batch([memory(f"quince {number}") for number in range(60)])
    assert (await agent.find("harbour fog quince", min_relevance=0.0))[0] == "a quince, fog, the harbour"
    for query in ("harbour fog quince", "harbour fog", "harbour"):
        assert len(await by_words(agent, query)) >= 10


async def test_words_that_were_common_are_found_when_few_have_them(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fts5, "_COMMON", 5)
    await agent.batch([memory(f"harbour number {number}", source_id="s1") for number in range(40)])
    await agent.batch([memory(f"fog number {number}") for number in range(20)])
    assert len(await by_words(agent, "harbour")) == 40
    await agent.purge(source_id="s1")
    assert await by_words(agent, "harbour fog") == {f"fog number {number}" for number in range(20)}
    await agent.create("the harbour at last")
    assert "the harbour at last" in await by_words(agent, "harbour fog")


async def test_words_are_found_when_others_have_taken_the_place_of_those_that_were_counted(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fts5, "_COMMON", 5)
    monkeypatch.setattr(fts5, "_ROW_BUDGET", 5)
    made = await agent.batch([memory(f"harbour number {number}") for number in range(40)])
    await agent.batch([memory(f"fog by night {number}") for number in range(50)])
    assert await by_words(agent, "harbour fog")
    await asyncio.gather(*(agent.update(item.id, text=f"quince {item.id}") for item in made.memories))
    assert len(await by_words(agent, "harbour fog")) >= 10


async def test_a_word_of_all_memories_is_found_while_they_become_fewer(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fts5, "_COMMON", 5)
    monkeypatch.setattr(few_documents, "BLANKS", 0)
    for source in ("s1", "s2"):
        await agent.batch([memory(f"harbour {source} {number}", source_id=source) for number in range(100)])
        assert len(await by_words(agent, "harbour")) >= 40
    for _ in range(5):
        for item in (await agent.all())[:4]:
            await agent.delete(item.id)
        assert len(await by_words(agent, "harbour")) >= 40


async def test_words_are_found_behind_a_filter_that_nothing_with_the_rare_ones_passes(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fts5, "_ROW_BUDGET", 5)
    await agent.batch([memory(f"harbour number {number}") for number in range(40)])
    await agent.batch([memory(f"a note {number}") for number in range(4)])
    await agent.create("the old harbour", subject="Nova")
    [found] = await agent.hits("harbour note", subject="Nova", min_relevance=0.0)
    assert found.memory.text == "the old harbour"
    assert found.parts.lexical > 0


async def test_what_has_all_common_words_nearby_does_not_hide_what_has_most_of_them_itself(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fts5, "_ROW_BUDGET", 5)
    monkeypatch.setattr(fts5, "_NEWEST", 50)
    for count, words in ((70, ("harbour", "fog", "quince")), (90, ("harbour again", "fog again"))):
        await agent.batch([memory(f"{word} {number}") for number in range(count) for word in words])
    turns = [text for number in range(14) for text in ("harbour fog quince", f"yes {number}", f"no {number}")]
    for number in range(0, len(turns), 3):
        await talk(agent, *(f"{turn} {number}" for turn in turns[number : number + 3]), start=number)
    await agent.create("quince and fog")
    assert "quince and fog" in await by_words(agent, "harbour fog quince")


async def test_words_are_found_wherever_they_are_cut(agent: Agent) -> None:
    lines = (
        "I bought SOL/USDC",
        "see nova.ai today",
        "the price is 3.14",
        "mail bob@example.com",
        "https://x.com/puppet/status/12345",
        "version v1.2.3 is out",
        "#solana and $BONK",
        "it costs 1,000",
        "the snake_case of things",
        "Ana María Núñez sailed",
    )
    await agent.batch([memory(line) for line in lines])
    for query, line in {
        "usdc": 0, "sol": 0, "nova": 1, "nova.ai": 1, "3.14": 2, "bob": 3, "example": 3, "puppet": 4, "12345": 4,
        "v1": 5, "solana": 6, "bonk": 6, "$BONK": 6, "1,000": 7, "snake": 8, "maria": 9, "nunez": 9, "NÚÑEZ": 9,
    }.items():  # fmt: skip
        assert lines[line] in await by_words(agent, query), query


async def test_words_are_found_in_any_script(agent: Agent) -> None:
    pairs = (
        ("\uff2b\uff29\uff34\uff25 of full width", "kite"),
        ("\U0001d40d\U0001d428\U0001d42f\U0001d41a in bold", "nova"),
        ("die Stra\u00dfe", "STRASSE"),
        (
            "\u0442\u0440\u0430\u043c\u0432\u0430\u0439 \u0435\u0434\u0435\u0442",
            "\u0422\u0420\u0410\u041c\u0412\u0410\u0419",
        ),
        ("\ud55c\uad6d \uc74c\uc2dd", "\uc74c\uc2dd"),
        ("\u30ac\u30e9\u30b9 \u306e", "\u30ac\u30e9\u30b9"),
        ("\u05e9\u05dc\u05d5\u05dd \u05dc\u05da", "\u05e9\u05dc\u05d5\u05dd"),
    )
    await agent.batch([memory(text) for text, _ in pairs])
    for text, query in pairs:
        assert await by_words(agent, query) == {text}, query


async def test_words_are_found_within_what_has_no_blanks(agent: Agent) -> None:
    pairs = (
        (
            "\u540d\u53e4\u5c4b\u306e\u8701\u306e\u5e02\u3067\u53e4\u3044\u30c1\u30a7\u30ed\u3092\u8cb7\u3063\u305f",
            "\u30c1\u30a7\u30ed\u306f\u3069\u3053",
        ),
        ("\u6211\u4eec\u9886\u517b\u4e86\u4e00\u53ea\u9e66\u9e49", "\u738b\u5efa\u56fd\u7684\u9e66\u9e49"),
        (
            "\u0e09\u0e31\u0e19\u0e0b\u0e37\u0e49\u0e2d\u0e17\u0e23\u0e31\u0e21\u0e40\u0e1b\u0e47\u0e15\u0e40\u0e01\u0e48\u0e32",
            "\u0e17\u0e23\u0e31\u0e21\u0e40\u0e1b\u0e47\u0e15\u0e02\u0e2d\u0e07\u0e43\u0e04\u0e23",
        ),
        ("\uae40\uce58\uc804\uc744 \ub9cc\ub4e4\uc5c8\uc5b4", "\uae40\uce58\uc804\uc740?"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940 \u0938\u0940\u0916\u0940", "\u0939\u093f\u0928\u094d\u0926\u0940"),
        ("a black \u732b", "\u732b"),
    )
    await agent.batch([memory(text) for text, _ in pairs])
    for text, query in pairs:
        found = await scores(agent, query)
        assert max(found, key=found.__getitem__) == text, query
        assert found[text] > 0.2, query


async def test_a_long_turn_is_found_by_its_own_words_only_and_lends_none(agent: Agent) -> None:
    long = " ".join(f"thing{number}" for number in range(120))
    await talk(agent, "zebra", f"{long} okapi", "apple")
    assert await by_words(agent, "zebra") == {"zebra", "apple"}
    assert await by_words(agent, "okapi") == {f"{long} okapi"}


async def test_a_turn_that_becomes_long_lends_its_words_no_more(agent: Agent) -> None:
    made = await talk(agent, "zebra", "apple")
    assert await by_words(agent, "zebra") == {"zebra", "apple"}
    await agent.update(made["zebra"], text=f"zebra {'and so on ' * 100}")
    assert len(await by_words(agent, "zebra")) == 1


async def test_meaning_counts_the_more_the_longer_the_texts_are_that_an_agent_has(
    agent: Agent, stranger: Agent
) -> None:
    await agent.batch([memory(f"a quince in the harbour, number {number}") for number in range(20)])
    long = "we talked about this and that for a good while, and went home after all of it was said " * 12
    await stranger.batch([memory(f"{long} a quince in the harbour, number {number}") for number in range(20)])
    short_parts, long_parts = [
        (await one.hits("quince in the harbour", min_relevance=0.0))[0].parts for one in (agent, stranger)
    ]
    assert short_parts.lexical > 0.4 > long_parts.lexical > 0
    await stranger.clear()
    await stranger.create("a quince in the harbour, number 3")
    [alone] = await stranger.hits("quince in the harbour", min_relevance=0.0)
    assert alone.parts.lexical > 0.4, "what is forgotten has no length"


async def test_a_day_is_found_by_its_name(agent: Agent) -> None:
    await agent.create("we met", occur_time=datetime(2023, 5, 8, 12, tzinfo=UTC))
    await agent.create("we parted", occur_time=datetime(2023, 6, 9, 12, tzinfo=UTC))
    found = await scores(agent, "What happened on Monday, May 8, 2023?")
    assert next(iter(found)) == "we met"
    assert found["we met"] > found["we parted"] > 0


@pytest.mark.parametrize(
    "query",
    [
        "\u3042" * 2_000,
        "a" * 2_000,
        "\u0436" * 2_000,
        " ".join(chr(0x4E00 + number) for number in range(1_000)),
        "".join(chr(0x4E00 + number) for number in range(2_000)),
        "'\"\\:*()&|<->!",
        "NEAR AND OR NOT near(a, 2)",
        "text: who* ^day {previous}",
        "\u00bd \u00b2 \u2460 \u0915\u094d\u0937\u093f",
        "the and of",
    ],
)
async def test_any_query_is_only_words(agent: Agent, query: str) -> None:
    await agent.batch([memory("hello there"), memory("text near you, and not or")])
    await agent.find(query)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("running shoes", "I ran in new shoes"),
        ("hurting shoe", "new shoes hurt"),
        ("Nova's boats", "nova has boats"),
        ("what about the blue boat of Nova", "nova painted one of the boats blue"),
        ("boats boats boats", "a boat"),
        ("2023 marathon", "the marathon of 2023 was cancelled"),
        ("cancelled", "the marathon of 2023 was cancelled"),
        ("painting", "nova painted one of the boats blue"),
    ],
)
async def test_the_same_memory_comes_first_on_every_database(agent: Agent, query: str, text: str) -> None:
    lines = (
        "I ran in new shoes", "new shoes hurt", "nova has boats", "nova painted one of the boats blue", "a boat",
        "the marathon of 2023 was cancelled", "the marathon of 2024 was fun", "nothing to do with it",
    )  # fmt: skip
    await agent.batch([memory(line) for line in lines])
    assert (await agent.find(query))[0] == text
