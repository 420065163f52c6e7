"""The truth in SQL, on SQLite and on Postgres."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, func, or_, select

from services.runtime.pages import Page, Paged
from services.runtime.sql import SqlTransaction
from services.trading.domain.market import SOL
from services.trading.domain.trade import OPEN_STATES, Trade, TradeState
from services.trading.domain.wallet import Policy, Usage, Wallet


class SqlRecords(SqlTransaction):
    """Wallets, policies and trades within one transaction."""

    async def wallet(self, wallet_id: str) -> Wallet | None:
        """Return a wallet."""
        return await self._session.get(Wallet, wallet_id)

    async def wallet_like(self, agent_id: str, address: str) -> Wallet | None:
        """Return a wallet that has this agent or this address."""
        query = select(Wallet).where(or_(col(Wallet.agent_id) == agent_id, col(Wallet.address) == address))
        return (await self._session.exec(query)).first()

    async def wallets(self, agent_id: str, page: Page) -> Paged[Wallet]:
        """Return a page of an agent's wallets, or of all, oldest first; the key is `(create_time, id)`."""
        query = select(Wallet)
        if agent_id:
            query = query.where(Wallet.agent_id == agent_id)
        return await self._page(query, page, col(Wallet.create_time), col(Wallet.id))

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
        """Return a page of a wallet's trades, newest first; the key is `(create_time, id)`."""
        query = select(Trade).where(Trade.wallet_id == wallet_id)
        if states:
            query = query.where(col(Trade.state).in_(states))
        return await self._page(query, page, col(Trade.create_time), col(Trade.id), newest_first=True)

    async def oldest_open(self, wallet_id: str) -> Trade | None:
        """Return a wallet's oldest trade that isn't final."""
        query = select(Trade).where(Trade.wallet_id == wallet_id, col(Trade.state).in_(OPEN_STATES))
        query = query.order_by(col(Trade.create_time), col(Trade.id)).limit(1)
        return (await self._session.exec(query)).first()

    async def wallets_with_open_trades(self) -> list[str]:
        """Return the ids of the wallets that have a trade that isn't final."""
        query = select(Trade.wallet_id).where(col(Trade.state).in_(OPEN_STATES)).distinct()
        return list((await self._session.exec(query)).all())
