"""Wallets, policies, trades, and the requests that were carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "wallet",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("agent_id", sa.String, nullable=False, unique=True),
        sa.Column("address", sa.String, nullable=False, unique=True),
        sa.Column("sealed_key", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("wallet_by_time", "wallet", ["create_time", "id"])
    op.create_table(
        "policy",
        sa.Column("wallet_id", sa.String, sa.ForeignKey("wallet.id"), primary_key=True),
        sa.Column("max_trade_lamports", sa.BigInteger, nullable=False),
        sa.Column("min_balance_lamports", sa.BigInteger, nullable=False),
        sa.Column("max_slippage_bps", sa.Integer, nullable=False),
        sa.Column("max_daily_trades", sa.BigInteger, nullable=False),
        sa.Column("max_daily_volume_lamports", sa.BigInteger, nullable=False),
        sa.Column("allowed_mints", sa.JSON, nullable=False),
        sa.Column("blocked_mints", sa.JSON, nullable=False),
        sa.Column("update_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "trade",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("wallet_id", sa.String, sa.ForeignKey("wallet.id"), nullable=False),
        sa.Column("request_id", sa.String, nullable=False, unique=True),
        sa.Column("input_mint", sa.String, nullable=False),
        sa.Column("output_mint", sa.String, nullable=False),
        sa.Column("input_amount", sa.BigInteger, nullable=False),
        sa.Column("output_amount", sa.BigInteger, nullable=False),
        sa.Column("min_output_amount", sa.BigInteger, nullable=False),
        sa.Column("worth_lamports", sa.BigInteger, nullable=False),
        sa.Column("fee_lamports", sa.BigInteger, nullable=False),
        sa.Column("slippage_bps", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("state_reason", sa.String, nullable=False),
        sa.Column("order_id", sa.String, nullable=False),
        sa.Column("transaction", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.String, nullable=False),
        sa.Column("last_valid_block_height", sa.BigInteger, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sign_time", sa.DateTime(timezone=True)),
        sa.Column("finish_time", sa.DateTime(timezone=True)),
    )
    op.create_index("trade_by_wallet_and_time", "trade", ["wallet_id", "create_time", "id"])
    op.create_index("trade_by_state", "trade", ["state", "wallet_id"])
    op.create_table(
        "request",
        sa.Column("method", sa.String, primary_key=True),
        sa.Column("request_id", sa.String, primary_key=True),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("resource_id", sa.String, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
    )
