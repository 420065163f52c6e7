"""Tokens, prices and what the aggregator offers; amounts are base units, prices are decimals and never floats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

SOL = "So11111111111111111111111111111111111111112"
"""The mint of wrapped SOL, which stands for SOL itself."""

SOL_DECIMALS = 9
LAMPORTS_PER_SOL = 10**SOL_DECIMALS

_MIN_USD, _MAX_USD, _MAX_DECIMALS = Decimal("1e-24"), Decimal("1e12"), 24

_BASE58 = {letter: value for value, letter in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}


@dataclass(frozen=True, slots=True)
class Pair:
    """What is given, how much of it, and what is wanted for it; `slippage_bps` 0 leaves it to the aggregator."""

    input_mint: str
    output_mint: str
    amount: int
    slippage_bps: int = 0

    def is_swap_of(self, other: "Pair") -> bool:
        """Whether the same is given and wanted, whatever slippage is allowed."""
        return (self.input_mint, self.output_mint, self.amount) == (other.input_mint, other.output_mint, other.amount)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a swap would give now; `price_impact` is a fraction, 0.01 for 1 %."""

    pair: Pair
    output_amount: int
    min_output_amount: int
    slippage_bps: int
    price_impact: Decimal

    def least_output(self, slippage_bps: int) -> int:
        """Return what must come out at least: what is offered, no less than this slippage allows, and something."""
        allowed = -(-self.output_amount * (10_000 - slippage_bps) // 10_000)
        return max(1, self.min_output_amount, allowed)


@dataclass(frozen=True, slots=True)
class Order:
    """A quote that can be had: its unsigned transaction, and what the chain will ask for it, as it is told."""

    quote: Quote
    order_id: str
    """Under this id the aggregator executes it; empty when it doesn't."""
    transaction: bytes
    last_valid_block_height: int
    upkeep_lamports: int
    """Fees, tips and rent beside the amount."""


@dataclass(frozen=True, slots=True)
class StepAccount:
    """An account that a step of a transaction names."""

    address: str
    is_signer: bool
    is_writable: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a transaction: the program, the accounts and the data that it is called with."""

    program: str
    accounts: tuple[StepAccount, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Route:
    """A quote that can be had by a transaction of our own: the swap's step, and the lookup tables that shorten it."""

    quote: Quote
    step: Step
    tables: tuple[str, ...]
    upkeep_lamports: int = 5_000
    """What the chain asks at least beside the amount: the wallet's signature."""


@dataclass(frozen=True, slots=True)
class Valuation:
    """What both sides of a swap are worth by independent prices, in lamports; None for a side that has no price."""

    pair: Pair
    input_lamports: int | None
    output_lamports: int | None
    impact_bps: int

    @classmethod
    def worst(cls, values: Sequence["Valuation"]) -> "Valuation":
        """Return the worst of what several say: the most for what is given, and the least for what is wanted.

        A side has no price unless everybody knows one.
        """
        first = values[0]
        given = [value.input_lamports for value in values if value.input_lamports is not None]
        wanted = [value.output_lamports for value in values if value.output_lamports is not None]
        limit = max(given) if len(given) == len(values) else None
        least = min(wanted) if len(wanted) == len(values) else None
        return cls(first.pair, limit, least, first.impact_bps)

    @property
    def worth_lamports(self) -> int | None:
        """What the swap counts for: the SOL that it gives, else its larger side; None when neither has a price."""
        if self.pair.input_mint == SOL:
            return self.input_lamports
        known = [side for side in (self.input_lamports, self.output_lamports) if side is not None]
        return max(known) if known else None

    @property
    def deviation_bps(self) -> int:
        """How much less comes out than what is given is worth, in basis points, rounded up; 0 without both prices."""
        if not self.input_lamports or self.output_lamports is None:
            return 0
        lost = max(0, self.input_lamports - self.output_lamports)
        return -(-lost * 10_000 // self.input_lamports)


@dataclass(frozen=True, slots=True)
class Balance:
    """How much of a token a wallet holds; the symbol is empty when it isn't known."""

    mint: str
    amount: int
    decimals: int
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a whole token, and the change in 24 hours as a fraction, where it is known."""

    mint: str
    usd: Decimal
    decimals: int
    """How many base units a whole token has, as a power of ten; 0 where nobody computes with the price."""
    change_24h: Decimal | None
    symbol: str = ""

    @property
    def is_plausible(self) -> bool:
        """Whether it can be computed with: neither its price nor its decimals are beyond what any token has."""
        return self.usd.is_finite() and _MIN_USD <= self.usd <= _MAX_USD and 0 <= self.decimals <= _MAX_DECIMALS


@dataclass(frozen=True, slots=True)
class Token:
    """A token that can be traded; anybody can choose any symbol, only the mint says which token it is."""

    mint: str
    symbol: str
    name: str
    decimals: int
    usd: Decimal | None
    change_24h: Decimal | None
    liquidity_usd: Decimal | None
    is_verified: bool


def valuation(quote: Quote, prices: Mapping[str, Price]) -> Valuation:
    """Return what a quoted swap is worth by these prices, rounded against it; SOL is worth itself."""
    sol = prices.get(SOL)

    def worth(mint: str, amount: int, rounding: str) -> int | None:
        if mint == SOL:
            return amount
        price = prices.get(mint)
        return worth_in_lamports(amount, price, sol, rounding) if price and sol else None

    pair = quote.pair
    return Valuation(
        pair,
        worth(pair.input_mint, pair.amount, ROUND_CEILING),
        worth(pair.output_mint, quote.output_amount, ROUND_FLOOR),
        int((quote.price_impact * 10_000).to_integral_value(ROUND_CEILING)),
    )


def worth_in_lamports(amount: int, price: Price, sol: Price, rounding: str) -> int:
    """Return what an amount of a token is worth in lamports; `rounding` is one of `decimal`'s."""
    whole = Decimal(amount).scaleb(-price.decimals)
    return int((whole * price.usd / sol.usd * LAMPORTS_PER_SOL).to_integral_value(rounding))


def is_address(text: str) -> bool:
    """Whether a text is an address on Solana: 32 bytes in base58."""
    if not 32 <= len(text) <= 44 or any(letter not in _BASE58 for letter in text):
        return False
    number = 0
    for letter in text:
        number = number * 58 + _BASE58[letter]
    # Each leading "1" stands for a zero byte that the number doesn't show.
    zeros = len(text) - len(text.lstrip("1"))
    return zeros + (number.bit_length() + 7) // 8 == 32
