"""Trades of earlier versions are read as they were, with their causes as codes."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import select

from services.runtime.db import Database
from services.trading import bootstrap
from services.trading.domain.trade import Cause, Trade, TradeState

MIGRATIONS = Path(bootstrap.__file__).with_name("migrations")
TIME = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = {
    "trd_1": ("failed", "POLICY_VIOLATION", TradeState.FAILED, Cause.POLICY_VIOLATION),
    "trd_2": ("failed", "CHAIN_ACCESS_REFUSED", TradeState.FAILED, Cause.CHAIN_ACCESS_REFUSED),
    "trd_3": ("unknown", "", TradeState.OUTCOME_UNKNOWN, Cause.NONE),
    "trd_4": ("settled", "", TradeState.SETTLED, Cause.NONE),
}
"""What was stored as state and failure, and what that is now."""


async def test_why_a_trade_failed_is_kept_as_its_cause(database_url: str, tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    for path in MIGRATIONS.glob("000[1-5]_*.py"):
        (before / path.name).write_text(path.read_text())
    database = Database(database_url)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        await database.migrate(before)
        async with database.write() as transaction:
            await transaction.connection.run_sync(_store)
            await transaction.commit()
        await database.migrate(MIGRATIONS)
        async with database.read() as transaction:
            rows = (await transaction.connection.execute(select(Trade))).all()
    found = {row.id: (row.state, row.state_cause) for row in rows}
    assert found == {trade_id: (state, cause) for trade_id, (_, _, state, cause) in KEPT.items()}


def _store(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    tables.reflect(connection)
    wallet, trade = tables.tables["wallet"], tables.tables["trade"]
    for trade_id, (state, failure, *_) in KEPT.items():
        names = {"id": f"wal_{trade_id}", "agent_id": trade_id, "address": trade_id}
        connection.execute(wallet.insert().values(_row(wallet) | names))
        asked = {"id": trade_id, "wallet_id": names["id"], "request_id": trade_id, "signature": trade_id}
        connection.execute(trade.insert().values(_row(trade) | asked | {"state": state, "failure": failure}))


def _row(table: sa.Table) -> dict[str, object]:
    """Return a row in which everything is empty."""
    empty: dict[type, object] = {str: "", int: 0, bytes: b"", datetime: TIME, bool: False, dict: {}, list: []}
    return {
        column.name: None if column.nullable else empty[column.type.python_type]
        for column in table.columns
        if column.server_default is None
    }
