"""Who a character is on its network: the user's id there. A handle is only what is shown, and anybody may take it over.

Empty for the agents that are there already, until they read their mentions the next time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("agent", sa.Column("network_user_id", sa.String, nullable=False, server_default=""))
