"""The trading service over a real loopback channel, on a Solana sandbox that really listens."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from sandbox.solana.app import create_app
from sandbox.solana.settings import SolanaSandboxSettings
from services.trading.bootstrap import opener
from services.trading.settings import TradingSettings
from tests.conftest import Serve
from tests.support.http import ADMIN, ADMIN_TOKEN, listening_in_a_thread
from tests.support.waits import WAIT_SECONDS

SOL = "So11111111111111111111111111111111111111112"
LAMPORTS_PER_SOL = 10**9
SLOT_SECONDS = 0.1
"""Makes confirmation come at once, and expiry after fifteen seconds, in which even a busy machine sends a trade."""


class ChainTime:
    """The time of day on the chain, for tests that can't wait until a transaction has expired."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    def __call__(self) -> float:
        """Return the Unix time in seconds."""
        return time.time() + self._ahead_seconds

    def pass_blocks(self, count: int) -> None:
        """Let so many blocks go by."""
        self._ahead_seconds += count * SLOT_SECONDS


CHAIN_TIME = ChainTime()


@dataclass(frozen=True)
class Cluster:
    """The chain as the outside world sees it, beside the service."""

    url: str
    http: httpx2.AsyncClient
    mints: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, *params: Any) -> Any:
        """Call a JSON-RPC method, and return its result."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return (await self.http.post("/", json=body)).json()["result"]

    async def fault(self, **fault: Any) -> None:
        """Switch a fault on."""
        (await self.http.post("/_sandbox/faults", json=fault)).raise_for_status()

    async def heal(self) -> None:
        """Switch every fault off."""
        await self.http.delete("/_sandbox/faults")

    async def lamports(self, address: str) -> int:
        """Return a wallet's newest balance."""
        value: int = (await self.call("getBalance", address, {"commitment": "processed"}))["value"]
        return value

    async def fund(self, address: str, lamports: int) -> None:
        """Give a wallet SOL, and wait until it is confirmed."""
        await self.call("requestAirdrop", address, lamports)
        await until(lambda: self._is_confirmed(address))

    async def landed(self, address: str) -> list[dict[str, Any]]:
        """Return every transaction of a wallet that it signed itself, in the order of the chain, processed or not."""
        listed = await self.call("getSignaturesForAddress", address, {"commitment": "confirmed", "limit": 1000})
        found = []
        for row in reversed(listed):
            options = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}
            tx = await self.call("getTransaction", row["signature"], options)
            if tx["transaction"]["message"]["accountKeys"][0] == address:
                found.append(tx | {"signature": row["signature"]})
        return found

    async def _is_confirmed(self, address: str) -> bool:
        value: int = (await self.call("getBalance", address, {"commitment": "confirmed"}))["value"]
        return value > 0


async def until(is_true: Callable[[], Awaitable[bool]], seconds: float = WAIT_SECONDS) -> None:
    """Wait until a condition holds; fail after so many seconds."""
    async with asyncio.timeout(seconds):
        while True:
            if await is_true():
                return
            await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one chain for all tests, in a thread: each test has wallets of its own, and a chain takes time to make.

    It has whole transactions only, whose faults these tests try; transactions of our own are in `tests/security`.
    """
    settings = SolanaSandboxSettings(
        data_dir=tmp_path_factory.mktemp("chain"), slot_seconds=SLOT_SECONDS, admin_token=ADMIN_TOKEN, builds=False
    )
    with listening_in_a_thread(create_app(settings, CHAIN_TIME)) as url:
        yield url


@pytest.fixture
async def cluster(sandbox_url: str) -> AsyncIterator[Cluster]:
    # Plain HTTP: without certificates to load the client is quicker to make.
    async with httpx2.AsyncClient(base_url=sandbox_url, headers=ADMIN, verify=False) as http:
        tokens = (await http.get("/_sandbox/tokens")).json()
        cluster = Cluster(sandbox_url, http, {token["symbol"]: token["mint"] for token in tokens})
        yield cluster
        await cluster.heal()


@pytest.fixture
def confirm_seconds() -> float:
    """Return how long a swap waits for its confirmation; a test that doesn't want to wait sets it by `parametrize`."""
    return WAIT_SECONDS


@pytest.fixture
def settings(tmp_path: Path, cluster: Cluster, confirm_seconds: float) -> TradingSettings:
    return TradingSettings(
        port=0,
        data_dir=tmp_path / "service",
        rpc_url=cluster.url,
        jupiter_url=f"{cluster.url}/jupiter",
        poll_seconds=0.02,
        confirm_seconds=confirm_seconds,
        drain_seconds=0.2,
    )


@pytest.fixture
async def channel(serve: Serve, settings: TradingSettings) -> AsyncIterator[grpc.aio.Channel]:
    async with serve("trading", settings, opener(settings)) as opened:
        yield opened


@pytest.fixture
def trading(channel: grpc.aio.Channel) -> TradingServiceStub:
    return TradingServiceStub(channel)


@pytest.fixture
async def wallet(trading: TradingServiceStub, cluster: Cluster) -> pb.Wallet:
    """Return a new wallet with one SOL."""
    made = (await trading.RegisterWallet(pb.RegisterWalletRequest(agent_id="agt_a"))).wallet
    await cluster.fund(made.address, LAMPORTS_PER_SOL)
    return made


@dataclass(frozen=True)
class Trader:
    """Trades for one wallet."""

    trading: TradingServiceStub
    wallet: pb.Wallet
    mints: dict[str, str]

    async def swap(self, source: str, target: str, amount: int, request_id: str = "req_1", **fields: Any) -> pb.Trade:
        """Swap two tokens named by their symbols."""
        request = pb.ExecuteTradeRequest(
            wallet_id=self.wallet.id,
            input_mint=self.mints[source],
            output_mint=self.mints[target],
            amount=amount,
            request_id=request_id,
            **fields,
        )
        return (await self.trading.ExecuteTrade(request, timeout=WAIT_SECONDS)).trade

    async def get(self, trade_id: str) -> pb.Trade:
        """Read a trade again."""
        return (await self.trading.GetTrade(pb.GetTradeRequest(id=trade_id))).trade

    async def ended(self, trade_id: str) -> pb.Trade:
        """Wait until a trade is final."""

        async def is_final() -> bool:
            return (await self.get(trade_id)).state in (pb.TRADE_STATE_SETTLED, pb.TRADE_STATE_FAILED)

        await until(is_final)
        return await self.get(trade_id)

    async def balance(self, symbol: str) -> int:
        """Return what the wallet holds of a token."""
        found = await self.trading.GetBalances(pb.GetBalancesRequest(wallet_id=self.wallet.id))
        return next((balance.amount for balance in found.balances if balance.mint == self.mints[symbol]), 0)


@pytest.fixture
def trader(trading: TradingServiceStub, wallet: pb.Wallet, cluster: Cluster) -> Trader:
    return Trader(trading, wallet, cluster.mints)
