"""What tokens cost, and what came of them: average cost, whatever came in or left otherwise."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.pages import Page
from services.trading.domain.errors import ChainUnavailable, WalletNotFound
from services.trading.domain.market import SOL, Balance, Pair, Price
from services.trading.domain.portfolio import Book, Holding, LandedTrade, Portfolio, Position, Quotation, Realisation
from services.trading.domain.trade import TradeState
from tests.fakes.trading import FEE
from tests.unit.trading.conftest import AMOUNT, House

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINTS = ("mint1", "mint2")
AMOUNTS = st.integers(0, 10**12)


def landed(source: str, amount: int, target: str, output: int, worth: int = 0, fee: int = 5_000) -> LandedTrade:
    return LandedTrade("trd_1", source, target, amount, output, worth, fee, True, NOW)


def bought(amount: int, lamports: int, mint: str = "mint1") -> LandedTrade:
    return landed(SOL, lamports, mint, amount)


def sold(amount: int, lamports: int, mint: str = "mint1") -> LandedTrade:
    return landed(mint, amount, SOL, lamports)


def book_of(*trades: LandedTrade) -> Book:
    book = Book()
    for trade in trades:
        book.add(trade)
    return book


def test_purchases_have_one_average_and_a_sale_takes_its_part_of_it() -> None:
    position = book_of(bought(100, 1_000), bought(100, 3_000), sold(50, 1_500)).positions["mint1"]
    assert (position.amount, position.cost_lamports, position.realised_lamports) == (150, 3_000, 500)


def test_what_is_sold_out_has_neither_amount_nor_cost_and_begins_anew() -> None:
    position = book_of(bought(3, 1_000), sold(1, 100), sold(2, 100), bought(5, 40)).positions["mint1"]
    assert (position.amount, position.cost_lamports, position.realised_lamports) == (5, 40, -800)


def test_what_came_in_otherwise_is_sold_last_and_its_proceeds_are_no_gain() -> None:
    position = book_of(bought(100, 1_000), sold(400, 8_000)).positions["mint1"]
    assert (position.realised_lamports, position.uncosted_proceeds) == (1_000, 6_000)
    alone = book_of(sold(400, 8_000))
    assert (alone.realised_lamports, alone.uncosted_proceeds) == (0, 8_000)


def test_a_swap_between_tokens_is_a_sale_and_a_purchase_for_what_it_counted_for() -> None:
    book = book_of(bought(100, 1_000), landed("mint1", 50, "mint2", 7, worth=800), sold(7, 900, "mint2"))
    assert book.positions["mint1"].realised_lamports == 300
    assert book.positions["mint2"].realised_lamports == 100
    assert (book.realised_lamports, book.trades) == (400, 3)


def test_what_failed_on_the_chain_moved_nothing_and_cost_its_fee() -> None:
    failed = LandedTrade("trd_1", SOL, "mint1", 500, 0, 500, 7_000, False, NOW)
    book = book_of(bought(100, 1_000), failed)
    assert (book.fee_lamports, book.trades, book.positions["mint1"].amount) == (12_000, 1, 100)


def test_a_purchase_that_brought_nothing_is_a_loss() -> None:
    assert book_of(bought(0, 1_000)).realised_lamports == -1_000


def test_each_trade_tells_what_it_realised_and_nothing_where_no_cost_is_known() -> None:
    book = Book()
    told = [
        book.add(bought(100, 1_000)),
        book.add(sold(50, 800)),
        book.add(sold(100, 1_200)),  # of what came in otherwise, half
        book.add(sold(10, 90)),
        book.add(bought(0, 70)),
    ]
    assert told == [
        Realisation(),
        Realisation(300),
        Realisation(100, 600),
        Realisation(None, 90),
        Realisation(-70),
    ]
    assert book.add(bought(10, 100, "mint2")) == Realisation()
    assert book.add(landed("mint2", 10, "mint1", 0, worth=160)) == Realisation(60 - 160)


TRADES = st.lists(
    st.tuples(st.booleans(), st.sampled_from(MINTS), st.integers(1, 10**12), AMOUNTS).map(
        lambda drawn: (bought if drawn[0] else sold)(drawn[2], drawn[3], drawn[1])
    ),
    max_size=12,
)


@given(TRADES)
def test_what_trades_realised_adds_up_to_what_the_book_says(trades: list[LandedTrade]) -> None:
    book = Book()
    told = sum(map(book.add, trades), Realisation())
    assert ((told.pnl_lamports or 0), told.uncosted_proceeds) == (book.realised_lamports, book.uncosted_proceeds)


@given(TRADES)
def test_every_lamport_that_was_given_or_came_back_is_in_one_place(trades: list[LandedTrade]) -> None:
    book = book_of(*trades)
    given_out = sum(trade.input_amount for trade in trades if trade.input_mint == SOL)
    came_back = sum(trade.output_amount for trade in trades if trade.output_mint == SOL)
    cost_left = sum(position.cost_lamports for position in book.positions.values())
    assert came_back - given_out == book.realised_lamports + book.uncosted_proceeds - cost_left
    for position in book.positions.values():
        assert position.amount >= 0
        assert position.cost_lamports >= 0
        assert position.amount or not position.cost_lamports


def holding(amount: int, position: Position, usd: str | None = "1") -> Holding:
    sol = Price(SOL, Decimal(100), 9, None)
    quotation = Quotation(Price("mint1", Decimal(usd), 6, None), sol, NOW) if usd else None
    return Holding(Balance("mint1", amount, 6), position, quotation)


@pytest.mark.parametrize(
    ("amount", "costed", "cost", "value", "unrealised"),
    [
        (1_000_000, 1_000_000, 8_000_000, 10_000_000, 2_000_000),
        (1_500_000, 1_000_000, 8_000_000, 15_000_000, 2_000_000),  # some came in otherwise
        (250_000, 250_000, 2_000_000, 2_500_000, 500_000),  # some left otherwise
        (0, 0, 0, 0, None),
    ],
)
def test_only_what_has_a_cost_has_a_gain(
    amount: int, costed: int, cost: int, value: int, unrealised: int | None
) -> None:
    found = holding(amount, Position(1_000_000, 8_000_000))
    assert (found.costed_amount, found.cost_lamports, found.value_lamports, found.unrealised_lamports) == (
        costed,
        cost,
        value,
        unrealised,
    )


def test_without_a_price_or_at_one_that_nobody_can_pay_there_is_no_value() -> None:
    position = Position(1_000_000, 8_000_000)
    for found in (holding(1_000_000, position, None), holding(2**64 - 1, position, "1e12")):
        assert (found.value_lamports, found.unrealised_lamports) == (None, None)
        assert found.cost_lamports == 8_000_000


async def portfolio_of(house: House, size: int = 50, *, only_traded: bool = False) -> tuple[Portfolio, list[Holding]]:
    whole, listed = await house.portfolios.page((await house.wallet()).id, Page(size), only_traded=only_traded)
    return whole, list(listed.rows)


async def test_a_portfolio_is_the_balances_beside_what_the_trades_cost(house: House) -> None:
    wallet = await house.wallet()
    await house.swap("buy")
    house.clock.advance(minutes=1)
    house.world.held[wallet.address] = {"mint1": 2 * AMOUNT + 8, "spam": 5}
    whole, (bought_one, spam) = await portfolio_of(house)
    assert (whole.lamports, whole.book.trades, whole.book.fee_lamports) == (10**9, 1, FEE)
    assert whole.read_time == house.clock.now()
    assert (bought_one.costed_amount, bought_one.cost_lamports) == (2 * AMOUNT, AMOUNT)
    assert (bought_one.value_lamports, bought_one.unrealised_lamports) == (AMOUNT + 4, 0)
    assert bought_one.position.purchase_time == house.clock.now() - timedelta(minutes=1)
    assert (spam.balance.mint, spam.costed_amount, spam.unrealised_lamports) == ("spam", 0, None)
    assert [found.balance.mint for found in (await portfolio_of(house, only_traded=True))[1]] == ["mint1"]


async def test_what_was_sold_out_is_still_told_of(house: House) -> None:
    await house.swap("buy")
    await house.swap("sell", Pair("mint1", SOL, 2 * AMOUNT))
    _, [gone] = await portfolio_of(house)
    assert (gone.balance.amount, gone.position.realised_lamports) == (0, 3 * AMOUNT)
    assert gone.position.sale_time is not None


async def test_of_several_trades_each_is_told_by_what_came_before_it(house: House) -> None:
    trades = [await house.swap("buy"), await house.swap("half", Pair("mint1", SOL, AMOUNT))]
    trades += [await house.swap("more"), await house.swap("other", Pair(SOL, "mint2", 7))]
    trades += [await house.swap("sell", Pair("mint1", SOL, 2 * AMOUNT))]
    told = await house.portfolios.realisations(trades)
    assert {trade.request_id: told[trade.id] for trade in trades if trade.id in told} == {
        "half": Realisation(2 * AMOUNT - AMOUNT // 2),
        "sell": Realisation(4 * AMOUNT - AMOUNT),
    }
    whole, _ = await portfolio_of(house)
    assert sum(one.pnl_lamports or 0 for one in told.values()) == whole.book.realised_lamports
    assert await house.portfolios.realisations(trades[:1]) == {}


async def test_a_page_of_sales_reads_the_ledger_of_what_they_sold_once(house: House) -> None:
    await house.swap("buy")
    await house.swap("other", Pair(SOL, "mint2", 7))
    sales = [await house.swap(f"sell_{number}", Pair("mint1", SOL, 1)) for number in range(3)]
    house.store.ledger_reads.clear()
    assert len(await house.portfolios.realisations(sales)) == 3
    assert house.store.ledger_reads == [{"mint1"}]


async def test_an_open_trade_counts_for_nothing_yet(house: House) -> None:
    house.world.lands = False
    await house.swap("open", timeout_seconds=0.0)
    whole, holdings = await portfolio_of(house)
    assert (whole.book.trades, whole.book.fee_lamports, holdings) == (0, 0, [])


async def test_while_nobody_tells_prices_holdings_have_a_cost_and_no_value(house: House) -> None:
    wallet = await house.wallet()
    await house.swap("buy")
    house.world.held[wallet.address] = {"mint1": 2 * AMOUNT}
    house.world.errors["prices"] = [ChainUnavailable("down")]
    for has_value in (False, True):
        _, [found] = await portfolio_of(house)
        assert found.cost_lamports == AMOUNT
        assert (found.value_lamports is not None) == has_value


async def test_pages_go_by_mint_and_a_wallet_that_is_not_there_has_none(house: House) -> None:
    wallet = await house.wallet()
    house.world.held[wallet.address] = {f"mint{number}": 1 for number in range(5)}
    seen: list[str] = []
    page = Page(2)
    while True:
        _, listed = await house.portfolios.page(wallet.id, page, only_traded=False)
        seen += [found.balance.mint for found in listed.rows]
        if listed.next_key is None:
            break
        page = Page(2, listed.next_key)
    assert seen == [f"mint{number}" for number in range(5)]
    with pytest.raises(WalletNotFound):
        await house.portfolios.page("wal_0", Page(2), only_traded=False)


async def test_a_failed_trade_that_landed_is_in_the_fees(house: House) -> None:
    failed = await house.swap("buy")
    store = house.store.tables.trades[failed.id]
    store.state, store.slot = TradeState.FAILED, 1_000
    whole, holdings = await portfolio_of(house)
    assert (whole.book.fee_lamports, whole.book.trades, holdings) == (FEE, 0, [])
