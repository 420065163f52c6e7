"""Memories, relationships, and the requests that were carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "memory",
        sa.Column("id", sa.String, primary_key=True),
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
        sa.Column("occur_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("embedding_model", sa.String, nullable=False),
        sa.Column("embedding", sa.LargeBinary, nullable=False),
    )
    op.create_index("memory_by_agent_and_time", "memory", ["agent_id", "create_time", "id"])
    op.create_table(
        "relationship",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("counterpart", sa.String, primary_key=True),
        sa.Column("sentiment", sa.Float, nullable=False),
        sa.Column("familiarity", sa.Float, nullable=False),
        sa.Column("trust", sa.Float, nullable=False),
        sa.Column("notes", sa.String, nullable=False),
        sa.Column("interaction_count", sa.BigInteger, nullable=False),
        sa.Column("last_interaction", sa.String, nullable=False),
        sa.Column("last_interaction_time", sa.DateTime(timezone=True)),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "request",
        sa.Column("method", sa.String, primary_key=True),
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("resource_id", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
