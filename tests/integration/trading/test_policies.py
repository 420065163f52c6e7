"""What wallets may do, through the wire, on each database."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.trading.bootstrap import opener
from services.trading.settings import TradingSettings
from tests.conftest import Serve
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, Cluster, Trader
from tests.support.refusals import fields_of, refusal

SOCKS = 10_000_000  # ten whole ones


@pytest.fixture
def settings(settings: TradingSettings, database_url: str) -> TradingSettings:
    return settings.model_copy(update={"database_url": database_url})


async def update_policy(trader: Trader, etag: str = "", request_id: str = "", **fields: Any) -> pb.Policy:
    policy = pb.Policy(wallet_id=trader.wallet.id, etag=etag, **fields)
    request = pb.UpdatePolicyRequest(policy=policy, update_mask=FieldMask(paths=list(fields)), request_id=request_id)
    return (await trader.trading.UpdatePolicy(request)).policy


async def violation(trader: Trader, source: str, target: str, amount: int, **fields: int) -> dict[str, str]:
    """Return the metadata of a refusal by policy."""
    told = await refusal(trader.swap(source, target, amount, "refused", **fields))
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "POLICY_VIOLATION")
    return told.metadata


async def test_a_new_wallet_has_a_careful_policy(trader: Trader) -> None:
    policy = (await trader.trading.GetPolicy(pb.GetPolicyRequest(wallet_id=trader.wallet.id))).policy
    assert policy.update_time.seconds > 0
    policy.ClearField("update_time")
    assert policy == pb.Policy(
        wallet_id=trader.wallet.id,
        max_trade_lamports=100_000_000,
        min_balance_lamports=50_000_000,
        max_slippage_bps=300,
        max_daily_trades=10,
        max_daily_volume_lamports=LAMPORTS_PER_SOL,
        max_price_deviation_bps=500,
        max_price_impact_bps=300,
        etag="0",
    )


async def test_a_change_sets_what_the_mask_names_once_and_only_on_the_current_state(trader: Trader) -> None:
    changed = await update_policy(trader, "0", "req_1", max_daily_trades=3, blocked_mints=[trader.mints["FINE"]])
    assert (changed.max_daily_trades, changed.max_slippage_bps, changed.etag) == (3, 300, "1")
    assert (
        await update_policy(trader, "0", "req_1", max_daily_trades=3, blocked_mints=[trader.mints["FINE"]]) == changed
    )
    told = await refusal(update_policy(trader, "0", max_daily_trades=4))
    assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_a_wrong_policy_is_refused_with_every_field_named(trader: Trader) -> None:
    wrong = update_policy(trader, max_slippage_bps=0, max_trade_lamports=2**63, allowed_mints=["x"])
    assert await fields_of(wrong) == {"policy.max_slippage_bps", "policy.max_trade_lamports", "policy.allowed_mints[0]"}


async def test_each_rule_refuses_what_breaks_it_and_nothing_is_claimed(trader: Trader, cluster: Cluster) -> None:
    assert await violation(trader, "SOL", "SOCK", 100_000_001) == {
        "rule": "max_trade_lamports",
        "limit": "100000000",
        "value": "100000001",
    }
    assert (await violation(trader, "SOL", "SOCK", 1_000, slippage_bps=301))["rule"] == "max_slippage_bps"
    await update_policy(trader, blocked_mints=[trader.mints["FINE"]])
    assert (await violation(trader, "SOL", "FINE", 1_000))["value"] == trader.mints["FINE"]
    await update_policy(trader, allowed_mints=[trader.mints["USDC"]])
    assert (await violation(trader, "SOL", "SOCK", 1_000))["rule"] == "allowed_mints"
    await update_policy(trader, min_balance_lamports=990_000_000)
    left = await violation(trader, "SOL", "USDC", 20_000_000)
    assert (left["rule"], left["limit"]) == ("min_balance_lamports", "990000000")
    await update_policy(trader, max_daily_volume_lamports=9_000_000)
    assert (await violation(trader, "SOL", "USDC", 9_000_001))["rule"] == "max_daily_volume_lamports"
    await update_policy(trader, max_daily_trades=0)
    assert (await violation(trader, "SOL", "USDC", 1_000))["rule"] == "max_daily_trades"
    assert not (await trader.trading.ListTrades(pb.ListTradesRequest(wallet_id=trader.wallet.id))).trades
    assert not await cluster.landed(trader.wallet.address)


async def test_tokens_are_measured_by_what_they_are_worth_in_sol(trader: Trader) -> None:
    bought = await trader.swap("SOL", "SOCK", 90_000_000)
    assert bought.state == pb.TRADE_STATE_SETTLED, bought.state_reason
    await update_policy(trader, max_trade_lamports=40_000_000)
    for target in ("SOL", "USDC"):
        told = await violation(trader, "SOCK", target, bought.output_amount // 2)
        assert told["rule"] == "max_trade_lamports"
        assert 44_000_000 < int(told["value"]) < 46_000_000


@pytest.mark.parametrize(
    ("limit", "allowed"), [({"max_daily_trades": 3}, 3), ({"max_daily_volume_lamports": 20_000_000}, 2)]
)
async def test_trades_at_once_cannot_overspend_and_a_restart_forgets_nothing(
    serve: Serve, settings: TradingSettings, cluster: Cluster, limit: dict[str, int], allowed: int
) -> None:
    async with serve("trading", settings, opener(settings)) as channel:
        trading = TradingServiceStub(channel)
        wallet = (await trading.RegisterWallet(pb.RegisterWalletRequest(agent_id="agt_a"))).wallet
        trader = Trader(trading, wallet, cluster.mints)
        await cluster.fund(wallet.address, LAMPORTS_PER_SOL)
        await update_policy(trader, "", "", **limit)
        swaps = [trader.swap("SOL", "SOCK", 10_000_000, f"req_{number}") for number in range(12)]
        ended = await asyncio.gather(*swaps, return_exceptions=True)
        settled = [trade for trade in ended if isinstance(trade, pb.Trade)]
        states = [(trade.state, trade.state_reason) for trade in settled]
        assert [state for state, _ in states] == [pb.TRADE_STATE_SETTLED] * allowed, states
        assert all(isinstance(trade, pb.Trade | grpc.aio.AioRpcError) for trade in ended)
    async with serve("trading", settings, opener(settings)) as channel:
        trader = Trader(TradingServiceStub(channel), wallet, cluster.mints)
        assert (await violation(trader, "SOL", "SOCK", 10_000_000))["rule"] == next(iter(limit))
    assert len(await cluster.landed(wallet.address)) == allowed


async def test_a_wallet_that_lacks_the_amount_or_the_fee_is_told(trader: Trader) -> None:
    await update_policy(trader, max_trade_lamports=10**12, max_daily_volume_lamports=10**12, min_balance_lamports=0)
    for source, target, amount in (("SOL", "SOCK", LAMPORTS_PER_SOL), ("SOCK", "SOL", SOCKS)):
        told = await refusal(trader.swap(source, target, amount))
        assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_BALANCE")
