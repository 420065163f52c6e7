"""Events: what happens to agents, whom it reaches, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("priority", sa.String, nullable=False),
        sa.Column("is_broadcast", sa.Boolean, nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recurrence", sa.JSON),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("next_time", sa.DateTime(timezone=True)),
        sa.Column("occurrences", sa.Integer, nullable=False),
        sa.Column("deliveries", sa.Integer, nullable=False),
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("failure", sa.String, nullable=False),
        sa.Column("is_feed", sa.Boolean, nullable=False),
        sa.Column("etag", sa.String, nullable=False),
        sa.Column("last_modified", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("event_by_next_time", "event", ["next_time"])
    op.create_table(
        "event_target",
        sa.Column("event_id", sa.String, primary_key=True),
        sa.Column("agent_id", sa.String, primary_key=True),
    )
    op.create_index("event_target_by_agent", "event_target", ["agent_id"])
    op.create_table(
        "event_seen_item",
        sa.Column("event_id", sa.String, primary_key=True),
        sa.Column("item_id", sa.String, primary_key=True),
    )
