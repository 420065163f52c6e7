"""What a decision to trade is made from, and what it can be. Amounts are integers in base units."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.agents.domain.mood import OwnEvent

WRAPPED_SOL = "So11111111111111111111111111111111111111112"
LAMPORTS_PER_SOL = 1_000_000_000


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token on the market, with its price in US dollars; a change is a fraction, 0.05 is +5 %.

    Its decimals are None when only its price is known.
    """

    mint: str
    symbol: str
    decimals: int | None
    usd: Decimal
    change_24h: Decimal | None = None
    liquidity_usd: Decimal | None = None
    is_verified: bool = False
    is_trending: bool = True


@dataclass(frozen=True, slots=True)
class MarketView:
    """The market now: what a SOL costs, and the tokens in question, most traded first."""

    sol_usd: Decimal
    tokens: tuple[TokenView, ...]

    def token(self, mint: str) -> TokenView | None:
        """Return a token in question by its mint."""
        return next((token for token in self.tokens if token.mint == mint), None)


@dataclass(frozen=True, slots=True)
class Holding:
    """A token that the wallet has traded, by the trading service's books: what is left of it, and what that cost.

    Amounts are in base units, and only what has a known cost is in them: what strangers send is no position.
    """

    mint: str
    symbol: str
    decimals: int
    amount: int = 0
    cost_lamports: int = 0
    pnl_lamports: int | None = None
    """What the amount is worth beyond its cost; None when that isn't known."""
    sale_time: datetime | None = None
    """When it was last sold; None when it never was."""

    @property
    def worth_lamports(self) -> int:
        """What the amount is worth; 0 when that isn't known."""
        return 0 if self.pnl_lamports is None else self.cost_lamports + self.pnl_lamports

    @property
    def gain(self) -> Decimal | None:
        """What it gained, as a part of its cost; None when worth or cost isn't known."""
        if self.pnl_lamports is None or not self.cost_lamports:
            return None
        return Decimal(self.pnl_lamports) / self.cost_lamports


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What the character has: its SOL in lamports, and every token that it has traded."""

    lamports: int
    holdings: tuple[Holding, ...] = ()

    def holding(self, mint: str) -> Holding | None:
        """Return what it has of a token; None when it never traded it."""
        return next((holding for holding in self.holdings if holding.mint == mint), None)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the trading service says that may be traded now, in lamports and base units.

    Of a token in `limit` so much may be given in one trade, None when it can't be measured; one that isn't there may be
    neither bought nor sold.
    """

    max_input_lamports: int
    """The most SOL that a purchase may give."""
    max_worth_lamports: int
    """The most that a trade may be worth."""
    max_slippage_bps: int
    limit: Mapping[str, int | None]
    halt_reason: str | None = None
    """Why nothing may be traded; None while it isn't halted."""
    remaining_trades: int = 1
    increase_time: datetime | None = None
    """When more may be traded; None when nothing was of late."""

    def allows(self, mint: str) -> bool:
        """Say whether a token may be traded at all."""
        return mint in self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Why something was decided: in words, and the scores, 0 to 1, by the tokens' symbols."""

    reasons: tuple[str, ...]
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Buy(Decision):
    """Give this many lamports for a token."""

    mint: str
    symbol: str
    lamports: int

    @property
    def in_words(self) -> str:
        """What was done, as the examples of a persona put it."""
        return bought(self.lamports, self.symbol)

    @property
    def mood_event(self) -> OwnEvent:
        """What it does to the mood once it has settled."""
        return OwnEvent.TRADED


@dataclass(frozen=True, slots=True, kw_only=True)
class Sell(Decision):
    """Give this many base units of a token for SOL: `all`, `half of` or `part of` what there is.

    `gain` is a fraction of what it cost.
    """

    mint: str
    symbol: str
    amount: int
    portion: str
    gain: Decimal

    @property
    def in_words(self) -> str:
        """What was done, as the examples of a persona put it."""
        return sold(self.portion, self.symbol, self.gain)

    @property
    def mood_event(self) -> OwnEvent:
        """What it does to the mood once it has settled."""
        return OwnEvent.TRADE_GAIN if self.gain > 0 else OwnEvent.TRADE_LOSS


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Decision):
    """Do nothing now."""


def sol(lamports: int) -> str:
    """Return lamports as SOL, in the shortest decimal form."""
    return f"{Decimal(lamports) / LAMPORTS_PER_SOL:.9f}".rstrip("0").rstrip(".")


def bought(lamports: int, symbol: str) -> str:
    """Say what a purchase was, as the examples of a persona put it."""
    return f"bought {sol(lamports)} SOL of {symbol}"


def sold(portion: str, symbol: str, gain: Decimal) -> str:
    """Say what a sale was, as the examples of a persona put it."""
    return f"sold {portion} {symbol} at a {'gain' if gain > 0 else 'loss'}"
