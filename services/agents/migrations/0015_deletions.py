"""Agents that are being deleted, and agents that were imported."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    for name in ("delete_time", "import_time"):
        op.add_column("agent", sa.Column(name, sa.DateTime(timezone=True)))
    op.add_column("agent", sa.Column("keeps_wallet", sa.Boolean, nullable=False, server_default=sa.false()))
    due = sa.text("delete_time IS NOT NULL")
    op.create_index("agent_by_delete_time", "agent", ["delete_time"], sqlite_where=due, postgresql_where=due)
