"""Budgets, what was spent of them by day, and every attempt that was paid for."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("nanos_per_day", sa.BigInteger),
        sa.Column("tokens_per_day", sa.BigInteger),
        sa.Column("version", sa.Integer, nullable=False),
    )
    amounts = ("spent_nanos", "spent_tokens", "reserved_nanos", "reserved_tokens")
    op.create_table(
        "spending",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in amounts),
    )
    counts = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
    op.create_table(
        "attempt",
        sa.Column("id", sa.String, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("agent_id", "purpose", "workflow")),
        *(sa.Column(name, sa.String, nullable=False) for name in ("provider", "model")),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reserved_nanos", sa.BigInteger, nullable=False),
        sa.Column("reserved_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost_nanos", sa.BigInteger),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("is_estimate", sa.Boolean, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("attempt_by_day", "attempt", ["day", "agent_id"])
    op.create_index(
        "attempt_by_lease",
        "attempt",
        ["lease_time"],
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.create_table(
        "request",
        *(sa.Column(name, sa.String, primary_key=True) for name in ("principal", "method", "request_id")),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("resource_id", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("request_by_time", "request", ["create_time"])
