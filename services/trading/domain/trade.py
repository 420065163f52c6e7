"""A trade as a state machine, and what is checked before its transaction is signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import BigInteger, DateTime, Field, LargeBinary, SQLModel

from services.runtime.columns import text_of
from services.trading.domain.errors import OrderExpired
from services.trading.domain.market import SOL, Pair, Quote

MAX_AMOUNT = 2**63 - 1
"""The largest amount, in base units, that the ledger can hold."""

MAX_CLAIM_AGE = timedelta(minutes=2)
"""How long a claim may wait for its signature: after that the market is another one, and nobody waits any more."""

BLOCKHASH_LIFE = 150
"""Blocks for which a transaction may name a blockhash."""


class Unsafe(Exception):
    """The aggregator's transaction is not the trade that was claimed: it must not be signed."""


class TradeState(StrEnum):
    """How far a trade has come."""

    CLAIMED = "claimed"
    SIGNED = "signed"
    SETTLED = "settled"
    OUTCOME_UNKNOWN = "unknown"
    FAILED = "failed"


class Cause(StrEnum):
    """Why a trade is where it is; the first ones are what a call would be refused for."""

    NONE = ""
    POLICY_VIOLATION = "POLICY_VIOLATION"
    TRADING_HALTED = "TRADING_HALTED"
    NO_ROUTE = "NO_ROUTE"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    CHAIN_ACCESS_REFUSED = "CHAIN_ACCESS_REFUSED"
    LATE = "LATE"
    UNSAFE_ORDER = "UNSAFE_ORDER"
    FAILED_ON_CHAIN = "FAILED_ON_CHAIN"
    EXPIRED = "EXPIRED"
    UNCONFIRMED = "UNCONFIRMED"
    UNREAD = "UNREAD"


OPEN_STATES = (TradeState.CLAIMED, TradeState.SIGNED, TradeState.OUTCOME_UNKNOWN)


class Sighting(StrEnum):
    """What the chain knows of a signature."""

    ABSENT = "absent"
    PENDING = "pending"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, slots=True)
class Sight:
    """What a node knows of a signature, and the slot up to which it knows anything.

    Of one that it has seen also where that landed, and its error or an empty text.
    """

    sighting: Sighting
    slot: int
    landed_slot: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest block that no fork can undo: its slot, and its height, which counts blocks instead of slots."""

    slot: int
    height: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a confirmed transaction did: its slot, its error or an empty text, its fee, the wallet's gains by mint.

    Lamports, gained under the mint of SOL, count in the wallet and in its associated token accounts, so that rent for
    these is no loss; nothing else counts as the wallet's. The fee is a loss.
    """

    slot: int
    error: str
    fee_lamports: int
    gains: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a transaction must be to be signed for a trade: base units, and the wallet's address."""

    address: str
    input_mint: str
    output_mint: str
    amount: int
    least_output: int
    slippage_bps: int
    since_slot: int
    """The slot in which the wallet's latest trade landed: a node that isn't there yet doesn't know what it has."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction that may be signed as far as its steps go, and what a trial run of it did; gains as in Outcome."""

    transaction: bytes
    order_id: str
    """Under this id the aggregator sends it; empty: the node does."""
    gains: Mapping[str, int]
    lamports_left: int
    fee_lamports: int
    """What the chain takes for it, priority included."""
    block_height: int
    last_valid_block_height: int
    exposed_lamports: int = 0
    """What no guard holds, because it lies where none reaches: it is lost if the swap takes it."""


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
    state_cause: Cause = Field(default=Cause.NONE, sa_type=text_of(Cause))
    """Why it is where it is, as a code; none as well when an earlier version said why."""
    order_id: str = ""
    transaction: bytes = Field(default=b"", sa_type=LargeBinary, repr=False)
    signature: str = ""
    last_valid_block_height: int = Field(default=0, sa_type=BigInteger)
    slot: int = Field(default=0, sa_type=BigInteger)
    """Where it landed, in whichever way it ended there; 0 for what hasn't."""
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

    def terms(self, address: str, since_slot: int) -> Terms:
        """Return what its transaction must be for the wallet with this address, as of this slot or later."""
        return Terms(
            address,
            self.input_mint,
            self.output_mint,
            self.input_amount,
            self.min_output_amount,
            self.slippage_bps,
            since_slot,
        )

    def demand(self, quote: Quote) -> None:
        """Ask for what is quoted now, when that is more than what was claimed."""
        self.min_output_amount = max(self.min_output_amount, quote.least_output(self.slippage_bps))

    @property
    def may_realise(self) -> bool:
        """True when a profit or a loss may have come of it: it sold a token, or nothing came of what it gave."""
        return self.state is TradeState.SETTLED and (self.input_mint != SOL or not self.output_amount)

    @property
    def is_final(self) -> bool:
        """True when it can't change any more."""
        return self.state not in OPEN_STATES

    def sign(self, signed: Signed, draft: Draft, now: datetime) -> None:
        """Note the signed bytes; from now on they, and no others, are what may land.

        The height until which they may is the aggregator's, but never below what any blockhash known now can reach:
        a number that is too low would declare a trade dead that still lands.
        """
        self.transaction, self.signature, self.order_id = signed.transaction, signed.signature, draft.order_id
        self.last_valid_block_height = max(draft.last_valid_block_height, draft.block_height + BLOCKHASH_LIFE)
        self.state, self.sign_time = TradeState.SIGNED, now

    def doubt(self, reason: str) -> None:
        """Say that it may or may not land."""
        self.state, self.state_cause, self.state_reason = TradeState.OUTCOME_UNKNOWN, Cause.UNCONFIRMED, reason

    def fail(self, cause: Cause, reason: str, now: datetime) -> None:
        """End it without effect, which gives its reservation back."""
        self.state, self.state_cause, self.state_reason = TradeState.FAILED, cause, reason
        self.finish_time = now

    def conclude(self, outcome: Outcome, now: datetime) -> str:
        """End it as the chain did: SETTLED with the amounts that really moved, or FAILED with the fee it cost.

        The value says what is wrong with that: empty, unless something was lost that was not to be signed away.
        """
        self.slot, self.fee_lamports = outcome.slot, outcome.fee_lamports
        if outcome.error:
            self.fail(Cause.FAILED_ON_CHAIN, f"the transaction failed on the chain: {outcome.error}", now)
            return ""
        wrong = self._wrong(outcome.gains, outcome.fee_lamports)
        self.input_amount = max(0, -self._without_fee(outcome, self.input_mint))
        self.output_amount = max(0, self._without_fee(outcome, self.output_mint))
        self.state, self.state_cause, self.state_reason = TradeState.SETTLED, Cause.NONE, ""
        self.finish_time = now
        return wrong

    def conclude_unread(self, sight: Sight, now: datetime) -> None:
        """End it as its status says: SETTLED with the amounts that were signed for, which it must have kept."""
        self.slot = sight.landed_slot
        if sight.error:
            self.fail(Cause.FAILED_ON_CHAIN, f"the transaction failed on the chain: {sight.error}", now)
            return
        self.output_amount = self.min_output_amount
        self.state, self.state_cause, self.finish_time = TradeState.SETTLED, Cause.UNREAD, now
        self.state_reason = "what it did can't be read: the amounts are those that were signed for"

    def _without_fee(self, outcome: Outcome, mint: str) -> int:
        return outcome.gains.get(mint, 0) + (outcome.fee_lamports if mint == SOL else 0)

    def check(self, quote: Quote, draft: Draft) -> None:
        """Raise Unsafe unless signing this does what was claimed, and nothing else to the wallet.

        Raises OrderExpired for what would be right, had it not run out while it was looked at.
        """
        self._check_quote(quote)
        if abs(draft.last_valid_block_height - draft.block_height) > 2 * BLOCKHASH_LIFE:
            raise Unsafe(f"it is valid until the block height {draft.last_valid_block_height}")
        if wrong := self._wrong(draft.gains, draft.fee_lamports):
            raise Unsafe(f"on its trial run {wrong}")
        if draft.last_valid_block_height <= draft.block_height:
            height = draft.last_valid_block_height
            raise OrderExpired(f"the order was valid until the block height {height}, and {draft.block_height} is here")

    def _wrong(self, gains: Mapping[str, int], fee_lamports: int) -> str:
        """Say where a transaction takes too much or gives too little; empty when it does neither."""
        for mint, gain in gains.items():
            given = self.input_amount if mint == self.input_mint else 0
            fee = fee_lamports if mint == SOL else 0
            if -gain > given + fee:
                return f"it took {-gain} of {mint}, and {given + fee} at most is right"
        gained = gains.get(self.output_mint, 0) + (fee_lamports if self.output_mint == SOL else 0)
        if gained < self.min_output_amount:
            return f"it gave {gained} of {self.output_mint}, and {self.min_output_amount} at least is right"
        return ""

    def _check_quote(self, quote: Quote) -> None:
        if not quote.pair.is_swap_of(self.pair):
            raise Unsafe("the order is for another swap")
        if quote.slippage_bps > self.slippage_bps:
            raise Unsafe(f"the order allows a slippage of {quote.slippage_bps} basis points")
