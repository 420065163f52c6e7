"""Since when something is used up of which the network doesn't say when it is reset, and its words; requests by age."""

import sqlalchemy as sa
from alembic import op

from services.runtime.migrations.requests import index_requests_by_time

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("network_limit", sa.Column("begin_time", sa.DateTime(timezone=True)))
    op.add_column("network_limit", sa.Column("reason", sa.String, nullable=False, server_default=""))
    index_requests_by_time()
