"""A service that is killed at any moment, and started again, swaps once for every request."""

import asyncio
import contextlib
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.runtime.rpc.credentials import Credential
from services.trading.settings import TradingSettings
from tests.conftest import ROOT
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, Cluster, Trader
from tests.integration.trading.test_trades import RENT
from tests.support.channels import open_as, operator_of

KILLS = 8
AMOUNT = 10_000_000


_FORKER = """
import os, runpy, sys
import alembic.command, alembic.config
import services.trading.bootstrap
import services.trading.adapters.jupiter, services.trading.adapters.solana.chain, services.trading.adapters.solana.keys
for _ in sys.stdin:
    if not (pid := os.fork()):
        runpy.run_module("services.trading", run_name="__main__")
        os._exit(0)
    os.waitpid(pid, 0)
"""
"""Starts the service for each line it reads: in processes of their own, that needn't import everything anew.

Also not what the service itself loads by its first call: the sandbox's transactions expire within seconds.
"""


@dataclass(frozen=True)
class Launcher:
    """Starts the service and kills it."""

    forker: asyncio.subprocess.Process
    logs: AsyncIterator[dict[str, Any]]
    operator: Credential

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[TradingServiceStub]:
        """Run the service, and kill it without warning at the end of the block."""
        assert self.forker.stdin is not None
        self.forker.stdin.write(b"\n")
        async for line in self.logs:
            if line["message"] == "serving":
                break
        service = psutil.Process(self.forker.pid).children()[0]
        async with open_as(f"127.0.0.1:{line['port']}", self.operator) as channel:
            yield TradingServiceStub(channel)
            service.kill()


@pytest.fixture
async def launcher(settings: TradingSettings) -> AsyncIterator[Launcher]:
    given = {
        f"PUPPET_TRADING_{name.upper()}": str(getattr(settings, name))
        for name in ("port", "data_dir", "rpc_url", "jupiter_url", "poll_seconds", "confirm_seconds")
    }
    path = os.pathsep.join([str(ROOT), str(ROOT / "protos/gen")])
    pipe = asyncio.subprocess.PIPE
    forker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _FORKER, env={**os.environ, **given, "PYTHONPATH": path}, stdin=pipe, stderr=pipe
    )
    assert forker.stderr is not None
    lines = forker.stderr
    try:
        yield Launcher(forker, (json.loads(line) async for line in lines), operator_of(settings.data_dir))
    finally:
        for process in (*psutil.Process(forker.pid).children(), psutil.Process(forker.pid)):
            process.kill()
        await forker.communicate()


@pytest.mark.slow
async def test_kills_at_random_moments_leave_one_swap_for_each_request(launcher: Launcher, cluster: Cluster) -> None:
    chance = random.Random(20261122)
    requests = [f"req_{number}" for number in range(KILLS + 2)]
    for route in ("POST /jupiter/swap/v2/execute", "sendTransaction"):
        # A little of the real world's latency, so that there is something in the middle of which to be killed.
        await cluster.fault(kind="latency", route=route, seconds=0.05)
    async with launcher.running() as trading:
        wallet = (await trading.RegisterWallet(pb.RegisterWalletRequest(agent_id="agt_a"))).wallet
        await cluster.fund(wallet.address, LAMPORTS_PER_SOL)
        policy = pb.Policy(wallet_id=wallet.id, max_daily_trades=100)
        await trading.UpdatePolicy(
            pb.UpdatePolicyRequest(policy=policy, update_mask=FieldMask(paths=["max_daily_trades"]))
        )
        await _swap_until_killed(Trader(trading, wallet, cluster.mints), requests[:3], chance)
    for kill in range(1, KILLS):
        async with launcher.running() as trading:
            await _swap_until_killed(Trader(trading, wallet, cluster.mints), requests[: kill + 3], chance)
    async with launcher.running() as trading:
        trader = Trader(trading, wallet, cluster.mints)
        first = await asyncio.gather(*(trader.swap("SOL", "SOCK", AMOUNT, name) for name in requests))
        trades = [await trader.ended(trade.id) for trade in first]
        signatures = [landed["signature"] for landed in await cluster.landed(wallet.address)]
        assert sorted(signatures) == sorted(trade.signature for trade in trades)
        assert {trade.state for trade in trades} == {pb.TRADE_STATE_SETTLED}
        left = await cluster.lamports(wallet.address)
        assert LAMPORTS_PER_SOL - left == sum(trade.input_amount + trade.fee_lamports for trade in trades) + RENT
        assert await trader.balance("SOCK") == sum(trade.output_amount for trade in trades)


async def _swap_until_killed(trader: Trader, requests: list[str], chance: random.Random) -> None:
    """Ask for swaps, the oldest ones again, and return in the midst of it."""
    asked = [asyncio.create_task(trader.swap("SOL", "SOCK", AMOUNT, name)) for name in requests[-4:]]
    await asyncio.wait(asked, timeout=chance.uniform(0.0, 0.35))
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
