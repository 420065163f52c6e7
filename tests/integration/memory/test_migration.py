"""From the first schema to the one of today, with what was remembered before."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from puppet.memory.v1 import relationship_service_pb2 as relationship_pb
from services.memory import bootstrap
from services.memory.adapters.wordllama import WordLlamaEmbedder
from services.memory.settings import MemorySettings
from services.runtime.db import Database
from tests.integration.memory.calls import Agent, running, until

MIGRATIONS = Path(bootstrap.__file__).with_name("migrations")
START = datetime(2026, 1, 1, tzinfo=UTC)
INSERT = """
    INSERT INTO memory VALUES (:id, :agent_id, :text, 'general', 'self', 0.5, 0.25, :author, 'post_1', :subject,
        :conversation_id, '{"a.b": "c"}', :occur_time, :create_time, 'wordllama-256', :embedding)
"""


@pytest.fixture
async def before(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """Return a database with the first schema."""
    first = tmp_path / "first"
    first.mkdir()
    (first / "0001_initial.py").write_text((MIGRATIONS / "0001_initial.py").read_text())
    database = Database(database_url)
    await database.migrate(first)
    yield database
    await database.close()


async def remember(database: Database, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store memories as the first version did."""
    vectors = await WordLlamaEmbedder().embed([row["text"] for row in rows])
    defaults = {"author": "", "subject": "", "conversation_id": "", "agent_id": "agt_a"}
    statement = sa.text(INSERT).bindparams(
        sa.bindparam("occur_time", type_=sa.DateTime(timezone=True)),
        sa.bindparam("create_time", type_=sa.DateTime(timezone=True)),
        sa.bindparam("embedding", type_=sa.LargeBinary),
    )
    async with database.write() as transaction:
        connection = transaction.connection
        times = [START + timedelta(minutes=number) for number in range(len(rows))]
        given = [
            defaults | {"id": f"mem_{at}", "occur_time": time, "create_time": time, "embedding": vector} | dict(row)
            for at, (row, vector, time) in enumerate(zip(rows, vectors, times, strict=True))
        ]
        await connection.execute(statement, given)
        await transaction.commit()


async def test_what_was_remembered_is_found_by_words_and_by_meaning(before: Database, settings: MemorySettings) -> None:
    talked = [{"text": f"bird number {number}", "conversation_id": "c1" if number % 2 else ""} for number in range(800)]
    await remember(
        before,
        [
            {"text": "My physician told me to sleep more", "subject": "@Nova"},
            {"text": "Have you been to Samarkand?", "conversation_id": "c1"},
            {"text": "Twice", "conversation_id": "c1"},
            {"text": "Twice", "conversation_id": "c1", "id": "mem_twin"},
            *(turn | {"agent_id": "agt_b"} for turn in talked),
        ],
    )
    async with before.write() as transaction:
        connection = transaction.connection
        now = sa.bindparam("now", START, sa.DateTime(timezone=True))
        known = (
            "INSERT INTO relationship VALUES ('agt_a', 'nova', 0.5, 0.25, -0.5, 'kind', 3, 'met', :now, :now, :now, 3)"
        )
        await connection.execute(sa.text(known).bindparams(now))
        await transaction.commit()
    await before.close()
    async with running(settings) as channel:
        agent, many = Agent(channel, "agt_a"), Agent(channel, "agt_b")
        first, question, answer = reversed(await agent.all())
        assert (first.id, first.text, first.valence, first.etag) == (
            "mem_0",
            "My physician told me to sleep more",
            0.25,
            "1",
        )
        assert (first.metadata["a.b"], first.source_id) == ("c", "post_1")
        assert first.create_time.ToDatetime(tzinfo=UTC) == first.update_time.ToDatetime(tzinfo=UTC) == START
        assert [question.text, answer.id] == ["Have you been to Samarkand?", "mem_2"], "twins are one"
        for _ in range(2):
            assert (await agent.find("What did the doctor say?"))[0] == first.text
            assert await agent.find("Samarkand") == [question.text, "Twice"]
            assert (await agent.hits("Nova sleep"))[0].parts.entity > 0
            assert (await many.find("bird number 789"))[0] == "bird number 789"
            await until(agent.is_settled)
        assert (await agent.verify()).checked_count == 803
        assert [item.memory.text for item in await many.export()] == [turn["text"] for turn in talked]
        assert (await agent.try_create("Twice", conversation_id="c1")).is_duplicate
        await agent.update("mem_0", text="My physician told me to sleep less")
        assert [item.text for item in await agent.history("mem_0")] == [first.text]
        request = relationship_pb.GetRelationshipRequest(agent_id="agt_a", counterpart="nova")
        relationship = (await agent.relationships.GetRelationship(request)).relationship
        assert (relationship.trust, relationship.interaction_count, relationship.etag) == (-0.5, 3, "3")
        assert not relationship.last_interactions
        happened = relationship_pb.RecordInteractionRequest(agent_id="agt_a", counterpart="nova", summary="met again")
        changed = (await agent.relationships.RecordInteraction(happened)).relationship
        assert (changed.interaction_count, len(changed.last_interactions)) == (4, 1)


async def test_words_and_names_that_an_earlier_version_wrote_are_written_anew(
    before: Database, settings: MemorySettings, tmp_path: Path
) -> None:
    cat = "\u9ed2\u3044\u732b\u3092\u62fe\u3063\u305f"
    piti = "\u0e1b\u0e34\u0e15\u0e34"
    await remember(before, [{"text": cat, "subject": piti}, {"text": "Have you been to Samarkand?"}])
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    for migration in MIGRATIONS.glob("000[123]_*.py"):
        (earlier / migration.name).write_text(migration.read_text())
    await before.migrate(earlier)
    indexed = [
        "INSERT INTO memory_words (seq, agent_id, words) VALUES (1, 'agt_a', to_tsvector('english', 'stale'))",
    ]
    if before.is_sqlite:
        indexed = [
            "CREATE VIRTUAL TABLE memory_words_1 USING fts5 (text, who, day, previous, earlier)",
            "INSERT INTO memory_words_1 (rowid, text) VALUES (1, 'stale')",
        ]
    async with before.write() as transaction:
        keys = "UPDATE memory SET subject_key = '\u0e1b \u0e15' WHERE subject <> ''"
        for statement in ("INSERT INTO lexicon (agent_id) VALUES ('agt_a')", keys, *indexed):
            await transaction.connection.execute(sa.text(statement))
        await transaction.commit()
    await before.close()
    async with running(settings) as channel:
        agent = Agent(channel, "agt_a")
        assert (await agent.hits("\u732b"))[0].parts.lexical > 0.2
        assert (await agent.find("\u732b"))[0] == cat
        assert (await agent.hits(f"{piti} {cat}"))[0].parts.entity > 0
        assert (await agent.find("Samarkand"))[0] == "Have you been to Samarkand?"
        assert all(hit.parts.lexical == 0 for hit in await agent.hits("stale", min_relevance=0.0))
