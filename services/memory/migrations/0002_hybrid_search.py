"""Memories with a number, a history and words to be found by; vectors, the builds of their index, interactions."""

import hashlib

import sqlalchemy as sa
from alembic import op

from services.memory.domain.names import name_key

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)
_COPIED = (
    "id", "agent_id", "text", "kind", "provenance", "importance", "valence", "author", "source_id", "subject",
    "conversation_id", "attributes", "occur_time", "create_time",
)  # fmt: skip


def upgrade() -> None:
    op.drop_index("memory_by_agent_and_time", "memory")
    op.rename_table("memory", "memory_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE memory_before RENAME CONSTRAINT memory_pkey TO memory_before_pkey")
    memory = op.create_table(
        "memory",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("provenance", sa.String, nullable=False),
        sa.Column("importance", sa.Float, nullable=False),
        sa.Column("valence", sa.Float, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("source_id", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("conversation_id", sa.String, nullable=False),
        sa.Column("attributes", sa.JSON, nullable=False),
        sa.Column("occur_time", _TIME, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.Column("expire_time", _TIME),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("access_count", sa.BigInteger, nullable=False),
        sa.Column("subject_key", sa.String, nullable=False),
        sa.Column("author_key", sa.String, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("memory_by_id", "memory", ["agent_id", "id"], unique=True)
    op.create_index("memory_by_fingerprint", "memory", ["agent_id", "fingerprint"], unique=True)
    op.create_index("memory_by_time", "memory", ["agent_id", "create_time", "seq"])
    _partial_index("memory_by_turn", ["agent_id", "conversation_id", "occur_time", "seq"], "conversation_id <> ''")
    _partial_index("memory_by_subject", ["agent_id", "subject_key"], "subject_key <> ''")
    _partial_index("memory_by_author", ["agent_id", "author_key"], "author_key <> ''")
    _partial_index("memory_by_source", ["agent_id", "source_id"], "source_id <> ''")
    _partial_index("memory_by_expiry", ["expire_time"], "expire_time IS NOT NULL")
    op.create_table(
        "revision",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.JSON, nullable=False),
    )
    embedding = op.create_table(
        "embedding",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("model", sa.String, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    # What words are found by: on SQLite each agent has a full-text table of its own, named by its number.
    op.create_table(
        "lexicon",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("agent_id", sa.String, nullable=False, unique=True),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TABLE memory_words (seq BIGINT PRIMARY KEY, agent_id VARCHAR NOT NULL, words TSVECTOR NOT NULL)"
        )
        op.execute("CREATE INDEX memory_words_by_agent ON memory_words (agent_id)")
        op.execute("CREATE INDEX memory_words_by_word ON memory_words USING GIN (words)")
    op.create_table(
        "change",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("agent_id", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "build",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("serves", sa.Boolean, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "interaction",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("counterpart", sa.String, nullable=False),
        sa.Column("summary", sa.String, nullable=False),
        sa.Column("sentiment_delta", sa.Float, nullable=False),
        sa.Column("familiarity_delta", sa.Float, nullable=False),
        sa.Column("trust_delta", sa.Float, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("interaction_by_pair", "interaction", ["agent_id", "counterpart", "number"])
    op.add_column("relationship", sa.Column("shared_experiences", sa.JSON, nullable=False, server_default="[]"))
    _copy(memory, embedding)
    op.drop_table("memory_before")


def _partial_index(name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "memory", columns, sqlite_where=where, postgresql_where=where)


def _copy(memory: sa.Table, embedding: sa.Table) -> None:
    """Copy the memories in the order of their storing; exact duplicates, which were allowed, become one."""
    connection = op.get_bind()
    columns = [memory.c[name] for name in _COPIED]
    before = sa.table(
        "memory_before", *(sa.column(column.name, column.type) for column in columns),
        sa.column("embedding_model", sa.String), sa.column("embedding", sa.LargeBinary),
    )  # fmt: skip
    known: set[tuple[str, bytes]] = set()
    for row in connection.execute(sa.select(before).order_by(before.c.create_time, before.c.id)).mappings().all():
        said = (row["kind"], row["provenance"], row["author"], row["subject"], row["conversation_id"], row["text"])
        fingerprint = hashlib.blake2b("\0".join(said).encode(), digest_size=16).digest()
        if (row["agent_id"], fingerprint) in known:
            continue
        known.add((row["agent_id"], fingerprint))
        values = {name: row[name] for name in _COPIED} | {
            "update_time": row["create_time"],
            "version": 1,
            "access_count": 0,
            "subject_key": name_key(row["subject"]),
            "author_key": name_key(row["author"]),
            "fingerprint": fingerprint,
        }
        seq = connection.scalar(memory.insert().values(values).returning(memory.c.seq))
        vector = {"seq": seq, "model": row["embedding_model"], "vector": row["embedding"]}
        connection.execute(embedding.insert().values(vector))
