"""The faults of a cluster and of Jupiter, as their real clients meet them."""

import httpx2
import pytest
from solana.exceptions import SolanaRpcException
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from tests.integration.sandbox.solana.conftest import SOL, USDC, WRAPPED_SOL, Cluster, signed

EXECUTE = "POST /jupiter/swap/v2/execute"


async def test_a_lost_answer_still_leaves_one_payment(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    tx = await cluster.payment(wallet, receiver, SOL)
    await cluster.fault(kind="lost_answer", route="sendTransaction", times=1, seconds=0)
    with pytest.raises(SolanaRpcException):
        await cluster.rpc.send_raw_transaction(bytes(tx))
    assert (await cluster.rpc.send_raw_transaction(bytes(tx))).value == tx.signatures[0]
    cluster.settle()
    assert await cluster.balance(receiver) == SOL


async def test_a_client_that_resends_on_its_own_still_pays_once(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    tx = await cluster.payment(wallet, receiver, SOL)
    await cluster.fault(kind="lost_answer", route="sendTransaction", times=1, seconds=0)
    async with AsyncClient(cluster.url, Confirmed, max_transport_retries=1) as resending:
        assert (await resending.send_raw_transaction(bytes(tx))).value == tx.signatures[0]
    cluster.settle()
    assert await cluster.balance(receiver) == SOL


async def test_a_lost_answer_to_an_execution_still_leaves_one_swap(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    await cluster.fault(kind="lost_answer", route=EXECUTE, times=1, seconds=0)
    with pytest.raises(httpx2.TransportError):
        await cluster.execute(order, signed(order, wallet))
    assert (await cluster.execute(order, signed(order, wallet)))["status"] == "Success"
    cluster.settle()
    account = get_associated_token_address(wallet.pubkey(), Pubkey.from_string(USDC))
    assert (await cluster.rpc.get_token_account_balance(account)).value.amount == order["outAmount"]


async def test_a_dropped_payment_is_acknowledged_and_the_same_bytes_land_later(cluster: Cluster) -> None:
    wallet, receiver = await cluster.wallet(), Pubkey.new_unique()
    tx = await cluster.payment(wallet, receiver, SOL)
    await cluster.fault(kind="dropped", route="sendTransaction", times=1)
    assert (await cluster.rpc.send_raw_transaction(bytes(tx))).value == tx.signatures[0]
    cluster.settle()
    assert (await cluster.rpc.get_signature_statuses([tx.signatures[0]])).value == [None]
    await cluster.rpc.send_raw_transaction(bytes(tx))
    cluster.settle()
    assert await cluster.balance(receiver) == SOL


async def test_a_dropped_swap_sounds_like_success_and_never_lands(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    await cluster.fault(kind="dropped", route=EXECUTE, times=1)
    result = await cluster.execute(order, signed(order, wallet))
    assert result["status"] == "Success"
    cluster.clock.advance(seconds=90)
    assert (await cluster.execute(order, signed(order, wallet)))["code"] == -1
    assert await cluster.balance(wallet.pubkey()) == 10 * SOL


@pytest.mark.parametrize("through", ["sendTransaction", EXECUTE])
async def test_what_landed_may_be_seen_late(cluster: Cluster, through: str) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    tx = signed(order, wallet)
    cluster.clock.advance(seconds=1)
    await cluster.fault(kind="late_visibility", route=through, times=1, seconds=40)
    if through == EXECUTE:
        await cluster.execute(order, tx)
    else:
        await cluster.rpc.send_raw_transaction(bytes(tx))
    cluster.settle()
    seen = []
    for seconds in (0, 30):
        cluster.clock.advance(seconds=seconds)
        status = (await cluster.rpc.get_signature_statuses([tx.signatures[0]])).value[0]
        history = (await cluster.rpc.get_signatures_for_address(wallet.pubkey())).value
        found = await cluster.rpc.get_transaction(tx.signatures[0], max_supported_transaction_version=0)
        seen.append((status is not None, len(history), found.value is not None))
    assert seen == [(False, 1, False), (True, 2, True)]


async def test_only_the_named_method_is_throttled(cluster: Cluster) -> None:
    await cluster.fault(kind="status", route="getBalance", status=429, seconds=2)
    body = {"jsonrpc": "2.0", "id": 1, "method": "getBalance", "params": [USDC]}
    refused = await cluster.http.post("/", json=body)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert (await cluster.rpc.get_slot()).value > 0


async def test_a_gateway_may_answer_in_html_and_nothing_happens(cluster: Cluster) -> None:
    wallet = await cluster.wallet()
    order = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
    await cluster.fault(kind="status", route=EXECUTE, status=502, html=True, times=1)
    refused = await cluster.http.post("/jupiter/swap/v2/execute", json={"requestId": order["requestId"]})
    assert (refused.status_code, refused.headers["content-type"].split(";")[0]) == (502, "text/html")
    assert (await cluster.execute(order, signed(order, wallet)))["status"] == "Success"


async def test_a_slow_node_is_given_up_by_an_impatient_client(cluster: Cluster) -> None:
    await cluster.fault(kind="latency", route="GET /jupiter/price", seconds=0.3, times=1)
    with pytest.raises(httpx2.ReadTimeout):
        await cluster.http.get("/jupiter/price/v3", params={"ids": USDC}, timeout=0.05)
    assert (await cluster.http.get("/jupiter/price/v3", params={"ids": USDC})).status_code == 200
