"""What was said several times in the same words may be stored as often."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("memory", sa.Column("repetition", sa.Integer, nullable=False, server_default="0"))
