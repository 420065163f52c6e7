"""Accounts, the outbox, and the requests that were carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("agent_id", sa.String, nullable=False),
        sa.Column("network", sa.String, nullable=False),
        sa.Column("handle", sa.String, nullable=False),
        sa.Column("network_user_id", sa.String, nullable=False),
        sa.Column("sealed_credentials", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("network", "agent_id"),
        sa.UniqueConstraint("network", "network_user_id"),
    )
    op.create_index("account_by_handle", "account", ["network", sa.text("lower(handle)")], unique=True)
    op.create_index("account_by_time", "account", ["create_time", "id"])
    op.create_table(
        "post",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("account_id", sa.String, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("text", sa.String, nullable=False),
        sa.Column("in_reply_to", sa.String, nullable=False),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("state_reason", sa.String, nullable=False),
        sa.Column("network_post_id", sa.String),
        sa.Column("finish_time", sa.DateTime(timezone=True)),
        sa.Column("due_time", sa.DateTime(timezone=True)),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("looks", sa.BigInteger, nullable=False),
        sa.Column("may_be_posted", sa.Boolean, nullable=False),
        sa.Column("is_duplicate", sa.Boolean, nullable=False),
        sa.UniqueConstraint("account_id", "network_post_id"),
    )
    op.create_index("post_by_account_and_time", "post", ["account_id", "create_time", "id"])
    due = sa.text("due_time IS NOT NULL")
    op.create_index("post_by_due_time", "post", ["due_time"], sqlite_where=due, postgresql_where=due)
    sent = sa.text("state = 'sent'")
    # One sender an account, whatever the replicas believe.
    op.create_index("post_being_sent", "post", ["account_id"], unique=True, sqlite_where=sent, postgresql_where=sent)
    op.create_table(
        "request",
        sa.Column("method", sa.String, primary_key=True),
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("resource_id", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
