"""Requests belong to a principal. What was asked before there were any, the agents service asked."""

from alembic import op

from services.runtime.migrations.requests import give_requests_a_principal

revision = "0003"
down_revision = "0002"

_NAMING = {"uq": "%(table_name)s_%(column_0_name)s_key"}
"""How Postgres names a constraint that was given no name; SQLite gives it none."""


def upgrade() -> None:
    give_requests_a_principal("agents")
    # Two principals may use the same id: that each of them trades once for it is what the table of requests sees to.
    with op.batch_alter_table("trade", naming_convention=_NAMING) as trade:
        trade.drop_constraint("trade_request_id_key", type_="unique")
