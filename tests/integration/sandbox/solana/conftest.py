"""A Solana sandbox that really listens, with the real RPC client, and a clock that is moved by hand."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solders.keypair import Keypair
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from sandbox.solana.app import create_app
from sandbox.solana.settings import SolanaSandboxSettings
from tests.fakes.clock import FixedClock
from tests.support.http import ADMIN, ADMIN_TOKEN, listening

SOL = 1_000_000_000
WRAPPED_SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


@dataclass(frozen=True)
class Cluster:
    """The sandbox as its clients see it."""

    url: str
    rpc: AsyncClient
    http: httpx2.AsyncClient
    clock: FixedClock

    def settle(self) -> None:
        """Let everything sent so far become finalized."""
        self.clock.advance(seconds=15)

    async def wallet(self, sol: int = 10) -> Keypair:
        """Return a new wallet with so many SOL."""
        key = Keypair()
        await self.rpc.request_airdrop(key.pubkey(), sol * SOL)
        self.settle()
        return key

    async def payment(self, sender: Keypair, receiver: Pubkey, lamports: int) -> VersionedTransaction:
        """Return a signed transfer."""
        blockhash = (await self.rpc.get_latest_blockhash()).value.blockhash
        step = transfer(TransferParams(from_pubkey=sender.pubkey(), to_pubkey=receiver, lamports=lamports))
        return VersionedTransaction(MessageV0.try_compile(sender.pubkey(), [step], [], blockhash), [sender])

    async def balance(self, address: Pubkey) -> int:
        """Return the confirmed lamports of a wallet."""
        return (await self.rpc.get_balance(address)).value

    async def call(self, method: str, *params: Any) -> dict[str, Any]:
        """Call a JSON-RPC method without a client library, and return the whole answer."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer: dict[str, Any] = (await self.http.post("/", json=body)).json()
        return answer

    async def fault(self, **fault: Any) -> None:
        """Switch a fault on."""
        (await self.http.post("/_sandbox/faults", json=fault)).raise_for_status()

    async def mint(self, symbol: str) -> str:
        """Return the mint of a token."""
        tokens = (await self.http.get("/_sandbox/tokens")).json()
        return next(str(token["mint"]) for token in tokens if token["symbol"] == symbol)

    async def order(
        self, source: str, target: str, amount: int, taker: Keypair, excluded: str = "jupiterz"
    ) -> dict[str, Any]:
        """Order a swap from Jupiter, and from no market maker unless nobody is excluded."""
        query = {"inputMint": source, "outputMint": target, "amount": str(amount), "taker": str(taker.pubkey())}
        query |= {"excludeRouters": excluded} if excluded else {}
        answer = await self.http.get("/jupiter/swap/v2/order", params=query)
        answer.raise_for_status()
        order: dict[str, Any] = answer.json()
        return order

    async def execute(self, order: dict[str, Any], tx: VersionedTransaction) -> dict[str, Any]:
        """Execute a signed order."""
        body = {"signedTransaction": base64.b64encode(bytes(tx)).decode(), "requestId": order["requestId"]}
        answer: dict[str, Any] = (await self.http.post("/jupiter/swap/v2/execute", json=body)).json()
        return answer


def signed(order: dict[str, Any], taker: Keypair) -> VersionedTransaction:
    """Add the taker's signature to an order's transaction."""
    tx = VersionedTransaction.from_bytes(base64.b64decode(order["transaction"]))
    signatures: list[Signature] = list(tx.signatures)
    signatures[tx.message.account_keys.index(taker.pubkey())] = taker.sign_message(to_bytes_versioned(tx.message))
    return VersionedTransaction.populate(tx.message, signatures)


@pytest.fixture
async def cluster(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Cluster]:
    app = create_app(SolanaSandboxSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path), lambda: clock.now().timestamp())
    async with (
        listening(app) as url,
        # By itself the client sends again what got no answer; here a test decides that.
        AsyncClient(url, commitment=Confirmed, max_transport_retries=0) as rpc,
        httpx2.AsyncClient(base_url=url, headers=ADMIN, verify=False) as http,  # plain HTTP, and quicker to make
    ):
        clock.advance(seconds=1)
        yield Cluster(url, rpc, http, clock)
