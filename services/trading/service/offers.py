"""What the aggregator offers for a swap, and what that is worth by independent prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.trading.domain.errors import NoRoute
from services.trading.domain.market import SOL, Order, Pair, Price, Route, Valuation, valuation
from services.trading.domain.trade import MAX_AMOUNT
from services.trading.ports import Aggregator, Chain, PriceFeed


@dataclass(frozen=True, slots=True)
class Offer:
    """An order or a route, and what both of its sides are worth."""

    order: Order | Route
    value: Valuation


class Offers:
    """Takes offers."""

    def __init__(self, aggregator: Aggregator, chain: Chain, price_feed: PriceFeed | None = None) -> None:
        """Take whom to ask; with a second opinion on prices the worse of both counts."""
        self._aggregator = aggregator
        self._chain = chain
        self._price_feed = price_feed

    async def take(self, pair: Pair, address: str, least_output: int) -> Offer:
        """Return an offer that gives this wallet at least so much.

        Raises NoRoute, InsufficientBalance, ChainRateLimited and ChainUnavailable.
        """
        order = await self._aggregator.order(pair, address)
        output = order.quote.output_amount
        if not order.quote.pair.is_swap_of(pair):
            raise NoRoute("another swap is offered")
        if output < least_output:
            raise NoRoute(f"{output} is offered, and {least_output} at least is asked for")
        values = [valuation(order.quote, prices) for prices in await self._prices(pair)]
        value = Valuation.worst(values)
        if (value.worth_lamports or 0) > MAX_AMOUNT or output > MAX_AMOUNT:
            raise NoRoute("more is offered than can be recorded")
        return Offer(order, value)

    async def _prices(self, pair: Pair) -> Sequence[Mapping[str, Price]]:
        """Return the prices of everybody who is asked; how many base units a token has is for the chain to say."""
        mints = list(dict.fromkeys((pair.input_mint, pair.output_mint, SOL)))
        decimals = await self._chain.decimals(mints)
        if lacking := [mint for mint in mints if mint not in decimals]:
            raise NoRoute(f"{lacking[0]} is not a mint")
        opinions = [{mint: price.usd for mint, price in (await self._aggregator.prices(mints)).items()}]
        if self._price_feed is not None:
            opinions.append(dict(await self._price_feed.usd_prices(mints)))
        return [
            {
                mint: price
                for mint in mints
                if mint in price_feed and (price := Price(mint, price_feed[mint], decimals[mint], None)).is_plausible
            }
            for price_feed in opinions
        ]
