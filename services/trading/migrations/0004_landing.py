"""Where trades landed, and no signature for two of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("trade", sa.Column("slot", sa.BigInteger, nullable=False, server_default="0"))
    # What failed before and cost a fee had landed.
    op.execute("UPDATE trade SET slot = 1 WHERE state = 'failed' AND fee_lamports > 0")
    signed = sa.text("signature <> ''")
    op.create_index(
        "trade_by_signature", "trade", ["signature"], unique=True, sqlite_where=signed, postgresql_where=signed
    )
