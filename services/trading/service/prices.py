"""What tokens cost independently of what is offered for them: by the aggregator's prices, and by a second opinion."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.trading.domain.market import Price
from services.trading.ports import Aggregator, PriceFeed

_MAX_ASKED = 50
"""How many mints whoever knows prices may be asked for at once."""


class Prices:
    """Asks everybody who knows prices."""

    def __init__(self, aggregator: Aggregator, price_feed: PriceFeed | None = None) -> None:
        """Take whom to ask; the second opinion may be missing."""
        self._aggregator = aggregator
        self._price_feed = price_feed

    async def opinions(self, decimals: Mapping[str, int]) -> Sequence[Mapping[str, Price]]:
        """Return the plausible prices of these mints by each who is asked; what has none is left out.

        How many base units a token has is for the chain to say: `decimals` are its. Raises ChainRateLimited,
        ChainUnavailable and AccessRefused.
        """
        dollars: list[dict[str, Decimal]] = [{}] if self._price_feed is None else [{}, {}]
        mints = list(decimals)
        for start in range(0, len(mints), _MAX_ASKED):
            asked = mints[start : start + _MAX_ASKED]
            dollars[0] |= {mint: price.usd for mint, price in (await self._aggregator.prices(asked)).items()}
            if self._price_feed is not None:
                dollars[1] |= await self._price_feed.usd_prices(asked)
        return [
            {
                mint: price
                for mint, usd in known.items()
                if mint in decimals and (price := Price(mint, usd, decimals[mint], None)).is_plausible
            }
            for known in dollars
        ]
