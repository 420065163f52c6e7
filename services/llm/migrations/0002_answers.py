"""Answers, kept for a few hours for whoever repeats a request by its id."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "answer",
        *(sa.Column(name, sa.String, primary_key=True) for name in ("principal", "method", "request_id")),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("answer_by_time", "answer", ["create_time"])
