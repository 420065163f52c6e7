"""The trading service as the agents service sees it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.agents.domain.persona import Trading
from services.agents.domain.proposals import Order
from services.agents.domain.trading import (
    LAMPORTS_PER_SOL,
    WRAPPED_SOL,
    Allowance,
    Holding,
    MarketView,
    Portfolio,
    TokenView,
)
from services.agents.ports.neighbours import (
    Refused,
    WalletKey,
)
from services.agents.ports.stored import Progress, Trade
from tests.fakes.agents.line import Line

MOSS = TokenView(
    mint="MossMossMossMossMossMossMossMossMossMossMoss",
    symbol="MOSS",
    decimals=6,
    usd=Decimal("0.01"),
    change_24h=Decimal("0.12"),
    liquidity_usd=Decimal(9_000_000),
    is_verified=True,
)


@dataclass
class FakeTrading:
    """A market with one good token, and wallets with some SOL."""

    line: Line = field(default_factory=lambda: Line("trading"))
    wallets: dict[str, WalletKey] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    limits: dict[str, Trading] = field(default_factory=dict)
    """The limits with which each wallet was registered."""
    tightened: list[tuple[str, Trading]] = field(default_factory=list)
    tokens: tuple[TokenView, ...] = (MOSS,)
    swaps: dict[str, Trade] = field(default_factory=dict)
    requests: dict[str, Trading] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)
    """The orders that were given, those that were refused too."""
    generosity: Decimal = Decimal(1)
    """What the aggregator quotes, as a part of what the prices give."""
    quoting: asyncio.Event | None = None
    """When set, a quote waits for this."""
    registering: Refused | None = None
    """Why no wallet can be registered."""
    refusal: Refused | None = None
    lamports: int = 2 * LAMPORTS_PER_SOL
    halt_reason: str | None = None
    """Why trading is halted; None while it isn't."""
    asked: list[str] = field(default_factory=list)
    """The mints whose prices were last asked for."""
    asked_allowances: list[list[str]] = field(default_factory=list)
    """The mints of each question what may be traded."""

    async def register(self, agent_id: str, private_key: str, limits: Trading, request_id: str) -> WalletKey:
        self.line.pass_through()
        if self.registering is not None:
            raise self.registering
        if self.requests.setdefault(request_id, limits) != limits:
            raise Refused("trading", "REQUEST_ID_REUSED", "REQUEST_ID_REUSED: another body")
        if agent_id in self.wallets and self.keys[agent_id] != private_key:
            raise Refused("trading", "WALLET_EXISTS", "WALLET_EXISTS: this agent has a wallet")
        self.keys[agent_id] = private_key
        self.limits.setdefault(f"wal_{agent_id}", limits)
        return self.wallets.setdefault(agent_id, WalletKey(f"wal_{agent_id}", "address"))

    async def wallet_of(self, agent_id: str) -> WalletKey | None:
        self.line.pass_through()
        return self.wallets.get(agent_id)

    async def holdings(self, wallet_id: str) -> Mapping[str, int]:
        self.line.pass_through()
        return {WRAPPED_SOL: self.lamports} if self.lamports else {}

    async def delete_wallet(self, agent_id: str) -> None:
        self.line.pass_through()
        if self.lamports and agent_id in self.wallets:
            raise Refused("trading", "WALLET_NOT_EMPTY", f"WALLET_NOT_EMPTY: it holds {self.lamports}")
        self.wallets.pop(agent_id, None)

    async def tighten(self, wallet_id: str, limits: Trading) -> None:
        self.line.pass_through()
        self.tightened.append((wallet_id, limits))

    async def portfolio(self, wallet_id: str) -> Portfolio:
        self.line.pass_through()
        bought = [trade for trade in self.swaps.values() if trade.input_mint == WRAPPED_SOL]
        amount, cost = sum(trade.output_amount for trade in bought), sum(trade.input_amount for trade in bought)
        # By the prices of the market below nothing is gained.
        held = (Holding(MOSS.mint, MOSS.symbol, 6, amount, cost, 0),) if bought else ()
        return Portfolio(self.lamports, held)

    async def allowance(self, wallet_id: str, mints: Sequence[str]) -> Allowance:
        self.asked_allowances.append(list(mints))
        amounts = dict.fromkeys(mints, 10**15)
        if self.halt_reason is not None:
            return Allowance(0, 0, 300, amounts, self.halt_reason)
        limit = self.limits[wallet_id].max_trade_lamports or LAMPORTS_PER_SOL // 10
        return Allowance(max(0, min(limit, self.lamports - LAMPORTS_PER_SOL // 20)), limit, 300, amounts)

    async def market(self, mints: Sequence[str]) -> MarketView:
        self.asked = list(mints)
        return MarketView(Decimal(150), self.tokens)

    async def quote(self, input_mint: str, output_mint: str, amount: int) -> int:
        self.line.pass_through()
        # By the prices of the market above, a lamport is 15 base units of MOSS.
        fair = amount * 15 if input_mint == WRAPPED_SOL else amount // 15
        if self.quoting is not None:
            await self.quoting.wait()
        return int(fair * self.generosity)

    async def holds_key(self, text: str) -> bool:
        self.line.pass_through()
        return any(key in text for key in self.keys.values() if key)

    async def swap(self, order: Order, request_id: str) -> Trade:
        self.line.pass_through()
        self.orders.append(order)
        if self.refusal is not None:
            raise self.refusal
        number = len(self.swaps)
        trade = Trade(
            id=f"trd_{number}",
            progress=Progress.SETTLED,
            input_mint=order.input_mint,
            output_mint=order.output_mint,
            input_amount=order.amount,
            output_amount=order.amount * 15,
            signature=f"signature{number}",
            reason="",
        )
        return self.swaps.setdefault(request_id, trade)

    async def trade(self, trade_id: str) -> Trade:
        return next(trade for trade in self.swaps.values() if trade.id == trade_id)
