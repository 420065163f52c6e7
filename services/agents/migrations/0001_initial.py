"""Agents, their schedule and activities, how far they have read and answered, and the requests carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("description", sa.String, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("persona", sa.JSON, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("handle", sa.String, nullable=False),
        sa.Column("wallet_id", sa.String, nullable=False),
        sa.Column("valence", sa.Float, nullable=False),
        sa.Column("arousal", sa.Float, nullable=False),
        sa.Column("dominance", sa.Float, nullable=False),
        sa.Column("mood_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True)),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("agent_by_handle", "agent", ["handle"])
    op.create_table(
        "schedule",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("schedule_by_due_time", "schedule", ["due_time"])
    op.create_table(
        "activity",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("workflow_id", sa.String, nullable=False),
        sa.Column("step", sa.String, nullable=False),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("agent_name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("summary", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("workflow_id", "step"),
        # A cursor must never name two activities, not even when the newest row is gone.
        sqlite_autoincrement=True,
    )
    op.create_index("activity_by_agent", "activity", ["agent_id", "seq"])
    op.create_table(
        "mention_cursor",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("after", sa.String, nullable=False),
    )
    op.create_table(
        "conversation_count",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("conversation_id", sa.String, primary_key=True),
        sa.Column("counterpart", sa.String, primary_key=True),
        sa.Column("replies", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "request",
        sa.Column("method", sa.String, primary_key=True),
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("resource_id", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
