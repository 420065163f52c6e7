"""Swaps through the wire, on a chain that works."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.runtime.rpc import boundary
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, Cluster, Trader
from tests.support.refusals import reason_of, refusal

RENT = 2_039_280
"""What a token account has to hold, in lamports."""


async def test_a_purchase_settles_with_the_amounts_and_the_fee_of_the_chain(trader: Trader, cluster: Cluster) -> None:
    trade = await trader.swap("SOL", "SOCK", 10_000_000)
    assert trade.state == pb.TRADE_STATE_SETTLED
    assert trade.input_amount == 10_000_000
    [landed] = await cluster.landed(trader.wallet.address)
    assert trade.signature == landed["signature"]
    assert trade.fee_lamports == landed["meta"]["fee"] == 15_000
    assert trade.output_amount == await trader.balance("SOCK") > 0
    left = await cluster.lamports(trader.wallet.address)
    assert LAMPORTS_PER_SOL - left == trade.input_amount + trade.fee_lamports + RENT


async def test_what_was_bought_can_be_sold_and_swapped_on(trader: Trader, cluster: Cluster) -> None:
    bought = await trader.swap("SOL", "SOCK", 50_000_000, "buy")
    swapped = await trader.swap("SOCK", "USDC", bought.output_amount // 2, "swap")
    before = await cluster.lamports(trader.wallet.address)
    sold = await trader.swap("SOCK", "SOL", bought.output_amount - swapped.input_amount, "sell")
    assert {bought.state, swapped.state, sold.state} == {pb.TRADE_STATE_SETTLED}
    assert await trader.balance("SOCK") == 0
    assert await trader.balance("USDC") == swapped.output_amount
    assert await cluster.lamports(trader.wallet.address) - before == sold.output_amount - sold.fee_lamports


async def test_a_repeated_request_returns_the_trade_of_the_first(trader: Trader, cluster: Cluster) -> None:
    first, *others = await asyncio.gather(*(trader.swap("SOL", "SOCK", 10_000_000) for _ in range(5)))
    assert first.state == pb.TRADE_STATE_SETTLED
    assert all(other == first for other in others)
    assert await reason_of(trader.swap("SOL", "SOCK", 10_000_001)) == "REQUEST_ID_REUSED"
    assert len(await cluster.landed(trader.wallet.address)) == 1


async def test_trades_of_one_wallet_follow_one_another(trader: Trader, cluster: Cluster) -> None:
    trades = await asyncio.gather(*(trader.swap("SOL", "SOCK", 10_000_000 + n, f"req_{n}") for n in range(4)))
    assert {trade.state for trade in trades} == {pb.TRADE_STATE_SETTLED}
    order = [landed["signature"] for landed in await cluster.landed(trader.wallet.address)]
    assert order == [trade.signature for trade in sorted(trades, key=lambda trade: trade.id)]


async def test_trades_are_listed_newest_first_by_page_and_state(
    trader: Trader, trading: TradingServiceStub, wallet: pb.Wallet
) -> None:
    made = [await trader.swap("SOL", "SOCK", 10_000_000, f"req_{number}") for number in range(3)]
    listed: list[pb.Trade] = []
    token = ""
    while True:
        request = pb.ListTradesRequest(wallet_id=wallet.id, page_size=2, page_token=token)
        page = await trading.ListTrades(request)
        listed += page.trades
        if not (token := page.next_page_token):
            break
    assert listed == list(reversed(made))
    failed = await trading.ListTrades(pb.ListTradesRequest(wallet_id=wallet.id, states=[pb.TRADE_STATE_FAILED]))
    assert not failed.trades


async def test_a_call_with_a_short_deadline_gets_the_present_state(
    trader: Trader, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine needs longer for its answer than the half second that is kept for it.
    monkeypatch.setattr(boundary, "_ANSWER_SECONDS", 9.0)
    await cluster.fault(kind="latency", route="getSignatureStatuses", seconds=3, times=1)
    request = pb.ExecuteTradeRequest(
        wallet_id=trader.wallet.id,
        input_mint=trader.mints["SOL"],
        output_mint=trader.mints["SOCK"],
        amount=10_000_000,
        request_id="req_1",
    )
    trade = (await trader.trading.ExecuteTrade(request, timeout=10.0)).trade
    assert trade.state in (pb.TRADE_STATE_CLAIMED, pb.TRADE_STATE_SIGNED)
    assert (await trader.ended(trade.id)).state == pb.TRADE_STATE_SETTLED


async def test_a_wrong_request_is_refused_with_every_field_named(trading: TradingServiceStub) -> None:
    request = pb.ExecuteTradeRequest(input_mint="sol", output_mint="0", slippage_bps=5_001)
    told = await refusal(trading.ExecuteTrade(request))
    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    fields = {violation.field for violation in told.violations}
    assert fields == {"wallet_id", "request_id", "input_mint", "output_mint", "amount", "slippage_bps"}


async def test_what_is_not_there_is_not_found(trading: TradingServiceStub, trader: Trader) -> None:
    calls: dict[str, Awaitable[Any]] = {
        "TRADE_NOT_FOUND": trading.GetTrade(pb.GetTradeRequest(id="trd_0")),
        "WALLET_NOT_FOUND": trading.ListTrades(pb.ListTradesRequest(wallet_id="wal_0")),
    }
    for reason, call in calls.items():
        told = await refusal(call)
        assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, reason)
    trader.wallet.id = "wal_0"
    assert await reason_of(trader.swap("SOL", "SOCK", 10_000_000)) == "WALLET_NOT_FOUND"
