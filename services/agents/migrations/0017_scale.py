"""Agents are found by what they are called on the network, and what was done to all that is stored is remembered."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "mark",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    op.create_index("agent_by_user", "agent", ["network_user_id"])
    for name in ("id", "name", "handle"):
        op.create_index(f"agent_by_small_{name}", "agent", [sa.text(f"lower({name})")])
    # With all that is asked for, so that no persona is read to count agents and to list their names.
    op.create_index("agent_by_activity", "agent", ["is_active", "id", "handle", "account_id"])
    op.create_index("agent_by_account", "agent", ["account_id", "id", "name", "handle"])
