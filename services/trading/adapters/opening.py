"""The chain, the aggregator and the price feed, opened when they are first asked: what speaks to them takes 13 MB."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.runtime.deferred import Deferred
from services.trading.domain.market import Balance, Order, Pair, Price, Quote, Route, Token
from services.trading.domain.trade import Draft, Outcome, Sight, Terms, Tip
from services.trading.ports import Aggregator, Chain, PriceFeed


class ChainWhenAsked:
    """Hands on what is asked to the chain."""

    def __init__(self, chain: Deferred[Chain]) -> None:
        self._chain = chain

    async def lamports(self, address: str) -> int:
        """Return what a wallet can spend."""
        return await (await self._chain.get()).lamports(address)

    async def spendable(self, address: str, mint: str) -> int:
        """Return what a wallet can spend of a token, in base units."""
        return await (await self._chain.get()).spendable(address, mint)

    async def decimals(self, mints: Sequence[str]) -> Mapping[str, int]:
        """Return how many base units are a whole token, as a power of ten; what is no mint is left out."""
        return await (await self._chain.get()).decimals(mints)

    async def balances(self, address: str) -> list[Balance]:
        """Return what a wallet can spend."""
        return await (await self._chain.get()).balances(address)

    async def fee_reserve(self) -> int:
        """Return the lamports that an ordinary trade takes at most beside its amount: fees, and new accounts' rent."""
        return await (await self._chain.get()).fee_reserve()

    async def prepare(self, offered: Order | Route, terms: Terms) -> Draft:
        """Make a transaction, and run it for trial. Raises Unsafe."""
        return await (await self._chain.get()).prepare(offered, terms)

    async def send(self, transaction: bytes) -> str:
        """Broadcast a signed transaction; the value is why the node refused it, or empty."""
        return await (await self._chain.get()).send(transaction)

    async def sighting(self, signature: str) -> Sight:
        """Return what the chain knows of a signature."""
        return await (await self._chain.get()).sighting(signature)

    async def outcome(self, signature: str, address: str) -> Outcome | None:
        """Return what a confirmed transaction did to this wallet; None when the node can't tell yet."""
        return await (await self._chain.get()).outcome(signature, address)

    async def tip(self) -> Tip:
        """Return the newest block that no fork can undo."""
        return await (await self._chain.get()).tip()


class AggregatorWhenAsked:
    """Hands on what is asked to the aggregator."""

    def __init__(self, aggregator: Deferred[Aggregator]) -> None:
        self._aggregator = aggregator

    async def quote(self, pair: Pair) -> Quote:
        """Return what a swap would give. Raises NoRoute."""
        return await (await self._aggregator.get()).quote(pair)

    async def order(self, pair: Pair, address: str) -> Order | Route:
        """Return a swap that this wallet can have. Raises NoRoute, InsufficientBalance."""
        return await (await self._aggregator.get()).order(pair, address)

    async def execute(self, order_id: str, transaction: bytes) -> str:
        """Have a signed order sent; the value is why it was refused, or empty."""
        return await (await self._aggregator.get()).execute(order_id, transaction)

    async def prices(self, mints: Sequence[str]) -> Mapping[str, Price]:
        """Return the prices of up to 50 mints; those that have none are left out."""
        return await (await self._aggregator.get()).prices(mints)

    async def trending(self) -> list[Token]:
        """Return up to 100 tokens that trend now, first the most."""
        return await (await self._aggregator.get()).trending()

    async def symbols(self, mints: Sequence[str]) -> Mapping[str, str]:
        """Return the symbols of those of these mints that have one."""
        return await (await self._aggregator.get()).symbols(mints)


class PriceFeedWhenAsked:
    """Hands on what is asked to the price feed."""

    def __init__(self, price_feed: Deferred[PriceFeed]) -> None:
        self._price_feed = price_feed

    async def usd_prices(self, mints: Sequence[str]) -> Mapping[str, Decimal]:
        """Return what whole tokens cost in US dollars; those that have no price are left out."""
        return await (await self._price_feed.get()).usd_prices(mints)
