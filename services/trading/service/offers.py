"""What the aggregator offers for a swap, and what that is worth by independent prices."""

from dataclasses import dataclass

from services.trading.domain.errors import NoRoute
from services.trading.domain.market import SOL, Order, Pair, Route, Valuation, valuation
from services.trading.domain.trade import MAX_AMOUNT
from services.trading.ports import Aggregator


@dataclass(frozen=True, slots=True)
class Offer:
    """An order or a route, and what both of its sides are worth."""

    order: Order | Route
    value: Valuation


class Offers:
    """Takes offers."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def take(self, pair: Pair, address: str, least_output: int) -> Offer:
        """Return an offer that gives this wallet at least so much.

        Raises NoRoute, InsufficientBalance, ChainRateLimited and ChainUnavailable.
        """
        order = await self._aggregator.order(pair, address)
        output = order.quote.output_amount
        if output < least_output:
            raise NoRoute(f"{output} is offered, and {least_output} at least is asked for")
        prices = await self._aggregator.prices([*dict.fromkeys((pair.input_mint, pair.output_mint, SOL))])
        value = valuation(order.quote, prices)
        if (value.worth_lamports or 0) > MAX_AMOUNT or output > MAX_AMOUNT:
            raise NoRoute("more is offered than can be recorded")
        return Offer(order, value)
