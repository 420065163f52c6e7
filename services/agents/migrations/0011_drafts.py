"""Drafts: proposals that wait until a person decides."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("agent_name", sa.String, nullable=False),
        sa.Column("behaviour", sa.String, nullable=False),
        sa.Column("workflow_id", sa.String, nullable=False, unique=True),
        sa.Column("trigger", sa.String, nullable=False),
        sa.Column("proposal", sa.JSON, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("is_edited", sa.Boolean, nullable=False),
        sa.Column("comment", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expire_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decide_time", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_index("draft_by_agent", "draft", ["agent_id", "id"])
    op.create_index("draft_by_state", "draft", ["state", "expire_time"])
