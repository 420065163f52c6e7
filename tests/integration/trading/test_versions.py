"""Orders with transactions of version 1, and of one that nobody knows yet."""

import base64
from collections.abc import Iterator

import pytest

from puppet.trading.v1 import trading_service_pb2 as pb
from sandbox.solana.app import create_app
from sandbox.solana.settings import SolanaSandboxSettings
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SLOT_SECONDS, SOL, Cluster, Trader
from tests.support.http import ADMIN_TOKEN, listening_in_a_thread

ORDER = "GET /jupiter/swap/v2/order"
SETTLED, FAILED = pb.TRADE_STATE_SETTLED, pb.TRADE_STATE_FAILED


@pytest.fixture(scope="module")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a chain whose market maker makes transactions of version 1."""
    settings = SolanaSandboxSettings(
        data_dir=tmp_path_factory.mktemp("newest"),
        slot_seconds=SLOT_SECONDS,
        admin_token=ADMIN_TOKEN,
        builds=False,
        order_version=1,
    )
    with listening_in_a_thread(create_app(settings)) as url:
        yield url


async def test_an_order_of_version_1_is_traded_there_and_back(trader: Trader, cluster: Cluster) -> None:
    bought = await trader.swap("SOL", "USDC", LAMPORTS_PER_SOL // 10)
    assert (bought.state, bought.state_reason) == (SETTLED, "")
    assert bought.output_amount == await trader.balance("USDC") > 0
    sold = await trader.swap("USDC", "SOL", bought.output_amount, "req_2")
    assert sold.state == SETTLED
    options = {"maxSupportedTransactionVersion": 1, "commitment": "confirmed"}
    assert (await cluster.call("getTransaction", sold.signature, options))["version"] == 1


async def test_an_order_of_a_version_that_nobody_knows_ends_its_trade_in_words_and_no_other(
    trader: Trader, cluster: Cluster
) -> None:
    amount = LAMPORTS_PER_SOL // 10
    query = {"inputMint": SOL, "outputMint": cluster.mints["USDC"], "amount": str(amount)}
    query |= {"excludeRouters": "jupiterz"}
    asked = await cluster.http.get("/jupiter/swap/v2/order", params=query | {"taker": trader.wallet.address})
    order = asked.json()
    transaction = base64.b64decode(order["transaction"])
    assert transaction[0] == 0x81
    order["transaction"] = base64.b64encode(b"\x82" + transaction[1:]).decode()
    await cluster.fault(kind="status", status=200, route=ORDER, body=order)
    refused = await trader.swap("SOL", "USDC", amount, slippage_bps=300)
    assert refused.state == FAILED
    assert "version 2" in refused.state_reason
    # Whoever repeats the call is told the same: it is over.
    assert await trader.swap("SOL", "USDC", amount, slippage_bps=300) == refused
    await cluster.heal()
    assert (await trader.swap("SOL", "USDC", amount, "req_2")).state == SETTLED
