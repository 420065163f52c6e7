"""What a caller of the trading service may be refused with."""

from collections.abc import Mapping
from decimal import Decimal

from services.runtime import errors
from services.trading.domain.market import LAMPORTS_PER_SOL, SOL


class WalletNotFound(errors.NotFound):
    """No wallet has this id."""

    reason = "WALLET_NOT_FOUND"

    def __init__(self, wallet_id: str) -> None:
        super().__init__(f"no wallet {wallet_id!r}", id=wallet_id)


class TradeNotFound(errors.NotFound):
    """No trade has this id."""

    reason = "TRADE_NOT_FOUND"

    def __init__(self, trade_id: str) -> None:
        super().__init__(f"no trade {trade_id!r}", id=trade_id)


class WalletExists(errors.AlreadyExists):
    """This agent has a wallet, or this key belongs to another agent."""

    reason = "WALLET_EXISTS"


class WalletNotEmpty(errors.WrongState):
    """The wallet holds something: these base units, by their mints."""

    reason = "WALLET_NOT_EMPTY"

    def __init__(self, wallet_id: str, held: Mapping[str, int]) -> None:
        balances = ", ".join(f"{amount} of {mint}" for mint, amount in held.items())
        words = ", ".join(_holding(mint, amount) for mint, amount in held.items())
        super().__init__(f"the wallet {wallet_id!r} holds {words}", id=wallet_id, balances=balances)


def _holding(mint: str, amount: int) -> str:
    if mint != SOL:
        return f"{amount:,} base units of {mint}"
    return f"{Decimal(amount) / LAMPORTS_PER_SOL:.9f}".rstrip("0").rstrip(".") + " SOL"


class WalletBusy(errors.Unavailable):
    """A trade of the wallet isn't decided."""

    reason = "WALLET_BUSY"

    def __init__(self, trade_id: str) -> None:
        super().__init__(f"the trade {trade_id!r} of this wallet isn't decided")


class InvalidPrivateKey(errors.InvalidRequest):
    """The text is no private key; the message never repeats it."""

    def __init__(self) -> None:
        text = "is not a private key: give base58, a JSON array of 64 numbers, or hex"
        super().__init__([errors.Violation("private_key", text)])


class PolicyViolation(errors.WrongState):
    """The wallet's policy refuses the trade: `rule` is the field of the policy, `value` what breaks its `limit`."""

    reason = "POLICY_VIOLATION"

    def __init__(self, rule: str, limit: object, value: object, text: str) -> None:
        super().__init__(f"{rule}: {text}", rule=rule, limit=str(limit), value=str(value))


class TradingHalted(errors.WrongState):
    """Trading is halted for this wallet, or for all: an operator resumes it."""

    reason = "TRADING_HALTED"

    def __init__(self, why: str, since: str) -> None:
        super().__init__(f"trading is halted since {since}" + (f": {why}" if why else ""), since=since)


class InsufficientBalance(errors.WrongState):
    """The wallet doesn't hold the amount and the fee."""

    reason = "INSUFFICIENT_BALANCE"


class NoRoute(errors.WrongState):
    """The aggregator has no route for this pair and amount."""

    reason = "NO_ROUTE"


class ChainRateLimited(errors.Exhausted):
    """The chain's or the aggregator's rate limit is reached."""

    reason = "CHAIN_RATE_LIMITED"


class ChainUnavailable(errors.Unavailable):
    """The chain or the aggregator did not answer, or not with what it should."""

    reason = "CHAIN_UNAVAILABLE"


class OrderExpired(ChainUnavailable):
    """An order ran out before it could be signed: ask for another."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=0.2)


class AccessRefused(errors.WrongState):
    """The chain's node or the aggregator refuses the suite itself: give it a key, or ask another one."""

    reason = "CHAIN_ACCESS_REFUSED"


OUTSIDE = (errors.RetryLater, AccessRefused)
"""What it may end in to ask somebody outside, whatever was asked."""
