"""What tokens are called."""

from collections.abc import Mapping, Sequence

from services.trading.domain.errors import OUTSIDE
from services.trading.ports import Aggregator


async def known_symbols(aggregator: Aggregator, mints: Sequence[str]) -> Mapping[str, str]:
    """Return the symbols of those of these mints that have one, and none when the aggregator can't say."""
    try:
        return await aggregator.symbols(mints)
    except OUTSIDE:
        # A balance, or a price, is one without its symbol, too.
        return {}
