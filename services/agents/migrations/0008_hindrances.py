"""What keeps agents from something, told once; and when what they count was last of use, so that it doesn't pile up."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from services.runtime.migrations.requests import index_requests_by_time

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "hindrance",
        sa.Column("agent_id", sa.String, primary_key=True),
        sa.Column("aim", sa.String, primary_key=True),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("words", sa.String, nullable=False),
        sa.Column("begin_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retry_time", sa.DateTime(timezone=True)),
    )
    # How old the rows that are there are isn't known: they are as new as this.
    for table in ("conversation_count", "external_conversation"):
        op.add_column(table, sa.Column("update_time", sa.DateTime(timezone=True)))
        set_now = sa.text(f"UPDATE {table} SET update_time = :now")  # noqa: S608 - one of two names
        op.execute(set_now.bindparams(sa.bindparam("now", datetime.now(UTC), sa.DateTime(timezone=True))))
        op.create_index(f"{table}_by_time", table, ["update_time"])
    op.create_index("reservation_by_time", "reservation", ["create_time"])
    index_requests_by_time()
