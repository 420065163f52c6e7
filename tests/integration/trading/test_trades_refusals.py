"""What Jupiter and a node refuse, in the forms that they have for it, becomes a status that says what to do."""

import time
from typing import Any

import grpc
import pytest
from solders.keypair import Keypair

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, Cluster, Trader
from tests.integration.trading.test_trades_faults import AMOUNT, empty, reconcile
from tests.support.refusals import reason_of, refusal

ORDER, EXECUTE, PRICE = "GET /jupiter/swap/v2/order", "POST /jupiter/swap/v2/execute", "GET /jupiter/price/v3"


def of_a_node(code: int, **more: Any) -> dict[str, Any]:
    """Return a fault: an error of a node's with status 200, as they come."""
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "no", **more}}
    return {"kind": "status", "status": 200, "body": body}


async def test_a_quote_is_one_that_can_be_had(trader: Trader, cluster: Cluster, trading: TradingServiceStub) -> None:
    query = {"inputMint": cluster.mints["SOL"], "outputMint": cluster.mints["SOCK"], "amount": str(AMOUNT)}
    best = (await cluster.http.get("/jupiter/swap/v2/order", params=query)).json()
    assert best["router"] == "jupiterz"
    await reconcile(trader, cluster, await trader.swap("SOL", "SOCK", AMOUNT))


async def test_an_order_of_a_market_maker_that_comes_nevertheless_is_no_route(trader: Trader, cluster: Cluster) -> None:
    query = {"inputMint": cluster.mints["SOL"], "outputMint": cluster.mints["SOCK"], "amount": str(AMOUNT)}
    query |= {"taker": trader.wallet.address}
    order = (await cluster.http.get("/jupiter/swap/v2/order", params=query)).json()
    await cluster.fault(kind="status", status=200, route=ORDER, body=order)
    assert await reason_of(trader.swap("SOL", "SOCK", AMOUNT)) == "NO_ROUTE"


async def test_a_wallet_that_would_be_sponsored_is_told_that_it_lacks_sol(
    trading: TradingServiceStub, cluster: Cluster
) -> None:
    key = Keypair()
    request = pb.RegisterWalletRequest(agent_id="agt_b", private_key=str(key))
    trader = Trader(trading, (await trading.RegisterWallet(request)).wallet, cluster.mints)
    await cluster.fund(trader.wallet.address, LAMPORTS_PER_SOL)
    bought = await trader.swap("SOL", "SOCK", 90_000_000, "req_0")
    await empty(key, cluster, 5_000_000)
    query = {"inputMint": cluster.mints["SOCK"], "outputMint": cluster.mints["SOL"], "excludeRouters": "jupiterz"}
    query |= {"amount": str(bought.output_amount), "taker": trader.wallet.address}
    order = (await cluster.http.get("/jupiter/swap/v2/order", params=query)).json()
    assert (order["router"], order["gasless"], bool(order["transaction"])) == ("metis", True, True)
    told = await refusal(trader.swap("SOCK", "SOL", bought.output_amount))
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_BALANCE")


@pytest.mark.parametrize("route", [ORDER, PRICE])
async def test_a_refused_key_is_told(trader: Trader, cluster: Cluster, route: str) -> None:
    await cluster.fault(kind="status", status=401, route=route, body={"message": "Unauthorized"})
    told = await refusal(trader.swap("SOL", "SOCK", AMOUNT))
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CHAIN_ACCESS_REFUSED")


async def test_a_rate_limit_is_told_with_its_end(trader: Trader, cluster: Cluster) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 40)}
    await cluster.fault(kind="status", status=429, route=ORDER, body={"message": "too many"}, headers=headers)
    told = await refusal(trader.swap("SOL", "SOCK", AMOUNT))
    assert told.reason == "CHAIN_RATE_LIMITED"
    assert 10 < (told.retry_after or 0) <= 40


@pytest.mark.parametrize("code", [-32000, -32005, -32015, -32019, -32021, -32429])
@pytest.mark.parametrize("method", ["getSignatureStatuses", "getTransaction", "sendTransaction", "simulateTransaction"])
async def test_a_node_that_cannot_say_it_now_only_delays_a_swap(
    trader: Trader, cluster: Cluster, method: str, code: int
) -> None:
    if method == "sendTransaction":
        await cluster.fault(kind="status", status=502, html=True, route=EXECUTE)
    await cluster.fault(route=method, times=1, **of_a_node(code))
    trade = await trader.swap("SOL", "SOCK", AMOUNT)
    await reconcile(trader, cluster, await trader.ended(trade.id))


async def test_a_failure_with_a_name_of_tomorrow_ends_the_trade_and_the_next_one_is_made(
    trader: Trader, cluster: Cluster
) -> None:
    first = await trader.swap("SOL", "SOCK", AMOUNT, "req_0")
    options = {"encoding": "base64", "commitment": "confirmed", "maxSupportedTransactionVersion": 1}
    shown = await cluster.call("getTransaction", first.signature, options)
    shown["meta"]["err"] = {"SomethingNew": [1, "of", {"its": "kind"}]}
    body = {"jsonrpc": "2.0", "id": 1, "result": shown}
    await cluster.fault(kind="status", status=200, route="getTransaction", times=1, body=body)
    trade = await trader.swap("SOL", "SOCK", AMOUNT)
    assert (trade.state, trade.state_reason) == (
        pb.TRADE_STATE_FAILED,
        "the transaction failed on the chain: SomethingNew 1 of its kind",
    )
    assert (await trader.swap("SOL", "SOCK", AMOUNT, "req_2")).state == pb.TRADE_STATE_SETTLED
    assert await cluster.lamports(trader.wallet.address) < LAMPORTS_PER_SOL
