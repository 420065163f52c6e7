"""Halts, limits by price, and the code of a trade's failure."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "halt",
        sa.Column("wallet_id", sa.String, primary_key=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    for name, default in (("max_price_deviation_bps", "500"), ("max_price_impact_bps", "300")):
        op.add_column("policy", sa.Column(name, sa.Integer, nullable=False, server_default=default))
    op.add_column("policy", sa.Column("allow_unpriced", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("trade", sa.Column("failure", sa.String, nullable=False, server_default=""))
