"""What the aggregator offers for a swap, and what that is worth by independent prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.trading.domain.errors import NoRoute
from services.trading.domain.market import SOL, Order, Pair, Price, Route, Valuation, valuation
from services.trading.domain.trade import MAX_AMOUNT
from services.trading.ports import Aggregator, Chain
from services.trading.service.prices import Prices


@dataclass(frozen=True, slots=True)
class Offer:
    """An order or a route, and what both of its sides are worth."""

    order: Order | Route
    value: Valuation


class Offers:
    """Takes offers."""

    def __init__(self, aggregator: Aggregator, chain: Chain, prices: Prices) -> None:
        """Take whom to ask; where there are several opinions on prices the worst counts."""
        self._aggregator = aggregator
        self._chain = chain
        self._prices = prices

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
        values = [valuation(order.quote, prices) for prices in await self._opinions(pair)]
        value = Valuation.worst(values)
        if (value.worth_lamports or 0) > MAX_AMOUNT or output > MAX_AMOUNT:
            raise NoRoute("more is offered than can be recorded")
        return Offer(order, value)

    async def _opinions(self, pair: Pair) -> Sequence[Mapping[str, Price]]:
        mints = list(dict.fromkeys((pair.input_mint, pair.output_mint, SOL)))
        decimals = await self._chain.decimals(mints)
        if lacking := [mint for mint in mints if mint not in decimals]:
            raise NoRoute(f"{lacking[0]} is not a mint")
        return await self._prices.opinions(decimals)
