"""What is claimed, what is refused, and what a repeated request gets."""

import asyncio

import pytest

from services.runtime.errors import Conflict, RequestIdReused
from services.runtime.pages import Page
from services.trading.domain.errors import (
    ChainUnavailable,
    InsufficientBalance,
    PolicyViolation,
    WalletExists,
    WalletNotFound,
)
from services.trading.domain.market import SOL, Pair
from services.trading.domain.trade import TradeState
from tests.unit.trading.conftest import AMOUNT, PAIR, House, key


async def test_a_repeated_request_asks_nobody_and_claims_nothing(house: House) -> None:
    first = await house.swap()
    asked = len(house.world.asked)
    assert await house.swap() == first
    assert len(house.world.asked) == asked
    with pytest.raises(RequestIdReused):
        await house.trades.execute(first.wallet_id, PAIR, 0, key("req_1", body="other"), 1)


async def test_a_hopeless_trade_is_refused_before_anybody_is_asked(house: House) -> None:
    with pytest.raises(PolicyViolation, match="max_trade_lamports"):
        await house.swap(pair=Pair(SOL, "mint1", 100_000_001))
    assert not house.world.asked
    with pytest.raises(WalletNotFound):
        await house.trades.execute("wal_0", PAIR, 0, key("req_1"), 1)


async def test_without_a_price_a_token_cannot_be_measured_and_is_refused(house: House) -> None:
    house.world.unpriced = {"mint1", "mint2"}
    with pytest.raises(PolicyViolation, match="has no price"):
        await house.swap(pair=Pair("mint1", "mint2", 1_000))


async def test_open_trades_count_against_what_must_remain(house: House) -> None:
    wallet = await house.wallet()
    house.world.lands = False
    house.world.lamports_of[wallet.address] = 75_000_000
    await house.swap("req_1", timeout_seconds=0.0)
    with pytest.raises(PolicyViolation, match="min_balance_lamports"):
        await house.trades.execute(wallet.id, Pair(SOL, "mint2", 2 * AMOUNT), 0, key("req_2"), 0.0)
    house.world.lamports_of[wallet.address] = 15_000_000
    with pytest.raises(InsufficientBalance):
        await house.trades.execute(wallet.id, PAIR, 0, key("req_2"), 0.0)


async def test_a_failed_trade_gives_back_what_a_settled_one_keeps_for_a_day(house: House) -> None:
    wallet = await house.wallet()
    await house.wallets.update_policy(wallet.id, {"max_daily_trades": 1}, "", key("", "UpdatePolicy"))
    house.world.output_rate = 1
    assert (await house.swap("req_1")).state == TradeState.FAILED
    house.world.output_rate = 2
    assert (await house.swap("req_2")).state == TradeState.SETTLED
    with pytest.raises(PolicyViolation, match="max_daily_trades"):
        await house.swap("req_3")
    house.clock.advance(hours=24)
    assert (await house.swap("req_3")).state == TradeState.SETTLED


async def test_slippage_is_the_policys_limit_unless_less_is_asked_for(house: House) -> None:
    assert (await house.swap("req_1")).slippage_bps == 300
    assert (await house.swap("req_2", Pair(SOL, "mint1", AMOUNT, 50))).slippage_bps == 50


async def test_an_agent_has_one_wallet_and_a_key_one_agent(house: House) -> None:
    wallet = await house.wallet()
    assert await house.wallet() == wallet
    for agent_id, private_key in (("agt_a", ""), ("agt_b", f"key of {wallet.address}")):
        with pytest.raises(WalletExists):
            await house.wallets.register(agent_id, private_key, key("", "RegisterWallet"))


async def test_a_policy_changes_once_for_a_request_and_only_from_its_present_state(house: House) -> None:
    wallet = await house.wallet()
    change = {"max_slippage_bps": 100}
    policies = [await house.wallets.update_policy(wallet.id, change, "0", key("req", "UpdatePolicy")) for _ in range(2)]
    assert [(policy.max_slippage_bps, policy.etag) for policy in policies] == [(100, "1")] * 2
    with pytest.raises(Conflict):
        await house.wallets.update_policy(wallet.id, change, "0", key("", "UpdatePolicy"))


async def test_balances_come_without_symbols_when_nobody_knows_them(house: House) -> None:
    wallet = await house.wallet()
    house.world.errors["symbols"] = [ChainUnavailable("down")]
    symbols = [[b.symbol for b in (await house.wallets.balances(wallet.id, Page(5))).rows] for _ in range(2)]
    assert symbols == [[""], ["SOL"]]


async def test_trades_at_once_reserve_no_more_than_the_day_allows(house: House) -> None:
    wallet = await house.wallet()
    await house.wallets.update_policy(wallet.id, {"max_daily_volume_lamports": 3 * AMOUNT}, "", key("", "UpdatePolicy"))
    ended = await asyncio.gather(*(house.swap(f"req_{n}") for n in range(9)), return_exceptions=True)
    assert sum(isinstance(end, PolicyViolation) for end in ended) == 6


async def test_a_threshold_below_the_slippage_that_was_asked_for_is_not_believed(house: House) -> None:
    house.world.min_output_rate = 0
    house.world.output_rate = 1
    trade = await house.swap()
    assert trade.state == TradeState.FAILED
    assert f"{2 * AMOUNT * 97 // 100} at least" in trade.state_reason
