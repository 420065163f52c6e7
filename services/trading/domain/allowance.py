"""What a wallet may still trade now: the same rules that refuse a trade, asked for the most that they let pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING

from services.trading.domain.market import SOL, Price, worth_in_lamports
from services.trading.domain.wallet import POLICY_WINDOW, Halt, Policy, Usage

_WHOLE_BPS, _HEADROOM_BPS = 10_000, 500
"""A trade is worth the larger of its price and its quote, and a quote may come out above the price by some per cent."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a policy; `fee_reserve` are the lamports that a trade takes at most beside its amount."""

    policy: Policy
    halt: Halt | None
    used: Usage
    lamports: int
    fee_reserve: int

    @property
    def remaining_trades(self) -> int:
        """How many more trades may be made now."""
        return max(0, self.policy.max_daily_trades - self.used.trades)

    @property
    def remaining_volume(self) -> int:
        """What trades may still be worth now, in lamports."""
        return max(0, self.policy.max_daily_volume_lamports - self.used.lamports)

    @property
    def max_worth(self) -> int:
        """The most that one trade may be worth, in lamports."""
        if self.halt is not None or not self.remaining_trades:
            return 0
        return min(self.policy.max_trade_lamports, self.remaining_volume)

    @property
    def free_lamports(self) -> int:
        """What may leave the wallet, fees and rent included."""
        return max(0, self.lamports - self.used.pending_lamports - self.policy.min_balance_lamports)

    @property
    def max_input(self) -> int:
        """The most SOL that a trade may give, in lamports, whatever the chain asks beside it."""
        return min(self.max_worth, max(0, self.free_lamports - self.fee_reserve))

    @property
    def increase_time(self) -> datetime | None:
        """When the oldest trade that counts doesn't any more; None when none counts."""
        return self.used.oldest_time + POLICY_WINDOW if self.used.oldest_time else None

    def of_mint(self, mint: str, amount: int, prices: Sequence[Mapping[str, Price]]) -> "MintAllowance":
        """Return what may be done with a token of which the wallet has so many base units, by everybody's prices."""
        if mint == SOL:
            return MintAllowance(mint, self.policy.allows(mint), self.lamports, self.max_input)
        if not self.policy.allows(mint) or not amount or not self.max_worth:
            return MintAllowance(mint, self.policy.allows(mint), amount, 0)
        worths = [
            worth_in_lamports(amount, known[mint], known[SOL], ROUND_CEILING)
            for known in prices
            if mint in known and SOL in known
        ]
        if not worths or len(worths) < len(prices):
            return MintAllowance(mint, is_allowed=True, amount=amount, max_input=None)
        worth = -(-max(worths) * (_WHOLE_BPS + _HEADROOM_BPS) // _WHOLE_BPS)
        limit = amount if worth <= self.max_worth else amount * self.max_worth // worth
        return MintAllowance(mint, is_allowed=True, amount=amount, max_input=limit)


@dataclass(frozen=True, slots=True)
class MintAllowance:
    """What a wallet may do with a token, in base units; `max_input` is None when it can't be measured."""

    mint: str
    is_allowed: bool
    amount: int
    max_input: int | None
