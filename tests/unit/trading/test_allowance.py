"""What a wallet may still trade is what a trade is then accepted for, and not a base unit more."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trading.domain.allowance import Allowance, MintAllowance
from services.trading.domain.errors import InsufficientBalance, PolicyViolation, TradingHalted, WalletNotFound
from services.trading.domain.market import LAMPORTS_PER_SOL, SOL, Pair, Price
from services.trading.domain.trade import TradeState
from services.trading.domain.wallet import Policy, Usage
from tests.fakes.trading import FEE, RESERVE
from tests.unit.trading.conftest import AMOUNT, House, key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = st.integers(0, 30)
LIMITS = st.fixed_dictionaries(
    dict.fromkeys(
        ("max_trade_lamports", "min_balance_lamports", "max_daily_trades", "max_daily_volume_lamports"), SMALL
    )
)


def passes(check: Callable[[], None]) -> bool:
    with contextlib.suppress(PolicyViolation, InsufficientBalance):
        check()
        return True
    return False


@given(LIMITS, SMALL, SMALL, SMALL, SMALL, SMALL)
def test_what_is_allowed_passes_every_check_and_one_more_does_not(
    limits: dict[str, Any], trades: int, volume: int, pending: int, lamports: int, reserve: int
) -> None:
    policy, used = Policy(wallet_id="wal_1", update_time=NOW, **limits), Usage(trades, volume, pending)
    allowance = Allowance(policy, None, used, lamports, reserve)
    if allowance.remaining_trades and allowance.remaining_volume:
        assert passes(lambda: policy.check_worth(allowance.max_worth, used))
    assert not passes(lambda: policy.check_worth(allowance.max_worth + 1, used))
    if allowance.max_input:
        assert passes(lambda: policy.check_worth(allowance.max_input, used))
        assert passes(lambda: policy.check_left(lamports - pending - reserve - allowance.max_input))
    if allowance.free_lamports:
        assert passes(lambda: policy.check_left(lamports - pending - allowance.free_lamports))
    assert not passes(lambda: policy.check_left(lamports - pending - allowance.free_lamports - 1))


async def allowance_of(house: House, *mints: str) -> tuple[Allowance, list[MintAllowance]]:
    return await house.allowances.of((await house.wallet()).id, mints)


async def narrow(house: House, **limits: Any) -> None:
    await house.wallets.update_policy((await house.wallet()).id, limits, "", key("", "UpdatePolicy"))


@pytest.mark.parametrize(
    "limits",
    [
        {"max_trade_lamports": 3 * AMOUNT},
        {"max_daily_volume_lamports": 2 * AMOUNT + 1},
        {"max_daily_volume_lamports": AMOUNT},
        {"max_daily_trades": 1},
    ],
)
async def test_a_trade_at_the_allowance_is_accepted_and_one_lamport_above_is_refused(
    house: House, limits: dict[str, int]
) -> None:
    await narrow(house, **limits)
    await house.swap("before")
    allowance, _ = await allowance_of(house)
    with pytest.raises(PolicyViolation):
        await house.swap("above", Pair(SOL, "mint1", allowance.max_input + 1))
    if allowance.max_input:
        assert (await house.swap("at", Pair(SOL, "mint1", allowance.max_input))).state == TradeState.SETTLED
    else:
        assert allowance.max_worth == 0


async def test_where_the_balance_is_the_limit_only_what_fees_leave_may_be_given(house: House) -> None:
    wallet = await house.wallet()
    house.world.lamports_of[wallet.address] = 50_000_000 + AMOUNT
    house.world.lands = False
    await house.swap("open", Pair(SOL, "mint1", AMOUNT // 2), timeout_seconds=0.0)
    allowance, _ = await allowance_of(house)
    assert (allowance.free_lamports, allowance.max_input) == (AMOUNT // 2, AMOUNT // 2 - RESERVE)
    with pytest.raises(PolicyViolation, match="min_balance_lamports"):
        await house.swap("above", Pair(SOL, "mint1", allowance.free_lamports - FEE + 1), timeout_seconds=0.0)
    claimed = await house.swap("at", Pair(SOL, "mint1", allowance.free_lamports - FEE), timeout_seconds=0.0)
    assert claimed.state == TradeState.CLAIMED
    assert (await allowance_of(house))[0].free_lamports == FEE


async def test_while_halted_nothing_may_be_traded_and_the_reason_is_told(house: House) -> None:
    wallet = await house.wallet()
    await house.halts.halt(wallet.id, "odd", key("", "HaltTrading"))
    allowance, _ = await allowance_of(house)
    assert (allowance.max_worth, allowance.max_input, allowance.remaining_trades) == (0, 0, 10)
    assert allowance.halt is not None
    assert allowance.halt.reason == "odd"
    with pytest.raises(TradingHalted):
        await house.swap("halted", Pair(SOL, "mint1", 1))


async def test_it_grows_when_it_says_so_and_not_a_moment_before(house: House) -> None:
    await narrow(house, max_daily_trades=2)
    assert (await allowance_of(house))[0].increase_time is None
    await house.swap("first")
    first = house.clock.now()
    house.clock.advance(hours=1)
    await house.swap("second")
    allowance, _ = await allowance_of(house)
    assert (allowance.remaining_trades, allowance.increase_time) == (0, first + timedelta(hours=24))
    house.clock.advance(hours=22, minutes=59, seconds=59)
    assert (await allowance_of(house))[0].max_worth == 0
    house.clock.advance(seconds=1)
    allowance, _ = await allowance_of(house)
    assert (allowance.remaining_trades, allowance.increase_time) == (1, first + timedelta(hours=25))
    assert (await house.swap("third")).state == TradeState.SETTLED


async def test_of_a_token_as_much_may_be_given_as_is_accepted(house: House) -> None:
    wallet = await house.wallet()
    house.world.held[wallet.address] = {"mint1": LAMPORTS_PER_SOL, "mint2": 1_000, "mint3": 1_000}
    house.world.unpriced, house.world.usd = {"mint3"}, Decimal(100)
    house.world.quoted_rate = house.world.min_output_rate = house.world.output_rate = 1
    await narrow(house, blocked_mints=["mint4"])
    allowance, told = await allowance_of(house, "mint1", "mint2", "mint3", "mint4", SOL, "mint5")
    limit = allowance.max_worth * 100 // 105
    assert told == [
        MintAllowance("mint1", True, LAMPORTS_PER_SOL, limit),
        MintAllowance("mint2", True, 1_000, 1_000),
        MintAllowance("mint3", True, 1_000, None),
        MintAllowance("mint4", False, 0, 0),
        MintAllowance(SOL, True, LAMPORTS_PER_SOL, allowance.max_input),
        MintAllowance("mint5", True, 0, 0),
    ]
    with pytest.raises(PolicyViolation, match="max_trade_lamports"):
        await house.swap("above", Pair("mint1", SOL, allowance.max_worth + 1))
    with pytest.raises(PolicyViolation, match="blocked_mints"):
        await house.swap("blocked", Pair("mint4", SOL, 1))
    assert (await house.swap("at", Pair("mint1", SOL, limit))).state == TradeState.SETTLED


def test_what_may_be_given_of_a_token_is_allowed_by_the_dearest_price_and_a_quote_above_it() -> None:
    policy = Policy(wallet_id="wal_1", update_time=NOW, max_trade_lamports=LAMPORTS_PER_SOL // 10)
    allowance = Allowance(policy, None, Usage(0, 0, 0), LAMPORTS_PER_SOL, 0)
    sol = Price(SOL, Decimal(100), 9, None)
    cheap, dear = ({"usdc": Price("usdc", Decimal(usd), 6, None), SOL: sol} for usd in ("0.98", "1.01"))
    limit = allowance.of_mint("usdc", 40_000_000, [cheap, dear]).max_input
    assert limit is not None
    # A base unit is worth 10.1 lamports at the dearer price, and 5 % more by the quote.
    assert allowance.max_worth - 11 < limit * Decimal("10.605") <= allowance.max_worth
    assert allowance.of_mint("usdc", 40_000_000, [cheap, {SOL: sol}]).max_input is None, "one doesn't know it"


async def test_without_a_wallet_there_is_none(house: House) -> None:
    with pytest.raises(WalletNotFound):
        await house.allowances.of("wal_0", [])
    assert not house.world.asked


async def test_prices_are_asked_for_only_where_there_is_something_to_measure(house: House) -> None:
    await allowance_of(house, SOL, "mint1")
    assert "prices" not in house.world.asked
