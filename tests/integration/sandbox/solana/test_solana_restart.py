"""A killed sandbox loses nothing that it has answered for."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Processed
from solders.keypair import Keypair
from websockets.asyncio.client import connect

from tests.fakes.clock import FixedClock
from tests.integration.sandbox.solana.conftest import SOL, USDC, WRAPPED_SOL, Cluster, signed
from tests.integration.sandbox.solana.test_solana_queries import ask, heard
from tests.support.http import ADMIN, ADMIN_TOKEN
from tests.support.waits import WAIT_SECONDS

ROOT = Path(__file__).parents[4]


@asynccontextmanager
async def process(data_dir: Path) -> AsyncIterator[Cluster]:
    """Run the sandbox as its users do, on a free port; it is killed, not stopped, at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"DATA_DIR": str(data_dir), "PORT": str(port), "ADMIN_TOKEN": ADMIN_TOKEN.get_secret_value()}
    environment = os.environ | {f"PUPPET_SANDBOX_SOLANA_{name}": value for name, value in settings.items()}
    running = await asyncio.create_subprocess_exec(sys.executable, "-m", "sandbox.solana", cwd=ROOT, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        async with (
            AsyncClient(url, commitment=Processed) as rpc,
            httpx2.AsyncClient(base_url=url, headers=ADMIN) as http,
        ):
            await _answers(http)
            yield Cluster(url, rpc, http, FixedClock())
    finally:
        running.kill()
        await running.wait()


async def _answers(http: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            try:
                (await http.get("/_sandbox/health")).raise_for_status()
            except httpx2.TransportError:
                await asyncio.sleep(0.02)
            else:
                return


async def test_a_kill_right_after_an_answer_keeps_balances_orders_and_prices(tmp_path: Path) -> None:
    wallet = Keypair()
    async with process(tmp_path) as cluster:
        sock = await cluster.mint("SOCK")
        await cluster.rpc.request_airdrop(wallet.pubkey(), 10 * SOL)
        bought = await cluster.order(WRAPPED_SOL, sock, SOL, wallet)
        pending = await cluster.order(WRAPPED_SOL, USDC, SOL, wallet)
        done = await cluster.execute(bought, signed(bought, wallet))
        genesis = (await cluster.rpc.get_genesis_hash()).value
        async with connect(cluster.url.replace("http", "ws")) as socket:
            assert "result" in await ask(socket, "slotSubscribe")
            assert (await heard(socket))["method"] == "slotNotification"
    async with process(tmp_path) as cluster:
        assert (await cluster.rpc.get_genesis_hash()).value == genesis
        assert await cluster.balance(wallet.pubkey()) == 10 * SOL - SOL - 2_039_280 - 15_000
        assert await cluster.execute(bought, signed(bought, wallet)) == done
        assert (await cluster.execute(pending, signed(pending, wallet)))["status"] == "Success"
        assert await cluster.balance(wallet.pubkey()) == 10 * SOL - 2 * (SOL + 2_039_280 + 15_000)
