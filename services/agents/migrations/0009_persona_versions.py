"""The versions of each persona; what is stored of agents now is their first that is known."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("agent", sa.Column("persona_version", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "persona_version",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("etag", sa.String, nullable=False),
        sa.Column("persona", sa.JSON, nullable=False),
        sa.Column("changed_paths", sa.JSON, nullable=False),
        sa.Column("principal", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute(
        "INSERT INTO persona_version (agent_id, number, etag, persona, changed_paths, principal, create_time) "
        "SELECT id, 1, CAST(version AS VARCHAR), persona, '[]', '', update_time FROM agent"
    )
