"""Policies that only narrow, and what trades are worth."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.domain.errors import PolicyViolation
from services.trading.domain.market import SOL, Pair, Price, Quote, valuation
from services.trading.domain.wallet import Policy, Usage

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINTS = ["mint1", "mint2", "mint3"]
NUMBERS = (
    "max_trade_lamports",
    "min_balance_lamports",
    "max_slippage_bps",
    "max_daily_trades",
    "max_daily_volume_lamports",
    "max_price_deviation_bps",
    "max_price_impact_bps",
)
LIMITS = st.fixed_dictionaries(
    {
        **dict.fromkeys(NUMBERS, st.integers(0, 20)),
        "allow_unpriced": st.booleans(),
        "allowed_mints": st.lists(st.sampled_from(MINTS), unique=True),
        "blocked_mints": st.lists(st.sampled_from(MINTS), unique=True),
    }
)


def allows(policy: Policy, pair: Pair, worth: int, unpriced: bool) -> bool:
    """Whether a policy lets a trade be made."""
    quote = Quote(pair, worth, worth, 0, Decimal(pair.slippage_bps) / 10_000)
    prices = {} if unpriced else dict.fromkeys(MINTS, Price("", Decimal(1), 9, None))
    prices |= {SOL: Price(SOL, Decimal(1), 9, None)}
    try:
        policy.check(pair, valuation(quote, prices), Usage(worth, worth, 0), worth)
    except PolicyViolation:
        return False
    return True


@given(
    LIMITS,
    LIMITS,
    st.sampled_from([SOL, *MINTS]),
    st.sampled_from([SOL, *MINTS]),
    st.integers(1, 20),
    st.integers(0, 20),
    st.booleans(),
)
def test_what_a_narrowed_policy_allows_both_would_have(
    present: dict[str, Any], more: dict[str, Any], source: str, target: str, worth: int, slippage: int, unpriced: bool
) -> None:
    policy = Policy(wallet_id="wal_1", update_time=NOW, **present)
    policy.tighten(more, NOW)
    pair = Pair(source, target, worth, slippage)
    if source != target and allows(policy, pair, worth, unpriced):
        for limits in (present, more):
            assert allows(Policy(wallet_id="wal_1", update_time=NOW, **limits), pair, worth, unpriced)


def test_lists_that_have_nothing_in_common_allow_sol_alone() -> None:
    policy = Policy(wallet_id="wal_1", update_time=NOW, allowed_mints=["mint1"])
    policy.tighten({"allowed_mints": ["mint2"]}, NOW)
    assert policy.allowed_mints == [SOL]
    policy.tighten({"allowed_mints": []}, NOW)
    assert policy.allowed_mints == [SOL], "an empty list is no limit"


def quoted(source: str, target: str, amount: int, output: int) -> Quote:
    return Quote(Pair(source, target, amount), output, output, 0, Decimal("0.01234"))


PRICES = {
    SOL: Price(SOL, Decimal(100), 9, None),
    "usdc": Price("usdc", Decimal(1), 6, None),
    "nap": Price("nap", Decimal("0.5"), 6, None),
}


@pytest.mark.parametrize(
    ("quote", "worth", "deviation"),
    [
        (quoted(SOL, "usdc", 10**9, 100 * 10**6), 10**9, 0),
        (quoted(SOL, "usdc", 10**9, 99 * 10**6), 10**9, 100),
        (quoted("usdc", SOL, 57 * 10**6, 1), 570_000_000, 10_000),
        (quoted("usdc", SOL, 57 * 10**6, 600_000_000), 600_000_000, 0),
        (quoted("usdc", "nap", 100 * 10**6, 180 * 10**6), 10**9, 1_000),
        (quoted("what", "usdc", 5, 100 * 10**6), 10**9, 0),
        (quoted(SOL, "what", 10**9, 5), 10**9, 0),
        (quoted("what", "ever", 5, 5), None, 0),
    ],
)
def test_a_trade_is_worth_its_larger_side(quote: Quote, worth: int | None, deviation: int) -> None:
    value = valuation(quote, PRICES)
    assert (value.worth_lamports, value.deviation_bps, value.impact_bps) == (worth, deviation, 124)


@pytest.mark.parametrize(
    ("usd", "decimals"), [("NaN", 6), ("Infinity", 6), ("1e999", 6), ("0", 6), ("-1", 6), ("1", 99)]
)
def test_a_price_that_no_token_has_is_none(usd: str, decimals: int) -> None:
    assert not Price("mint1", Decimal(usd), decimals, None).is_plausible
