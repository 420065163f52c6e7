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
    """A token in the wallet, in base units."""

    mint: str
    symbol: str
    amount: int
    decimals: int


@dataclass(frozen=True, slots=True)
class PastTrade:
    """A settled trade between SOL and a token: lamports on one side, the token's base units on the other."""

    mint: str
    is_buy: bool
    lamports: int
    amount: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Wallet:
    """What the character has, and what it has traded, newest first."""

    lamports: int
    holdings: tuple[Holding, ...] = ()
    trades: tuple[PastTrade, ...] = ()

    def bought(self, mint: str) -> int:
        """Return how much of a token its known purchases brought; what is there beyond that, somebody has sent."""
        return sum(trade.amount for trade in self.trades if trade.mint == mint and trade.is_buy)

    def cost(self, mint: str, amount: int) -> int | None:
        """Return what this amount of a token cost in lamports, by the latest purchases; None when it isn't known."""
        left, cost = amount, 0
        for trade in self.trades:
            if trade.mint != mint or not trade.is_buy or trade.amount <= 0:
                continue
            part = min(left, trade.amount)
            cost += trade.lamports * part // trade.amount
            left -= part
        return None if left or not amount else cost


@dataclass(frozen=True, slots=True)
class Policy:
    """The limits that the trading service enforces; a decision keeps within them so that it isn't refused."""

    max_trade_lamports: int
    min_balance_lamports: int
    max_slippage_bps: int
    max_daily_trades: int
    max_daily_volume_lamports: int
    allowed_mints: tuple[str, ...] = ()
    blocked_mints: tuple[str, ...] = ()


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
    return f"{Decimal(lamports) / LAMPORTS_PER_SOL:f}".rstrip("0").rstrip(".") if lamports else "0"


def bought(lamports: int, symbol: str) -> str:
    """Say what a purchase was, as the examples of a persona put it."""
    return f"bought {sol(lamports)} SOL of {symbol}"


def sold(portion: str, symbol: str, gain: Decimal) -> str:
    """Say what a sale was, as the examples of a persona put it."""
    return f"sold {portion} {symbol} at a {'gain' if gain > 0 else 'loss'}"
