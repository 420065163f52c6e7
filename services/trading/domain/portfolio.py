"""What a wallet's tokens cost, and what it gained or lost by them: average cost, from the trades that landed.

Everything is counted in lamports. Network fees are apart from cost and gain.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from services.trading.domain.market import SOL, Balance, Price, worth_in_lamports
from services.trading.domain.trade import MAX_AMOUNT


@dataclass(frozen=True, slots=True)
class LandedTrade:
    """What a trade did that is on the chain; one that failed there moved nothing, and cost its fee."""

    id: str
    input_mint: str
    output_mint: str
    input_amount: int
    output_amount: int
    worth_lamports: int
    fee_lamports: int
    is_settled: bool
    time: datetime


@dataclass(frozen=True, slots=True)
class Realisation:
    """What a trade realised, in lamports."""

    pnl_lamports: int | None = None
    """What it brought beyond the cost of what was sold; None when nothing that it sold has a known cost."""
    uncosted_proceeds: int = 0
    """What it brought for what has no known cost."""

    def __add__(self, other: "Realisation") -> "Realisation":
        known = [part.pnl_lamports for part in (self, other) if part.pnl_lamports is not None]
        return Realisation(sum(known) if known else None, self.uncosted_proceeds + other.uncosted_proceeds)


@dataclass(slots=True)
class Position:
    """A token by its trades alone: what was bought of it and not sold, and what came of the rest."""

    amount: int = 0
    cost_lamports: int = 0
    realised_lamports: int = 0
    uncosted_proceeds: int = 0
    """What sales brought, in lamports, for what hadn't been bought here."""
    purchase_time: datetime | None = None
    sale_time: datetime | None = None

    def buy(self, amount: int, lamports: int, time: datetime) -> Realisation:
        """Add a purchase."""
        self.purchase_time = time
        if amount:
            self.amount += amount
            self.cost_lamports += lamports
            return Realisation()
        # Nothing came of it, so nothing is there that could have a cost.
        return self._realise(Realisation(-lamports))

    def sell(self, amount: int, lamports: int, time: datetime) -> Realisation:
        """Take a sale's part of amount and cost: first of what was bought, at its average."""
        self.sale_time = time
        bought = min(amount, self.amount)
        proceeds = lamports * bought // amount if amount else 0
        cost = self.cost_of(bought)
        self.amount -= bought
        self.cost_lamports -= cost
        return self._realise(Realisation(proceeds - cost if bought else None, lamports - proceeds))

    def cost_of(self, amount: int) -> int:
        """Return what so much of it cost, in lamports."""
        return self.cost_lamports * amount // self.amount if amount else 0

    def _realise(self, realised: Realisation) -> Realisation:
        self.realised_lamports += realised.pnl_lamports or 0
        self.uncosted_proceeds += realised.uncosted_proceeds
        return realised


@dataclass(slots=True)
class Book:
    """The positions that trades have made, in the order in which they landed, by mint."""

    positions: dict[str, Position] = field(default_factory=dict)
    trades: int = 0
    fee_lamports: int = 0

    def add(self, trade: LandedTrade) -> Realisation:
        """Add the trade after the last one, and return what it realised.

        Between two tokens it is a sale and a purchase for what it counted for.
        """
        self.fee_lamports += trade.fee_lamports
        realised = Realisation()
        if not trade.is_settled:
            return realised
        self.trades += 1
        if trade.input_mint == SOL:
            worth = trade.input_amount
        else:
            worth = trade.output_amount if trade.output_mint == SOL else trade.worth_lamports
            realised += self._position(trade.input_mint).sell(trade.input_amount, worth, trade.time)
        if trade.output_mint != SOL:
            realised += self._position(trade.output_mint).buy(trade.output_amount, worth, trade.time)
        return realised

    @property
    def realised_lamports(self) -> int:
        """What all sales brought beyond the cost of what was sold."""
        return sum(position.realised_lamports for position in self.positions.values())

    @property
    def uncosted_proceeds(self) -> int:
        """What all sales brought for what had no known cost."""
        return sum(position.uncosted_proceeds for position in self.positions.values())

    def _position(self, mint: str) -> Position:
        return self.positions.setdefault(mint, Position())


@dataclass(frozen=True, slots=True)
class Quotation:
    """What a token costs, and what a SOL does, in US dollars at this time."""

    token: Price
    sol: Price
    time: datetime

    @property
    def ratio(self) -> Decimal:
        """What a whole token costs in whole SOL."""
        return self.token.usd / self.sol.usd

    def lamports(self, amount: int) -> int:
        """Return what so many base units are worth, rounded down."""
        return worth_in_lamports(amount, self.token, self.sol, ROUND_FLOOR)


@dataclass(frozen=True, slots=True)
class Holding:
    """A token that a wallet holds or has traded; what it has beyond its position came in otherwise."""

    balance: Balance
    position: Position
    quotation: Quotation | None = None

    @property
    def costed_amount(self) -> int:
        """How much of what is there has a known cost, in base units."""
        return min(self.balance.amount, self.position.amount)

    @property
    def cost_lamports(self) -> int:
        """What that cost."""
        return self.position.cost_of(self.costed_amount)

    @property
    def value_lamports(self) -> int | None:
        """What all of it is worth; None without a price, or at one by which it were worth more than there can be."""
        value = self.quotation.lamports(self.balance.amount) if self.quotation else None
        return value if value is None or value <= MAX_AMOUNT else None

    @property
    def unrealised_lamports(self) -> int | None:
        """What is worth more, or less, than it cost; None when price or cost isn't known."""
        if self.quotation is None or self.value_lamports is None or not self.costed_amount:
            return None
        return self.quotation.lamports(self.costed_amount) - self.cost_lamports


@dataclass(frozen=True, slots=True)
class Portfolio:
    """A wallet as a whole: its SOL at a time, and its book."""

    wallet_id: str
    lamports: int
    book: Book
    read_time: datetime
