"""A trade as a state machine, and what is checked before its transaction is signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import BigInteger, DateTime, Field, LargeBinary, SQLModel

from services.runtime.columns import text_of
from services.trading.domain.market import LAMPORTS_PER_SOL, SOL, Order, Pair

MAX_AMOUNT = 2**63 - 1
"""The largest amount, in base units, that the ledger can hold."""

MAX_CLAIM_AGE = timedelta(minutes=2)
"""How long a claim may wait for its signature: after that the market is another one, and nobody waits any more."""

MAX_UPKEEP_LAMPORTS = LAMPORTS_PER_SOL // 100
"""The most that fees, tips and rent of one trade may cost, whatever the aggregator asks."""

BLOCKHASH_LIFE = 150
"""Blocks for which a transaction may name a blockhash."""


class Unsafe(Exception):
    """The aggregator's transaction is not the trade that was claimed: it must not be signed."""


class TradeState(StrEnum):
    """How far a trade has come."""

    CLAIMED = "claimed"
    SIGNED = "signed"
    SETTLED = "settled"
    UNKNOWN = "unknown"
    FAILED = "failed"


OPEN_STATES = (TradeState.CLAIMED, TradeState.SIGNED, TradeState.UNKNOWN)


class Sighting(StrEnum):
    """What the chain knows of a signature."""

    ABSENT = "absent"
    PENDING = "pending"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a confirmed transaction did: its error or an empty text, its fee, and the wallet's gains by mint.

    Lamports, gained under the mint of SOL, count in every account that belongs to the wallet, so that rent for its own
    token accounts is no loss. The fee is a loss.
    """

    error: str
    fee_lamports: int
    gains: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Examination:
    """What an unsigned transaction is, and what a trial run of it did to the wallet; gains as in Outcome."""

    fee_payer: str
    has_blockhash: bool
    error: str
    gains: Mapping[str, int]
    lamports_left: int
    grants: tuple[str, ...]
    """Lasting powers over the wallet that it would give away, in words."""
    block_height: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction: the bytes that may be sent any number of times, and the signature that names them."""

    transaction: bytes
    signature: str


class Trade(SQLModel, table=True):
    """One swap. While it isn't FAILED it counts against the policy with `worth_lamports`: that is the reservation."""

    id: str = Field(primary_key=True)
    wallet_id: str
    request_id: str
    input_mint: str
    output_mint: str
    input_amount: int = Field(sa_type=BigInteger)
    output_amount: int = Field(default=0, sa_type=BigInteger)
    min_output_amount: int = Field(sa_type=BigInteger)
    worth_lamports: int = Field(sa_type=BigInteger)
    fee_lamports: int = Field(default=0, sa_type=BigInteger)
    slippage_bps: int
    state: TradeState = Field(default=TradeState.CLAIMED, sa_type=text_of(TradeState))
    state_reason: str = ""
    failure: str = ""
    """The reason that a refused call has for the same; empty for everything else."""
    order_id: str = ""
    transaction: bytes = Field(default=b"", sa_type=LargeBinary, repr=False)
    signature: str = ""
    last_valid_block_height: int = Field(default=0, sa_type=BigInteger)
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    sign_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    finish_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))

    @property
    def pair(self) -> Pair:
        """What was asked for; once it is SETTLED the amount is what was given."""
        return Pair(self.input_mint, self.output_mint, self.input_amount, self.slippage_bps)

    def least_gain(self, mint: str) -> int:
        """Return the least that the wallet gains of a mint beside fees and rent: less than 0 for what is given."""
        if mint == self.input_mint:
            return -self.input_amount
        return self.min_output_amount if mint == self.output_mint else 0

    @property
    def is_final(self) -> bool:
        """True when it can't change any more."""
        return self.state not in OPEN_STATES

    def sign(self, signed: Signed, order: Order, block_height: int, now: datetime) -> None:
        """Note the signed bytes; from now on they, and no others, are what may land.

        The height until which they may is the aggregator's, but never below what any blockhash known now can reach:
        a number that is too low would declare a trade dead that still lands.
        """
        self.transaction, self.signature, self.order_id = signed.transaction, signed.signature, order.order_id
        self.last_valid_block_height = max(order.last_valid_block_height, block_height + BLOCKHASH_LIFE)
        self.state, self.sign_time = TradeState.SIGNED, now

    def doubt(self, reason: str) -> None:
        """Say that it may or may not land."""
        self.state, self.state_reason = TradeState.UNKNOWN, reason

    def fail(self, reason: str, now: datetime, failure: str = "") -> None:
        """End it without effect, which gives its reservation back."""
        self.state, self.state_reason, self.finish_time = TradeState.FAILED, reason, now
        self.failure = failure

    def conclude(self, outcome: Outcome, now: datetime) -> None:
        """End it as the chain did: SETTLED with the amounts that really moved, or FAILED with the fee it cost."""
        self.fee_lamports = outcome.fee_lamports
        if outcome.error:
            self.fail(f"the transaction failed on the chain: {outcome.error}", now)
            return
        self.input_amount = max(0, -self._without_fee(outcome, self.input_mint))
        # A small sale for SOL may give less than its tips and rent cost.
        self.output_amount = max(0, self._without_fee(outcome, self.output_mint))
        self.state, self.state_reason, self.finish_time = TradeState.SETTLED, "", now

    def _without_fee(self, outcome: Outcome, mint: str) -> int:
        return outcome.gains.get(mint, 0) + (outcome.fee_lamports if mint == SOL else 0)

    def check(self, order: Order, seen: Examination, address: str) -> None:
        """Raise Unsafe unless signing this order does what was claimed, and nothing else to the wallet."""
        self._check_terms(order, seen, address)
        if seen.error:
            raise Unsafe(f"its trial run failed: {seen.error}")
        if seen.grants:
            raise Unsafe(f"it would {' and '.join(seen.grants)}")
        for mint, gain in seen.gains.items():
            given = self.input_amount if mint == self.input_mint else 0
            upkeep = order.upkeep_lamports if mint == SOL else 0
            if -gain > given + upkeep:
                raise Unsafe(f"it would take {-gain} of {mint}, and {given + upkeep} at most is right")
        gained = seen.gains.get(self.output_mint, 0) + (order.upkeep_lamports if self.output_mint == SOL else 0)
        if gained < self.min_output_amount:
            raise Unsafe(f"it would give {gained}, and {self.min_output_amount} at least was quoted")

    def _check_terms(self, order: Order, seen: Examination, address: str) -> None:
        offered = order.quote.pair
        if (offered.input_mint, offered.output_mint, offered.amount) != (
            self.input_mint,
            self.output_mint,
            self.input_amount,
        ):
            raise Unsafe("the order is for another swap")
        if order.quote.slippage_bps > self.slippage_bps:
            raise Unsafe(f"the order allows a slippage of {order.quote.slippage_bps} basis points")
        if order.quote.output_amount > MAX_AMOUNT:
            raise Unsafe("the order gives more base units than can be recorded")
        if order.upkeep_lamports > MAX_UPKEEP_LAMPORTS:
            raise Unsafe(f"fees and rent would be {order.upkeep_lamports} lamports")
        if seen.fee_payer != address:
            raise Unsafe("another account pays the fee")
        if not seen.has_blockhash:
            raise Unsafe("it has no blockhash")
        if not seen.block_height < order.last_valid_block_height <= seen.block_height + 2 * BLOCKHASH_LIFE:
            raise Unsafe(f"it is valid until the block height {order.last_valid_block_height}")
