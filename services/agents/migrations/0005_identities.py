"""Since when a handle is known, whom a persona knows by one, and the conversations in which strangers were heard.

Whoever was answered in a conversation and is no agent is a stranger; the counts of a day name no conversation.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("agent", sa.Column("handle_time", sa.DateTime(timezone=True)))
    op.create_table(
        "acquaintance",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("handle", sa.String, primary_key=True),
        sa.Column("network_user_id", sa.String, nullable=False),
    )
    op.create_table("external_conversation", sa.Column("conversation_id", sa.String, primary_key=True))
    op.execute(
        "INSERT INTO external_conversation SELECT DISTINCT conversation_id FROM conversation_count"
        " WHERE conversation_id NOT LIKE 'day/%' AND counterpart NOT IN (SELECT id FROM agent)"
    )
