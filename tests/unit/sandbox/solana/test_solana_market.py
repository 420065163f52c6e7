"""Quotes cost what pools of that depth would take, and tokens are ranked by what happened to them."""

import pytest
from solders.pubkey import Pubkey

from sandbox.solana.market import FEE_BPS, Market, UnfillableError, UnknownTokenError
from sandbox.solana.tokens import TOKENS

BEGAN = 1_790_000_000.0
BY_SYMBOL = {token.symbol: token for token in TOKENS}
SOL, USDC, SOCK, FINE = (BY_SYMBOL[symbol] for symbol in ("SOL", "USDC", "SOCK", "FINE"))


@pytest.fixture
def market() -> Market:
    return Market(b"seed", BEGAN)


def test_a_small_swap_costs_hardly_more_than_its_fee(market: Market) -> None:
    quote = market.quote(SOL, USDC, 10**8, BEGAN)
    assert quote.out_usd == pytest.approx(quote.in_usd * (1 - FEE_BPS / 10_000), rel=1e-4)
    assert -1e-4 < quote.impact <= 0


def test_impact_grows_with_the_amount(market: Market) -> None:
    impacts = [market.quote(SOL, SOCK, sol * 10**9, BEGAN).impact for sol in (1, 10, 100)]
    assert impacts == sorted(impacts, reverse=True)
    assert impacts[-1] < -0.01


def test_there_and_back_never_gains(market: Market) -> None:
    for amount in (10_000, 10**7, 10**9, 10**11):
        there = market.quote(SOL, SOCK, amount, BEGAN)
        back = market.quote(SOCK, SOL, there.out_amount, BEGAN)
        assert back.out_amount < amount


def test_two_tokens_are_swapped_through_sol(market: Market) -> None:
    quote = market.quote(USDC, SOCK, 10**7, BEGAN)
    assert quote.out_usd == pytest.approx(10, rel=0.01)


def test_what_gives_nothing_or_everything_is_refused(market: Market) -> None:
    with pytest.raises(UnfillableError, match="too small"):
        market.quote(FINE, USDC, 1, BEGAN)
    with pytest.raises(UnfillableError, match="too large"):
        market.quote(SOL, FINE, 10**12, BEGAN)


def test_an_unknown_mint_has_no_market(market: Market) -> None:
    with pytest.raises(UnknownTokenError):
        market.token(Pubkey.new_unique())


def test_the_change_of_a_day_is_that_of_the_price(market: Market) -> None:
    change = market.price(SOCK, BEGAN) / market.price(SOCK, BEGAN - 86_400) - 1
    assert market.stats(SOCK, BEGAN, 86_400).price_change == pytest.approx(change * 100)


def test_volumes_of_adjoining_windows_add_up(market: Market) -> None:
    def volume(at: float, seconds: float) -> float:
        stats = market.stats(SOCK, at, seconds)
        return stats.buy_volume + stats.sell_volume

    assert volume(BEGAN, 7_000) == pytest.approx(volume(BEGAN, 3_000) + volume(BEGAN - 3_000, 4_000))


def test_only_fictional_tokens_are_ranked(market: Market) -> None:
    ranked = market.ranked("toptraded", BEGAN, 86_400)
    assert {token.symbol for token in ranked} == set(BY_SYMBOL) - {"SOL", "USDC"}
    volumes = [stats.buy_volume + stats.sell_volume for stats in (market.stats(t, BEGAN, 86_400) for t in ranked)]
    assert volumes == sorted(volumes, reverse=True)
