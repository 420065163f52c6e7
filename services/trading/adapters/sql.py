"""The truth in SQL, on SQLite and on Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import and_, case, col, func, not_, or_, select, text, tuple_
from typing_extensions import override

from services.runtime.idempotency import RequestRecord
from services.runtime.pages import Page, Paged
from services.runtime.sql_archive import Part, SqlArchive
from services.trading.domain.market import SOL
from services.trading.domain.portfolio import LandedTrade
from services.trading.domain.trade import OPEN_STATES, Trade, TradeState
from services.trading.domain.wallet import ALL_WALLETS, TRADING_LOCK_KEY, Halt, Policy, Usage, Wallet
from services.trading.ports import Records

_PLACE = (col(Trade.create_time), col(Trade.id))
_LANDED = sa.select(
    *_PLACE,
    col(Trade.input_mint),
    col(Trade.output_mint),
    col(Trade.input_amount),
    col(Trade.output_amount),
    col(Trade.worth_lamports),
    col(Trade.fee_lamports),
    col(Trade.state),
    col(Trade.finish_time),
).where(or_(col(Trade.state) == TradeState.SETTLED, and_(col(Trade.state) == TradeState.FAILED, col(Trade.slot) > 0)))
"""Not the whole trades: each has its transaction in it."""

_SHARE_LOCK = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:lock_key, 0))")


def _wallets_of(agent_id: str) -> Any:
    return sa.select(col(Wallet.id)).where(col(Wallet.agent_id) == agent_id)


def _requests_of(agent_id: str) -> ColumnElement[bool]:
    made, trades = col(RequestRecord.resource_id), sa.select(col(Trade.id))
    return or_(made.in_(_wallets_of(agent_id)), made.in_(trades.where(col(Trade.wallet_id).in_(_wallets_of(agent_id)))))


class SqlRecords(SqlArchive, Records):
    """Wallets, policies and trades within one transaction."""

    parts = (
        Part(Wallet, lambda agent_id: col(Wallet.agent_id) == agent_id),
        Part(Policy, lambda agent_id: col(Policy.wallet_id).in_(_wallets_of(agent_id))),
        Part(Halt, lambda agent_id: col(Halt.wallet_id).in_(_wallets_of(agent_id))),
        Part(Trade, lambda agent_id: col(Trade.wallet_id).in_(_wallets_of(agent_id))),
        Part(RequestRecord, _requests_of, is_shared=True),
    )

    def _needed(self) -> ColumnElement[bool]:
        # Who registers a wallet again is told of the one there is; there are no more of these than of wallets.
        undecided = (Trade.id == RequestRecord.resource_id, col(Trade.state).in_(OPEN_STATES))
        return or_(col(RequestRecord.method) == "RegisterWallet", select(Trade.id).where(*undecided).exists())

    @override
    async def wallet(self, wallet_id: str) -> Wallet | None:
        return await self._one(Wallet, wallet_id)

    @override
    async def matching_wallet(self, agent_id: str, address: str) -> Wallet | None:
        query = select(Wallet).where(or_(col(Wallet.agent_id) == agent_id, col(Wallet.address) == address))
        return (await self._session.exec(query)).first()

    @override
    async def wallets(self, agent_id: str, page: Page) -> Paged[Wallet]:
        query = select(Wallet)
        if agent_id:
            query = query.where(Wallet.agent_id == agent_id)
        return await self._page(query, page, col(Wallet.create_time), col(Wallet.id))

    @override
    async def policy(self, wallet_id: str) -> Policy:
        policy = await self._one(Policy, wallet_id)
        if policy is None:
            raise LookupError(wallet_id)
        return policy

    @override
    async def halts(self, wallet_ids: Sequence[str], *, held: bool = False) -> dict[str, Halt]:
        if held and self._connection.dialect.name == "postgresql":
            # Shared among those who sign; whoever halts all takes this lock, and so waits for them and they for it.
            await self._connection.execute(_SHARE_LOCK, {"lock_key": TRADING_LOCK_KEY})
        found = {halt.wallet_id: halt for halt in await self._each_of(Halt, [ALL_WALLETS, *wallet_ids])}
        if ALL_WALLETS in found:
            return dict.fromkeys(wallet_ids, found[ALL_WALLETS])
        return found

    @override
    async def halt(self, wallet_id: str) -> Halt | None:
        return await self._one(Halt, wallet_id)

    @override
    async def delete(self, row: Halt) -> None:
        await self._session.delete(row)
        await self._session.flush()

    @override
    async def usage(self, wallet_id: str, since: datetime, besides: str = "") -> Usage:
        others = (Trade.wallet_id == wallet_id, Trade.id != besides)
        has_failed = col(Trade.state) == TradeState.FAILED
        counts_for = case((has_failed, col(Trade.fee_lamports)), else_=col(Trade.worth_lamports))
        sums = (func.count(), func.coalesce(func.sum(counts_for), 0), func.min(Trade.create_time))
        counted = select(*sums).where(*others, Trade.create_time > since, or_(not_(has_failed), Trade.slot > 0))
        [(trades, lamports, oldest)] = (await self._session.exec(counted)).all()
        pending = select(func.coalesce(func.sum(col(Trade.input_amount)), 0)).where(
            *others, Trade.input_mint == SOL, col(Trade.state).in_(OPEN_STATES)
        )
        # A sum of BIGINTs is a NUMERIC on Postgres.
        return Usage(trades, int(lamports), int((await self._session.exec(pending)).one()), oldest)

    @override
    async def newest_slot(self, wallet_id: str) -> int:
        query = select(func.coalesce(func.max(col(Trade.slot)), 0)).where(Trade.wallet_id == wallet_id)
        return (await self._session.exec(query)).one()

    @override
    async def signed(self, signature: str) -> Trade | None:
        return (await self._session.exec(select(Trade).where(Trade.signature == signature))).first()

    @override
    async def trade(self, trade_id: str) -> Trade | None:
        return await self._one(Trade, trade_id)

    @override
    async def trades(self, wallet_id: str, states: Sequence[TradeState], page: Page) -> Paged[Trade]:
        query = select(Trade).where(Trade.wallet_id == wallet_id)
        if states:
            query = query.where(col(Trade.state).in_(states))
        return await self._page(query, page, col(Trade.create_time), col(Trade.id), newest_first=True)

    @override
    async def landed(self, wallet_id: str, page: Page, mints: Collection[str] = ()) -> Paged[LandedTrade]:
        query = _LANDED.where(col(Trade.wallet_id) == wallet_id)
        if mints:
            query = query.where(or_(col(Trade.input_mint).in_(mints), col(Trade.output_mint).in_(mints)))
        if page.after:
            query = query.where(tuple_(*_PLACE) > page.after)
        rows = (await self._connection.execute(query.order_by(*_PLACE).limit(page.size + 1))).all()
        listed = Paged.cut(rows, page, lambda row: (row.create_time, row.id))
        return listed.turned([_landed(row) for row in listed.rows])

    @override
    async def oldest_open(self, wallet_id: str) -> Trade | None:
        query = select(Trade).where(Trade.wallet_id == wallet_id, col(Trade.state).in_(OPEN_STATES))
        query = query.order_by(col(Trade.create_time), col(Trade.id)).limit(1)
        return (await self._session.exec(query)).first()

    @override
    async def wallets_with_open_trades(self) -> list[str]:
        query = select(Trade.wallet_id).where(col(Trade.state).in_(OPEN_STATES)).distinct()
        return list((await self._session.exec(query)).all())


def _landed(row: Any) -> LandedTrade:
    return LandedTrade(
        row.id,
        row.input_mint,
        row.output_mint,
        row.input_amount,
        row.output_amount,
        row.worth_lamports,
        row.fee_lamports,
        row.state == TradeState.SETTLED,
        row.finish_time or row.create_time,
    )
