"""Messages to a person by webhook, and alerts that were told of."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0013"


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
