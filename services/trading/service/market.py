"""Says what swaps and tokens cost."""

from collections.abc import Sequence
from dataclasses import replace

from services.runtime.pages import Page, Paged
from services.trading.domain.market import Pair, Price, Quote, Token
from services.trading.ports import Aggregator
from services.trading.service.symbols import known_symbols


class Market:
    """Says what swaps and tokens cost."""

    def __init__(self, aggregator: Aggregator) -> None:
        self._aggregator = aggregator

    async def quote(self, pair: Pair) -> Quote:
        """Return what a swap would give now. Raises NoRoute."""
        return await self._aggregator.quote(pair)

    async def prices(self, mints: Sequence[str]) -> list[Price]:
        """Return the prices of these mints in their order; those that have none are left out."""
        found = await self._aggregator.prices(mints)
        symbols = await known_symbols(self._aggregator, list(found))
        return [replace(found[mint], symbol=symbols.get(mint, "")) for mint in dict.fromkeys(mints) if mint in found]

    async def trending(self, page: Page) -> Paged[Token]:
        """Return a page of the tokens that trend now; the key is `(how many came before,)`."""
        start = int(page.after[0]) if page.after else 0
        tokens = list(enumerate(await self._aggregator.trending(), 1))[start:]
        cut = Paged.cut(tokens, page, lambda numbered: numbered[:1])
        return cut.turned([token for _, token in cut.rows])
