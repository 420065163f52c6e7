"""Messages to a person by webhook, alerts, events by chance, and when events were over and items last there."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "webhook_message",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("draft_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failure", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_time", sa.DateTime(timezone=True)),
    )
    op.create_index("webhook_message_by_next_time", "webhook_message", ["next_time"])
    op.create_index("webhook_message_by_time", "webhook_message", ["create_time"])
    op.create_table(
        "alert",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("cause", sa.String, primary_key=True),
        sa.Column("names", sa.String, nullable=False),
        sa.Column("begin_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone_time", sa.DateTime(timezone=True)),
    )
    op.add_column("event", sa.Column("reached_id", sa.String, nullable=False, server_default=""))
    op.add_column("event", sa.Column("persona_key", sa.String, nullable=False, server_default=""))
    op.create_index("event_by_persona_key", "event", ["persona_key"])
    op.add_column("event", sa.Column("end_time", sa.DateTime(timezone=True)))
    op.create_index("event_by_end_time", "event", ["end_time"])
    op.add_column("event_seen_item", sa.Column("see_time", sa.DateTime(timezone=True)))
    op.create_index("event_seen_item_by_time", "event_seen_item", ["see_time"])
    # Since when it is so isn't known: it is as new as this.
    now = sa.bindparam("now", datetime.now(UTC), sa.DateTime(timezone=True))
    op.execute(sa.text("UPDATE event SET end_time = :now WHERE state <> 'scheduled'").bindparams(now))
    op.execute(sa.text("UPDATE event_seen_item SET see_time = :now").bindparams(now))
