"""Says what a wallet holds, what that cost, and what came of it: the chain's balances beside its own trades."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.runtime.clock import Clock
from services.runtime.pages import Page, Paged
from services.trading.domain.errors import OUTSIDE
from services.trading.domain.market import SOL, SOL_DECIMALS, Balance
from services.trading.domain.portfolio import Book, Holding, Portfolio, Position, Quotation
from services.trading.ports import Aggregator, Chain, Store
from services.trading.service.prices import Prices
from services.trading.service.symbols import known_symbols
from services.trading.service.wallets import load_wallet

_AT_ONCE = 1_000
"""How many trades are read at once."""


class Portfolios:
    """Says what wallets hold, and what that cost."""

    def __init__(self, store: Store, chain: Chain, aggregator: Aggregator, prices: Prices, clock: Clock) -> None:
        self._store = store
        self._chain = chain
        self._aggregator = aggregator
        self._prices = prices
        self._clock = clock

    async def page(self, wallet_id: str, page: Page, *, only_traded: bool) -> tuple[Portfolio, Paged[Holding]]:
        """Return a wallet as a whole, and a page of its tokens by mint; without those it never traded when asked so.

        The key of a page is the mint of its last token. Raises WalletNotFound, ChainRateLimited, ChainUnavailable and
        AccessRefused.
        """
        async with self._store.reading() as records:
            wallet = await load_wallet(records, wallet_id)
        balances = {balance.mint: balance for balance in await self._chain.balances(wallet.address)}
        sol, now = balances.pop(SOL).amount, self._clock.now()
        # After the balances: what they show of a trade that settles meanwhile has a cost.
        book = await self._book(wallet_id)
        mints = sorted(book.positions if only_traded else {*balances, *book.positions})
        rest = [mint for mint in mints if page.after is None or mint > page.after[0]]
        listed = Paged.cut(rest, page, lambda mint: (mint,))
        return Portfolio(wallet_id, sol, book, now), listed.turned(await self._holdings(listed.rows, balances, book))

    async def _book(self, wallet_id: str) -> Book:
        book, page = Book(), Page(_AT_ONCE)
        while True:
            async with self._store.reading() as records:
                landed = await records.landed(wallet_id, page)
            for trade in landed.rows:
                book.add(trade)
            if landed.next_key is None:
                return book
            page = Page(_AT_ONCE, landed.next_key)

    async def _holdings(self, mints: Sequence[str], balances: Mapping[str, Balance], book: Book) -> list[Holding]:
        decimals = await self._chain.decimals([mint for mint in mints if mint not in balances])
        held = {mint: balances.get(mint) or Balance(mint, 0, decimals.get(mint, 0)) for mint in mints}
        symbols = await known_symbols(self._aggregator, mints)
        quotations = await self._quotations({mint: one.decimals for mint, one in held.items() if one.amount})
        return [
            Holding(
                replace(balance, symbol=symbols.get(mint, "")),
                book.positions.get(mint) or Position(),
                quotations.get(mint),
            )
            for mint, balance in held.items()
        ]

    async def _quotations(self, decimals: Mapping[str, int]) -> Mapping[str, Quotation]:
        """Return what these tokens cost, by the lowest opinion; nothing when nobody can be asked now."""
        if not decimals:
            return {}
        try:
            opinions = await self._prices.opinions({**decimals, SOL: SOL_DECIMALS})
        except OUTSIDE:
            # What it holds, and what that cost, is to be known all the same.
            return {}
        now = self._clock.now()
        told = {mint: [known for known in opinions if mint in known and SOL in known] for mint in decimals}
        return {
            mint: min((Quotation(known[mint], known[SOL], now) for known in those), key=lambda found: found.ratio)
            for mint, those in told.items()
            if those
        }
