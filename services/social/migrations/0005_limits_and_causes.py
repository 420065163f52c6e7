"""Limits by account and app in a table of their own, and why a post is where it is as a code."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "network_limit",
        sa.Column("holder", sa.String, primary_key=True),
        sa.Column("action", sa.String, primary_key=True),
        sa.Column("window", sa.String, primary_key=True),
        sa.Column("allowed", sa.BigInteger, nullable=False),
        sa.Column("remaining", sa.BigInteger, nullable=False),
        sa.Column("reset_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute(
        'INSERT INTO network_limit (holder, action, "window", allowed, remaining, reset_time)'
        " SELECT id, 'post', '24hour', posts_a_day, posts_a_day, create_time FROM account WHERE posts_a_day > 0"
    )
    op.drop_column("account", "posts_a_day")
    op.add_column("post", sa.Column("state_cause", sa.String))
