"""What tokens cost independently of what is offered for them: by the aggregator's prices, and by a second opinion."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from services.trading.domain.market import Price
from services.trading.ports import Aggregator, Opinion

_MOST_ASKED = 50
"""How many mints whoever knows prices may be asked for at once."""


class Prices:
    """Asks everybody who knows prices."""

    def __init__(self, aggregator: Aggregator, opinion: Opinion | None = None) -> None:
        """Take whom to ask; the second opinion may be missing."""
        self._aggregator = aggregator
        self._opinion = opinion

    async def opinions(self, decimals: Mapping[str, int]) -> Sequence[Mapping[str, Price]]:
        """Return the plausible prices of these mints by each who is asked; what has none is left out.

        How many base units a token has is for the chain to say: `decimals` are its. Raises ChainRateLimited,
        ChainUnavailable and AccessRefused.
        """
        dollars: list[dict[str, Decimal]] = [{}] if self._opinion is None else [{}, {}]
        mints = list(decimals)
        for start in range(0, len(mints), _MOST_ASKED):
            asked = mints[start : start + _MOST_ASKED]
            dollars[0] |= {mint: price.usd for mint, price in (await self._aggregator.prices(asked)).items()}
            if self._opinion is not None:
                dollars[1] |= await self._opinion.dollars(asked)
        return [
            {
                mint: price
                for mint, usd in known.items()
                if mint in decimals and (price := Price(mint, usd, decimals[mint], None)).is_plausible
            }
            for known in dollars
        ]
