"""The truth in SQL, on SQLite and on Postgres."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from sqlmodel import col, func, or_, select, tuple_
from sqlmodel.ext.asyncio.session import AsyncSession

from services.runtime import idempotency
from services.runtime.db import Database
from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page, Paged
from services.trading.domain.market import SOL
from services.trading.domain.trade import OPEN_STATES, Trade, TradeState
from services.trading.domain.wallet import Policy, Usage, Wallet


class SqlRecords:
    """Wallets, policies and trades within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self.commit = session.commit

    async def claim(self, key: RequestKey, resource_id: str) -> str | None:
        """Claim a request; None when it is new, else the id that its first call claimed it with."""
        return await idempotency.claim(self._session, key, resource_id)

    async def wallet(self, wallet_id: str) -> Wallet | None:
        """Return a wallet."""
        return await self._session.get(Wallet, wallet_id)

    async def wallet_like(self, agent_id: str, address: str) -> Wallet | None:
        """Return a wallet that has this agent or this address."""
        query = select(Wallet).where(or_(col(Wallet.agent_id) == agent_id, col(Wallet.address) == address))
        return (await self._session.exec(query)).first()

    async def wallets(self, agent_id: str, page: Page) -> Paged[Wallet]:
        """Return a page of an agent's wallets, or of all, oldest first; the key is `(create_time in ISO 8601, id)`."""
        query = select(Wallet)
        if agent_id:
            query = query.where(Wallet.agent_id == agent_id)
        if page.after:
            query = query.where(tuple_(col(Wallet.create_time), col(Wallet.id)) > _after(page.after))
        query = query.order_by(col(Wallet.create_time), col(Wallet.id)).limit(page.size + 1)
        return Paged.cut((await self._session.exec(query)).all(), page, _key)

    async def policy(self, wallet_id: str) -> Policy:
        """Return the policy of a wallet that exists."""
        return await self._session.get_one(Policy, wallet_id)

    async def usage(self, wallet_id: str, since: datetime) -> Usage:
        """Return what a wallet's trades since then add up to, those that FAILED left out."""
        counted = select(func.count(), func.coalesce(func.sum(col(Trade.worth_lamports)), 0)).where(
            Trade.wallet_id == wallet_id, Trade.create_time > since, Trade.state != TradeState.FAILED
        )
        [(trades, lamports)] = (await self._session.exec(counted)).all()
        pending = select(func.coalesce(func.sum(col(Trade.input_amount)), 0)).where(
            Trade.wallet_id == wallet_id, Trade.input_mint == SOL, col(Trade.state).in_(OPEN_STATES)
        )
        # A sum of BIGINTs is a NUMERIC on Postgres.
        return Usage(trades, int(lamports), int((await self._session.exec(pending)).one()))

    async def trade(self, trade_id: str) -> Trade | None:
        """Return a trade."""
        return await self._session.get(Trade, trade_id)

    async def trades(self, wallet_id: str, states: Sequence[TradeState], page: Page) -> Paged[Trade]:
        """Return a page of a wallet's trades, newest first; the key is `(create_time in ISO 8601, id)`."""
        query = select(Trade).where(Trade.wallet_id == wallet_id)
        if states:
            query = query.where(col(Trade.state).in_(states))
        if page.after:
            query = query.where(tuple_(col(Trade.create_time), col(Trade.id)) < _after(page.after))
        query = query.order_by(col(Trade.create_time).desc(), col(Trade.id).desc()).limit(page.size + 1)
        return Paged.cut((await self._session.exec(query)).all(), page, _key)

    async def oldest_open(self, wallet_id: str) -> Trade | None:
        """Return a wallet's oldest trade that isn't final."""
        query = select(Trade).where(Trade.wallet_id == wallet_id, col(Trade.state).in_(OPEN_STATES))
        query = query.order_by(col(Trade.create_time), col(Trade.id)).limit(1)
        return (await self._session.exec(query)).first()

    async def wallets_with_open_trades(self) -> list[str]:
        """Return the ids of the wallets that have a trade that isn't final."""
        query = select(Trade.wallet_id).where(col(Trade.state).in_(OPEN_STATES)).distinct()
        return list((await self._session.exec(query)).all())

    async def save(self, row: Wallet | Policy | Trade) -> None:
        """Add a row, or write its changes."""
        self._session.add(row)
        await self._session.flush()


class SqlStore:
    """Opens transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[SqlRecords]:
        """Open a transaction that only reads."""
        async with self._database.read() as session:
            yield SqlRecords(session)

    @contextlib.asynccontextmanager
    async def writing(self, turn: str = "") -> AsyncIterator[SqlRecords]:
        """Open a transaction that may write; those that name the same turn follow one another."""
        async with self._database.write(turn) as session:
            yield SqlRecords(session)


def _key(row: Wallet | Trade) -> tuple[str, str]:
    return row.create_time.isoformat(), row.id


def _after(key: tuple[str, str]) -> tuple[datetime, str]:
    time, row_id = key
    return datetime.fromisoformat(time), row_id
