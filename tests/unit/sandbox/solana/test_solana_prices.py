"""Prices are a pure function of seed and time, and move like prices."""

import itertools
import math
import statistics

from sandbox.solana.prices import BLOCK_SECONDS, PriceWalk

DAY = 86_400.0


def test_a_price_depends_on_seed_and_time_and_not_on_what_was_asked_before() -> None:
    fresh, used = (PriceWalk(b"seed", 2.0, 0.4, 0.0) for _ in range(2))
    for hour in range(200, 0, -7):
        used.price(hour * 3_600.0)
    assert fresh.price(123_456.7) == used.price(123_456.7)
    assert fresh.price(123_456.7) != PriceWalk(b"other", 2.0, 0.4, 0.0).price(123_456.7)


def test_a_price_does_not_jump_between_blocks() -> None:
    walk = PriceWalk(b"seed", 1.0, 0.4, 0.0)
    for block in range(1, 40):
        edge = block * BLOCK_SECONDS
        assert math.isclose(walk.price(edge - 1e-3), walk.price(edge + 1e-3), rel_tol=1e-3)


def test_daily_returns_are_as_volatile_as_the_token_is() -> None:
    walk = PriceWalk(b"seed", 1.0, 0.3, 0.0)
    prices = [walk.price(day * DAY) for day in range(1_000)]
    returns = [math.log(after / before) for before, after in itertools.pairwise(prices)]
    assert 0.2 < statistics.stdev(returns) < 0.6


def test_minutes_move_less_than_days_but_they_move() -> None:
    walk = PriceWalk(b"seed", 1.0, 0.3, 0.0)
    minutes = [walk.price(DAY + 60 * minute) for minute in range(300)]
    returns = [math.log(after / before) for before, after in itertools.pairwise(minutes)]
    assert 0.002 < statistics.stdev(returns) < 0.03


def test_years_do_not_carry_a_price_to_zero_or_the_moon() -> None:
    walk = PriceWalk(b"seed", 1.0, 0.5, 0.0)
    assert all(1e-3 < walk.price(week * 7 * DAY) < 1e3 for week in range(150))


def test_what_has_no_volatility_keeps_its_price() -> None:
    walk = PriceWalk(b"seed", 1.0, 0.0, 0.0)
    assert {walk.price(day * DAY) for day in range(30)} == {1.0}


def test_before_its_origin_a_walk_stands_at_the_start() -> None:
    assert PriceWalk(b"seed", 3.0, 0.5, 1_000.0).price(10.0) == 3.0
