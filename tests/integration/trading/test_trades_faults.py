"""What third parties do wrong never makes a second swap, and never leaves a wrong ledger."""

import asyncio
import base64

import grpc
import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.trading.domain.trade import BLOCKHASH_LIFE
from tests.integration.trading.conftest import CHAIN_TIME, LAMPORTS_PER_SOL, Cluster, Trader, until
from tests.integration.trading.test_trades import RENT
from tests.support.refusals import refusal

EXECUTE = "POST /jupiter/swap/v2/execute"
SEND = "sendTransaction"
AMOUNT = 10_000_000


async def reconcile(trader: Trader, cluster: Cluster, trade: pb.Trade) -> None:
    """Check that a trade is the only one on the chain, and that it explains the balances to the base unit."""
    assert trade.state == pb.TRADE_STATE_SETTLED
    assert [landed["signature"] for landed in await cluster.landed(trader.wallet.address)] == [trade.signature]
    left = await cluster.lamports(trader.wallet.address)
    assert LAMPORTS_PER_SOL - left == trade.input_amount + trade.fee_lamports + RENT
    assert await trader.balance("SOCK") == trade.output_amount


@pytest.mark.parametrize("route", [EXECUTE, SEND])
@pytest.mark.parametrize("kind", ["lost_answer", "dropped"])
async def test_a_send_without_answer_or_effect_leads_to_one_swap(
    trader: Trader, cluster: Cluster, kind: str, route: str
) -> None:
    if route == SEND:
        await cluster.fault(kind="status", status=502, html=True, route=EXECUTE)
    await cluster.fault(kind=kind, route=route, seconds=0, times=1)
    await reconcile(trader, cluster, await trader.swap("SOL", "SOCK", AMOUNT))


async def test_while_the_aggregator_executes_nothing_the_same_bytes_go_to_the_node(
    trader: Trader, cluster: Cluster
) -> None:
    await cluster.fault(kind="status", status=500, route=EXECUTE)
    await reconcile(trader, cluster, await trader.swap("SOL", "SOCK", AMOUNT))


@pytest.mark.parametrize("confirm_seconds", [0.5])
async def test_a_swap_that_is_seen_late_is_unknown_and_then_settled(trader: Trader, cluster: Cluster) -> None:
    await cluster.fault(kind="late_visibility", route=EXECUTE, seconds=1.5, times=1)
    trade = await trader.swap("SOL", "SOCK", AMOUNT)
    assert trade.state == pb.TRADE_STATE_OUTCOME_UNKNOWN
    assert "no confirmation" in trade.state_reason
    await reconcile(trader, cluster, await trader.ended(trade.id))


@pytest.mark.parametrize("confirm_seconds", [0.5])
async def test_what_can_never_land_is_failed_and_gives_its_reservation_back(trader: Trader, cluster: Cluster) -> None:
    for route in (EXECUTE, SEND):
        await cluster.fault(kind="dropped", route=route)
    trade = await trader.swap("SOL", "SOCK", AMOUNT)
    assert trade.state == pb.TRADE_STATE_OUTCOME_UNKNOWN
    CHAIN_TIME.pass_blocks(BLOCKHASH_LIFE)
    trade = await trader.ended(trade.id)
    assert (trade.state, trade.fee_lamports, trade.output_amount) == (pb.TRADE_STATE_FAILED, 0, 0)
    assert "expired" in trade.state_reason
    assert await trader.swap("SOL", "SOCK", AMOUNT) == trade, "a repeated request never trades again"
    await cluster.heal()
    # All of the day's volume is free again.
    for number in range(10):
        again = await trader.swap("SOL", "SOCK", 90_000_000, f"again_{number}")
        assert again.state == pb.TRADE_STATE_SETTLED, again.state_reason


@pytest.mark.parametrize(
    "route", ["simulateTransaction", "getBlockHeight", "getSignatureStatuses", "getEpochInfo", "getTransaction"]
)
async def test_a_node_that_is_down_for_a_while_only_delays_a_swap(trader: Trader, cluster: Cluster, route: str) -> None:
    await cluster.fault(kind="status", status=503, route=route, seconds=0, times=3)
    await reconcile(trader, cluster, await trader.swap("SOL", "SOCK", AMOUNT))


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (429, grpc.StatusCode.RESOURCE_EXHAUSTED, "CHAIN_RATE_LIMITED"),
        (503, grpc.StatusCode.UNAVAILABLE, "CHAIN_UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("route", ["GET /jupiter/swap/v2/order", "getBalance"])
async def test_what_fails_before_the_claim_is_told_and_can_be_repeated(
    trader: Trader, cluster: Cluster, route: str, status: int, code: grpc.StatusCode, reason: str
) -> None:
    await cluster.fault(kind="status", status=status, route=route, seconds=7, times=1)
    told = await refusal(trader.swap("SOL", "SOCK", AMOUNT))
    assert (told.code, told.reason, told.retry_after) == (code, reason, 7.0)
    await reconcile(trader, cluster, await trader.swap("SOL", "SOCK", AMOUNT))


async def test_a_swap_that_fails_on_the_chain_costs_its_fee_and_is_failed(
    trading: TradingServiceStub, cluster: Cluster
) -> None:
    key = Keypair()
    request = pb.RegisterWalletRequest(agent_id="agt_b", private_key=str(key))
    trader = Trader(trading, (await trading.RegisterWallet(request)).wallet, cluster.mints)
    await cluster.fund(trader.wallet.address, LAMPORTS_PER_SOL)
    await cluster.fault(kind="latency", route=EXECUTE, seconds=0.6, times=1)
    swapping = asyncio.create_task(trader.swap("SOL", "SOCK", 90_000_000))

    async def is_signed() -> bool:
        listed = await trading.ListTrades(
            pb.ListTradesRequest(wallet_id=trader.wallet.id, states=[pb.TRADE_STATE_SIGNED])
        )
        return bool(listed.trades)

    await until(is_signed)
    await empty(key, cluster, 10_000_000)
    trade = await swapping
    assert trade.state == pb.TRADE_STATE_FAILED
    assert "failed on the chain" in trade.state_reason
    assert (trade.input_amount, trade.output_amount, trade.fee_lamports) == (90_000_000, 0, 15_000)
    assert await cluster.lamports(trader.wallet.address) == 10_000_000 - 15_000


async def empty(key: Keypair, cluster: Cluster, remainder: int) -> None:
    """Take everything but the remainder out of a wallet, behind the service's back."""
    newest = (await cluster.call("getLatestBlockhash", {"commitment": "processed"}))["value"]["blockhash"]
    lamports = await cluster.lamports(str(key.pubkey())) - remainder - 5_000
    step = transfer(TransferParams(from_pubkey=key.pubkey(), to_pubkey=Keypair().pubkey(), lamports=lamports))
    message = MessageV0.try_compile(key.pubkey(), [step], [], Hash.from_string(newest))
    wire = base64.b64encode(bytes(VersionedTransaction(message, [key]))).decode()
    await cluster.call("sendTransaction", wire, {"encoding": "base64", "skipPreflight": True})
