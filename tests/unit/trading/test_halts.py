"""What halts do to trades that are open, and how a decision's price binds its trade."""

import pytest

from services.trading.domain.errors import NoRoute, PolicyViolation, TradingHalted
from services.trading.domain.market import SOL, Pair
from services.trading.domain.trade import TradeState
from services.trading.domain.wallet import ALL_WALLETS
from tests.unit.trading.conftest import AMOUNT, House, key


@pytest.mark.parametrize("is_for_all", [True, False])
async def test_a_claimed_trade_is_failed_unsigned_when_trading_is_halted(house: House, *, is_for_all: bool) -> None:
    wallet = await house.wallet()
    house.world.errors["prepare"] = [RuntimeError("killed")]
    trade = await house.swap(timeout_seconds=0.05)
    assert trade.state == TradeState.CLAIMED
    await house.halts.halt(ALL_WALLETS if is_for_all else wallet.id, "a test", key("", "HaltTrading"))
    await house.restart()
    await house.executor.resume()
    trade = await house.executor.wait(trade.id, 5)
    assert (trade.state, trade.state_cause, trade.signature) == (TradeState.FAILED, "TRADING_HALTED", "")
    assert "a test" in trade.state_reason
    with pytest.raises(TradingHalted):
        await house.swap("req_2")


async def test_a_wallets_own_halt_outlasts_the_one_over_all(house: House) -> None:
    wallet = await house.wallet()
    await house.halts.halt(wallet.id, "own", key("", "HaltTrading"))
    await house.halts.halt(ALL_WALLETS, "all", key("", "HaltTrading"))
    assert (await house.halts.resume(ALL_WALLETS, key("", "ResumeTrading"))) is None
    left = await house.wallets.halts([wallet])
    assert left[wallet.id].reason == "own"
    assert await house.halts.resume(wallet.id, key("", "ResumeTrading")) is None
    assert (await house.swap()).state == TradeState.SETTLED


async def test_a_policy_that_was_lowered_after_the_claim_is_obeyed(house: House) -> None:
    wallet = await house.wallet()
    house.world.errors["prepare"] = [RuntimeError("killed")]
    trade = await house.swap(timeout_seconds=0.05)
    await house.wallets.tighten_policy(wallet.id, {"max_trade_lamports": AMOUNT - 1}, key("", "TightenPolicy"))
    await house.restart()
    await house.executor.resume()
    trade = await house.executor.wait(trade.id, 5)
    assert (trade.state, trade.state_cause, trade.signature) == (TradeState.FAILED, "POLICY_VIOLATION", "")
    assert not house.vault.signed


async def test_limits_at_registration_hold_from_the_first_moment(house: House) -> None:
    made = await house.wallets.register("agt_b", "", key("", "RegisterWallet"), {"max_trade_lamports": 5})
    house.world.lamports_of[made.address] = 10**9
    with pytest.raises(PolicyViolation, match="max_trade_lamports"):
        await house.trades.execute(made.id, Pair(SOL, "mint1", 6), 0, key("req_1"), 1)


async def test_less_than_the_decision_asks_for_is_never_claimed(house: House) -> None:
    with pytest.raises(NoRoute, match="at least is asked for"):
        await house.swap(least_output=2 * AMOUNT + 1)
    trade = await house.swap("req_2", least_output=2 * AMOUNT)
    assert (trade.state, trade.min_output_amount) == (TradeState.SETTLED, 2 * AMOUNT)
