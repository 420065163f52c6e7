"""Wallets, the policies that say what each may do, and the halts that stop them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import JSON, BigInteger, DateTime, Field, SQLModel

from services.runtime import errors
from services.trading.domain.errors import InsufficientBalance, PolicyViolation
from services.trading.domain.market import LAMPORTS_PER_SOL, SOL, Pair, Valuation

POLICY_WINDOW = timedelta(hours=24)
"""The time over which a policy counts trades and volume, back from now."""

ALL_WALLETS = ""
"""What stands in a halt in place of a wallet when it is over all of them."""

TRADING_LOCK_KEY = "trading"
"""The lock under which a halt over all wallets begins and ends; whoever signs shares it."""


def lock_key_of(wallet_id: str) -> str:
    """Return the key of the lock under which everything about a wallet's trades, policy and halt is written."""
    return TRADING_LOCK_KEY if wallet_id == ALL_WALLETS else f"wallet/{wallet_id}"


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A private key that only the keystore can open, and its address."""

    address: str
    sealed: str


class Wallet(SQLModel, table=True):
    """An agent's wallet; the key is sealed, and its name keeps it out of every message."""

    id: str = Field(primary_key=True)
    agent_id: str
    address: str
    sealed_key: str = Field(repr=False)
    create_time: datetime = Field(sa_type=DateTime(timezone=True))


class Halt(SQLModel, table=True):
    """While it is there nothing is signed: for one wallet, or for all."""

    wallet_id: str = Field(primary_key=True)
    reason: str
    create_time: datetime = Field(sa_type=DateTime(timezone=True))

    @property
    def is_for_all(self) -> bool:
        """Whether it is over all wallets."""
        return self.wallet_id == ALL_WALLETS


@dataclass(frozen=True, slots=True)
class Usage:
    """What the trades of the policy's window add up to, and the lamports that open trades will still take."""

    trades: int
    lamports: int
    pending_lamports: int
    oldest_time: datetime | None = None
    """When the oldest of these trades was claimed; None without any."""


class Policy(SQLModel, table=True):
    """What a wallet may do; the defaults let a new character lose little."""

    wallet_id: str = Field(primary_key=True)
    max_trade_lamports: int = Field(default=LAMPORTS_PER_SOL // 10, sa_type=BigInteger)
    min_balance_lamports: int = Field(default=LAMPORTS_PER_SOL // 20, sa_type=BigInteger)
    max_slippage_bps: int = 300
    max_daily_trades: int = Field(default=10, sa_type=BigInteger)
    max_daily_volume_lamports: int = Field(default=LAMPORTS_PER_SOL, sa_type=BigInteger)
    allowed_mints: list[str] = Field(default_factory=list, sa_type=JSON)
    blocked_mints: list[str] = Field(default_factory=list, sa_type=JSON)
    max_price_deviation_bps: int = 500
    max_price_impact_bps: int = 300
    allow_unpriced: bool = False
    update_time: datetime = Field(sa_type=DateTime(timezone=True))
    version: int = 0

    @property
    def etag(self) -> str:
        """Names this state of the policy."""
        return str(self.version)

    def change(self, values: Mapping[str, Any], etag: str, now: datetime) -> None:
        """Set fields. Raises Conflict when an etag is given and isn't the current one."""
        if etag and etag != self.etag:
            raise errors.Conflict(f"the policy of {self.wallet_id!r} has changed since", etag=self.etag)
        for name, value in values.items():
            setattr(self, name, value)
        self.update_time = now
        self.version += 1

    def tighten(self, values: Mapping[str, Any], now: datetime) -> None:
        """Set each of these fields to the stricter one of its present value and the given one."""
        self.change({name: _stricter(name, getattr(self, name), value) for name, value in values.items()}, "", now)

    def check(self, pair: Pair, value: Valuation, used: Usage, lamports_left: int) -> int:
        """Return what a trade counts for, in lamports, when everything about it is allowed.

        Raises PolicyViolation and InsufficientBalance.
        """
        self.check_pair(pair)
        worth = value.worth_lamports
        if worth is None:
            raise PolicyViolation(
                "max_trade_lamports", "", "unknown", f"{pair.input_mint} has no price to measure it by"
            )
        self.check_price(value)
        self.check_worth(worth, used)
        self.check_left(lamports_left)
        return worth

    def check_pair(self, pair: Pair) -> None:
        """Raise PolicyViolation when these mints or this slippage are not allowed."""
        for mint in (pair.input_mint, pair.output_mint):
            if mint in self.blocked_mints:
                raise PolicyViolation("blocked_mints", ",".join(self.blocked_mints), mint, f"{mint} is blocked")
            if not self.allows(mint):
                raise PolicyViolation("allowed_mints", ",".join(self.allowed_mints), mint, f"{mint} is not allowed")
        self._limit("max_slippage_bps", pair.slippage_bps)

    def allows(self, mint: str) -> bool:
        """Whether a mint may be traded, as far as its lists go."""
        is_listed = not self.allowed_mints or mint == SOL or mint in self.allowed_mints
        return is_listed and mint not in self.blocked_mints

    def check_worth(self, worth_lamports: int, used: Usage) -> None:
        """Raise PolicyViolation when one more trade of this worth is too much."""
        self._limit("max_trade_lamports", worth_lamports)
        self._limit("max_daily_trades", used.trades + 1)
        self._limit("max_daily_volume_lamports", used.lamports + worth_lamports)

    def check_price(self, value: Valuation) -> None:
        """Raise PolicyViolation when a trade is dearer than its independent price allows, or can't be measured."""
        for mint, lamports in (
            (value.pair.input_mint, value.input_lamports),
            (value.pair.output_mint, value.output_lamports),
        ):
            # For sales too: an aggregator that keeps a price to itself would say what is given is worth.
            if lamports is None and not self.allow_unpriced:
                text = f"{mint} has no price, and what has none may not be traded"
                raise PolicyViolation("allow_unpriced", "false", mint, text)
        self._limit("max_price_impact_bps", value.impact_bps)
        self._limit("max_price_deviation_bps", value.deviation_bps)

    def check_left(self, lamports: int) -> None:
        """Raise when a trade leaves this little: InsufficientBalance below 0, else PolicyViolation."""
        if lamports < 0:
            raise InsufficientBalance(f"the wallet lacks {-lamports} lamports for the amount and the fee")
        if lamports < (least := self.min_balance_lamports):
            text = f"{lamports} lamports would remain, and {least} must"
            raise PolicyViolation("min_balance_lamports", least, lamports, text)

    def _limit(self, rule: str, value: int) -> None:
        limit = getattr(self, rule)
        if value > limit:
            raise PolicyViolation(rule, limit, value, f"{value} is more than {limit}")


def _stricter(name: str, present: Any, given: Any) -> Any:
    if name == "allow_unpriced":
        return present and given
    if name == "blocked_mints":
        return [*present, *(mint for mint in given if mint not in present)]
    if name == "allowed_mints":
        if not present or not given:
            return present or given
        # An empty list would allow every mint; SOL may always be traded, so a list of it alone allows nothing more.
        return [mint for mint in present if mint in given] or [SOL]
    return max(present, given) if name.startswith("min_") else min(present, given)
