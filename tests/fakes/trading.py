"""Fakes of the trading service's ports."""

import contextlib
import copy
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from services.runtime.pages import Page, Paged
from services.trading.domain.errors import InvalidPrivateKey
from services.trading.domain.market import SOL, Balance, Order, Pair, Price, Quote, Route, Token
from services.trading.domain.portfolio import LandedTrade
from services.trading.domain.trade import (
    OPEN_STATES,
    Draft,
    Outcome,
    Sight,
    Sighting,
    Signed,
    Terms,
    Tip,
    Trade,
    TradeState,
)
from services.trading.domain.wallet import ALL_WALLETS, Halt, Policy, SealedKey, Usage, Wallet
from tests.fakes.requests import FakeClaims, Requests

FEE, RESERVE = 15_000, 40_000


@dataclass
class Tables:
    """What is committed."""

    requests: Requests = field(default_factory=dict)
    wallets: dict[str, Wallet] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    halts: dict[str, Halt] = field(default_factory=dict)
    trades: dict[str, Trade] = field(default_factory=dict)


class FakeRecords(FakeClaims):
    """One transaction: works on copies, which `commit` puts back."""

    def __init__(self, store: "FakeStore") -> None:
        self._store = store
        self._tables = copy.deepcopy(store.tables)
        super().__init__(self._tables.requests)

    async def wallet(self, wallet_id: str) -> Wallet | None:
        return self._tables.wallets.get(wallet_id)

    async def matching_wallet(self, agent_id: str, address: str) -> Wallet | None:
        return next((w for w in self._tables.wallets.values() if agent_id == w.agent_id or address == w.address), None)

    async def wallets(self, agent_id: str, page: Page) -> Paged[Wallet]:
        rows = [wallet for wallet in self._tables.wallets.values() if agent_id in ("", wallet.agent_id)]
        return Paged.cut(rows, page, lambda row: (row.id,))

    async def policy(self, wallet_id: str) -> Policy:
        return self._tables.policies[wallet_id]

    async def halts(self, wallet_ids: Sequence[str], *, held: bool = False) -> dict[str, Halt]:
        halts = self._tables.halts
        if ALL_WALLETS in halts:
            return dict.fromkeys(wallet_ids, halts[ALL_WALLETS])
        return {wallet_id: halts[wallet_id] for wallet_id in wallet_ids if wallet_id in halts}

    async def halt(self, wallet_id: str) -> Halt | None:
        return self._tables.halts.get(wallet_id)

    async def delete(self, row: Halt) -> None:
        del self._tables.halts[row.wallet_id]

    async def usage(self, wallet_id: str, since: datetime, besides: str = "") -> Usage:
        own = [t for t in self._tables.trades.values() if t.wallet_id == wallet_id and t.id != besides]
        recent = [trade for trade in own if trade.create_time > since]
        held = [trade.worth_lamports for trade in recent if trade.state != TradeState.FAILED]
        lost = [trade.fee_lamports for trade in recent if trade.state == TradeState.FAILED and trade.slot]
        pending = sum(t.input_amount for t in own if t.state in OPEN_STATES and t.input_mint == SOL)
        counted = [trade.create_time for trade in recent if trade.state != TradeState.FAILED or trade.slot]
        return Usage(len(held) + len(lost), sum(held) + sum(lost), pending, min(counted, default=None))

    async def newest_slot(self, wallet_id: str) -> int:
        return max((trade.slot for trade in self._tables.trades.values() if trade.wallet_id == wallet_id), default=0)

    async def signed(self, signature: str) -> Trade | None:
        return next((trade for trade in self._tables.trades.values() if trade.signature == signature), None)

    async def trade(self, trade_id: str) -> Trade | None:
        return self._tables.trades.get(trade_id)

    async def trades(self, wallet_id: str, states: Sequence[TradeState], page: Page) -> Paged[Trade]:
        own = [
            t for t in self._tables.trades.values() if t.wallet_id == wallet_id and (not states or t.state in states)
        ]
        return Paged.cut(own[::-1], page, lambda row: (row.id,))

    async def landed(self, wallet_id: str, page: Page, mints: Collection[str] = ()) -> Paged[LandedTrade]:
        self._store.ledger_reads.append(set(mints))
        rows = [
            LandedTrade(
                trade.id,
                trade.input_mint,
                trade.output_mint,
                trade.input_amount,
                trade.output_amount,
                trade.worth_lamports,
                trade.fee_lamports,
                trade.state == TradeState.SETTLED,
                trade.finish_time or trade.create_time,
            )
            for trade in self._tables.trades.values()
            if trade.wallet_id == wallet_id and (trade.state == TradeState.SETTLED or trade.slot)
            if not mints or {trade.input_mint, trade.output_mint}.intersection(mints)
        ]
        return Paged.cut(rows, page, lambda row: (row.time,))

    async def oldest_open(self, wallet_id: str) -> Trade | None:
        own = (trade for trade in self._tables.trades.values() if trade.wallet_id == wallet_id)
        return next((trade for trade in own if trade.state in OPEN_STATES), None)

    async def wallets_with_open_trades(self) -> list[str]:
        return sorted({trade.wallet_id for trade in self._tables.trades.values() if trade.state in OPEN_STATES})

    async def save(self, row: Wallet | Policy | Halt | Trade) -> None:
        if isinstance(row, Wallet):
            self._tables.wallets[row.id] = row
        elif isinstance(row, Policy):
            self._tables.policies[row.wallet_id] = row
        elif isinstance(row, Halt):
            self._tables.halts[row.wallet_id] = row
        else:
            self._tables.trades[row.id] = row

    async def commit(self) -> None:
        self._store.tables = self._tables


class FakeStore:
    """Keeps rows in dictionaries."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.ledger_reads: list[set[str]] = []
        """Of which mints the ledger was read; of all when there are none."""

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[FakeRecords]:
        yield FakeRecords(self)

    @contextlib.asynccontextmanager
    async def writing(self, *lock_keys: str) -> AsyncIterator[FakeRecords]:
        yield FakeRecords(self)


class FakeVault:
    """Seals nothing: a key is the address with `key of` before it."""

    def __init__(self) -> None:
        self.made = 0
        self.signed = 0

    def generate(self) -> SealedKey:
        self.made += 1
        return SealedKey(f"address{self.made}", f"key of address{self.made}")

    def seal(self, private_key: str) -> SealedKey:
        if not private_key.startswith("key of "):
            raise InvalidPrivateKey
        return SealedKey(private_key.removeprefix("key of "), private_key)

    def encodings(self, wallet: Wallet) -> Sequence[str]:
        return (wallet.sealed_key,)

    def sign(self, wallet: Wallet, transaction: bytes) -> Signed:
        self.signed += 1
        return Signed(transaction, f"signature of {transaction.decode()}")


class FakeWorld:
    """A chain and an aggregator in one: a swap gives twice what goes in, and lands when it is sent.

    What goes wrong is set by attributes: `errors` are raised by the next calls of a method, one each.
    """

    def __init__(self) -> None:
        self.lamports_of: dict[str, int] = {}
        self.tokens_of: dict[str, int] = {}
        self.sent: list[bytes] = []
        self.landed: dict[str, Outcome] = {}
        self.height = 1_000
        self.blocks_to_prepare: list[int] = []
        self.behind = 0
        """How many blocks the node that tells of signatures is behind the one that tells heights."""
        self.terms: list[Terms] = []
        self.exposed = 0
        self.lands = True
        self.executes = True
        self.output_rate = 2
        self.quoted_rate = 2
        self.forgets = False
        """Whether it lost the statuses of signatures, and kept the transactions."""
        self.unreadable: Exception | None = None
        """What asking for an outcome ends in."""
        self.repeats = b""
        """The transaction of every further order, unless it is empty."""
        self.min_output_rate = 2
        self.errors: dict[str, list[Exception]] = {}
        self.asked: list[str] = []
        self.unpriced: set[str] = set()
        self.usd = Decimal(50)
        """What a whole token costs, where a SOL costs 100 dollars."""
        self.held: dict[str, dict[str, int]] = {}
        """The tokens of wallets by address and mint, which swaps don't change."""

    def _answer(self, method: str) -> None:
        self.asked.append(method)
        if left := self.errors.get(method):
            raise left.pop(0)

    async def lamports(self, address: str) -> int:
        self._answer("lamports")
        return self.lamports_of.get(address, 0)

    async def decimals(self, mints: Sequence[str]) -> Mapping[str, int]:
        return dict.fromkeys(mints, 9)

    async def balances(self, address: str) -> list[Balance]:
        tokens = self.held.get(address, {})
        return [
            Balance(SOL, await self.lamports(address), 9),
            *(Balance(mint, tokens[mint], 9) for mint in sorted(tokens)),
        ]

    async def fee_reserve(self) -> int:
        return RESERVE

    async def spendable(self, address: str, mint: str) -> int:
        return self.tokens_of.get(address, 10**12)

    async def prepare(self, offered: Order | Route, terms: Terms) -> Draft:
        self._answer("prepare")
        assert isinstance(offered, Order)
        gains = self._gains(offered.transaction)
        left = self.lamports_of.get(terms.address, 0) + gains[SOL]
        until = offered.last_valid_block_height
        self.terms.append(terms)
        self.height += self.blocks_to_prepare.pop(0) if self.blocks_to_prepare else 0
        return Draft(offered.transaction, offered.order_id, gains, left, FEE, self.height, until, self.exposed)

    async def send(self, transaction: bytes) -> str:
        self._answer("send")
        self._land(transaction)
        return ""

    async def sighting(self, signature: str) -> Sight:
        self._answer("sighting")
        outcome = self.landed.get(signature)
        if outcome is None or self.behind or self.forgets:
            return Sight(Sighting.ABSENT, self.height - self.behind)
        return Sight(Sighting.CONFIRMED, self.height, outcome.slot, outcome.error)

    async def outcome(self, signature: str, address: str) -> Outcome | None:
        self._answer("outcome")
        if self.unreadable is not None:
            raise self.unreadable
        return self.landed.get(signature)

    async def tip(self) -> Tip:
        self._answer("tip")
        return Tip(self.height, self.height)

    async def quote(self, pair: Pair) -> Quote:
        self._answer("quote")
        least = pair.amount * self.min_output_rate * 97 // 100
        return Quote(pair, pair.amount * self.quoted_rate, least, pair.slippage_bps, Decimal(0))

    async def order(self, pair: Pair, address: str) -> Order:
        self._answer("order")
        # Like a blockhash, the number of the call tells equal orders apart.
        transaction = f"{pair.input_mint} {pair.output_mint} {pair.amount} {len(self.asked)}".encode()
        return Order(await self.quote(pair), "order1", self.repeats or transaction, self.height + 150, FEE)

    async def execute(self, order_id: str, transaction: bytes) -> str:
        self._answer("execute")
        if not self.executes:
            return "the quote expired"
        self._land(transaction)
        return ""

    async def prices(self, mints: Sequence[str]) -> Mapping[str, Price]:
        self._answer("prices")
        usd = {SOL: Decimal(100)} | {mint: self.usd for mint in mints if mint not in {SOL, *self.unpriced}}
        return {mint: Price(mint, usd[mint], 9, None) for mint in mints if mint in usd}

    async def trending(self) -> list[Token]:
        return [Token(f"mint{n}", f"T{n}", "", 6, None, None, None, True) for n in range(5)]

    async def symbols(self, mints: Sequence[str]) -> Mapping[str, str]:
        self._answer("symbols")
        return {SOL: "SOL"}

    def _land(self, transaction: bytes) -> None:
        self.sent.append(transaction)
        if self.lands:
            outcome = Outcome(self.height, "", FEE, self._gains(transaction))
            self.landed[f"signature of {transaction.decode()}"] = outcome

    def _gains(self, transaction: bytes) -> dict[str, int]:
        source, target, amount, _number = transaction.decode().split()
        gains = {source: 0, target: 0} | {SOL: -FEE}
        gains[source] -= int(amount)
        gains[target] += int(amount) * self.output_rate
        return gains
