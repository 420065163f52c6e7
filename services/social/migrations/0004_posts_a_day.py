"""How many posts a day the network says an account may make; 0 until it has said so."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("account", sa.Column("posts_a_day", sa.BigInteger, nullable=False, server_default="0"))
