"""Says what a wallet holds, what that cost, and what came of it: the chain's balances beside its own trades."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from services.runtime.clock import Clock
from services.runtime.pages import Page, Paged
from services.trading.domain.errors import OUTSIDE
from services.trading.domain.market import SOL, SOL_DECIMALS, Balance
from services.trading.domain.portfolio import (
    Book,
    Holding,
    LandedTrade,
    Portfolio,
    Position,
    Quotation,
    Realisation,
)
from services.trading.domain.trade import Trade
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

    async def realisations(self, trades: Sequence[Trade]) -> Mapping[str, Realisation]:
        """Return what those of a wallet's trades realised that are SETTLED, by their ids.

        The ledger is read once for all of them, and of it only the tokens that they sold.
        """
        wanted = {trade.id: trade for trade in trades if trade.may_realise}
        found: dict[str, Realisation] = {}
        if not wanted:
            return found
        # A token's cost follows from the trades of that token alone.
        mints = {trade.input_mint if trade.input_mint != SOL else trade.output_mint for trade in wanted.values()}
        [wallet_id] = {trade.wallet_id for trade in wanted.values()}
        book = Book()
        async with aclosing(self._ledger(wallet_id, mints)) as ledger:
            async for landed in ledger:
                realised = book.add(landed)
                if landed.id in wanted:
                    found[landed.id] = realised
                    if len(found) == len(wanted):
                        break
        return found

    async def _book(self, wallet_id: str) -> Book:
        book = Book()
        async for trade in self._ledger(wallet_id):
            book.add(trade)
        return book

    async def _ledger(self, wallet_id: str, mints: Collection[str] = ()) -> AsyncGenerator[LandedTrade, None]:
        """Go through what a wallet's trades did that are on the chain, oldest first; with `mints` those of them."""
        page = Page(_AT_ONCE)
        while True:
            async with self._store.reading() as records:
                landed = await records.landed(wallet_id, page, mints)
            for trade in landed.rows:
                yield trade
            if landed.next_key is None:
                return
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
