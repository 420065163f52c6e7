"""Replicas, and how long each of them is taken to be there."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "replica",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("lease_end", sa.Float, nullable=False),
        sa.Column("is_ended", sa.Boolean, nullable=False),
    )
