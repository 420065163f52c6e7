"""A request is forgotten when nobody repeats it any more, and never while its trade is open, nor that of a wallet."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col

import services.trading
from services.runtime.db import Database
from services.runtime.idempotency import RequestRecord
from services.runtime.sql import SqlStore
from services.runtime.tidying import Tidying
from services.trading.adapters.sql import SqlRecords
from services.trading.domain.trade import Trade, TradeState
from services.trading.domain.wallet import Wallet
from tests.fakes.clock import FixedClock


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.migrate(Path(services.trading.__file__).with_name("migrations"))
    yield database
    await database.close()


async def test_the_request_of_a_trade_stays_until_the_trade_has_ended(database: Database, clock: FixedClock) -> None:
    store, now = SqlStore(database, SqlRecords), clock.now()
    async with store.writing() as records:
        await records.save(Wallet(id="wal_a", agent_id="wren", address="a", sealed_key="", create_time=now))
        for state in TradeState:
            await records.save(
                Trade(
                    id=f"trd_{state}",
                    wallet_id="wal_a",
                    request_id=state,
                    input_mint="a",
                    output_mint="b",
                    input_amount=1,
                    min_output_amount=1,
                    worth_lamports=1,
                    slippage_bps=1,
                    state=state,
                    create_time=now,
                )
            )
        await records.commit()
    requests = [(state.value, "ExecuteTrade", f"trd_{state}", 91) for state in TradeState]
    requests += [("wallet", "RegisterWallet", "wal_a", 400), ("new", "ExecuteTrade", "trd_settled", 89)]
    async with database.write() as transaction:
        for name, method, resource_id, days in requests:
            row = {"principal": "agents", "method": method, "request_id": name, "fingerprint": ""}
            row |= {"resource_id": resource_id}
            time = now - timedelta(days=days)
            await transaction.connection.execute(sa.insert(RequestRecord).values(**row, create_time=time))
        await transaction.commit()
    await Tidying(store, clock, timedelta(days=90)).tidy()
    async with database.read() as transaction:
        left = (await transaction.connection.execute(sa.select(col(RequestRecord.request_id)))).scalars().all()
    assert sorted(left) == ["claimed", "new", "signed", "unknown", "wallet"]
