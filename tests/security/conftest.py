"""A wallet on an honest chain, between a thief's aggregator and a node that the thief can only watch."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx2
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from sandbox.solana.app import create_app
from sandbox.solana.settings import SolanaSandboxSettings
from services.trading.bootstrap import opener
from services.trading.settings import TradingSettings
from tests.conftest import Serve
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SLOT_SECONDS, Cluster, until
from tests.security.aggregator import Aggregator, serving_aggregator
from tests.security.thief import Thief, create_own, move, pay
from tests.support.http import ADMIN, ADMIN_TOKEN, listening_in_a_thread
from tests.support.waits import WAIT_SECONDS

RENT = 2_039_280
AMOUNT = 50_000_000
"""What the trades of these tests give, in lamports, or are worth: half of what the policy allows."""

_FINAL = (pb.TRADE_STATE_SETTLED, pb.TRADE_STATE_FAILED)


@pytest.fixture(scope="session")
def sandbox_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = SolanaSandboxSettings(
        data_dir=tmp_path_factory.mktemp("chain"), slot_seconds=SLOT_SECONDS, admin_token=ADMIN_TOKEN
    )
    with listening_in_a_thread(create_app(settings)) as url:
        yield url


@pytest.fixture(scope="session")
def thief_key() -> Keypair:
    return Keypair()


@pytest.fixture
async def cluster(sandbox_url: str) -> AsyncIterator[Cluster]:
    async with httpx2.AsyncClient(base_url=sandbox_url, verify=False, headers=ADMIN) as http:
        tokens = (await http.get("/_sandbox/tokens")).json()
        yield Cluster(sandbox_url, http, {token["symbol"]: token["mint"] for token in tokens})


@pytest.fixture
async def aggregator(cluster: Cluster) -> AsyncIterator[Aggregator]:
    async with serving_aggregator(cluster.http) as aggregator:
        yield aggregator


@pytest.fixture
def confirm_seconds() -> float:
    """Return how long a swap waits for its confirmation; a test that doesn't want to wait sets it by `parametrize`."""
    return WAIT_SECONDS


@pytest.fixture
def settings(tmp_path: Path, aggregator: Aggregator, confirm_seconds: float) -> TradingSettings:
    return TradingSettings(
        port=0,
        data_dir=tmp_path / "service",
        rpc_url=aggregator.rpc_url,
        jupiter_url=aggregator.url,
        poll_seconds=0.02,
        confirm_seconds=confirm_seconds,
        drain_seconds=0.2,
    )


@pytest.fixture
async def trading(serve: Serve, settings: TradingSettings) -> AsyncIterator[TradingServiceStub]:
    async with serve("trading", settings, opener(settings)) as channel:
        yield TradingServiceStub(channel)


@dataclass(frozen=True)
class Books:
    """What the chain says that a wallet has: lamports, and what is in its own accounts, by mint."""

    lamports: int
    tokens: dict[str, int]
    rents: dict[str, int]
    """What these accounts hold in lamports."""
    faults: tuple[str, ...]
    """Powers that others have over it, in words."""

    @property
    def all_lamports(self) -> int:
        """What the wallet and its own accounts hold."""
        return self.lamports + sum(self.rents.values())


@dataclass
class Scene:
    """The wallet, the thief, and everything in between."""

    cluster: Cluster
    aggregator: Aggregator
    thief: Thief
    trading: TradingServiceStub
    key: Keypair
    wallet: pb.Wallet
    told: str = ""
    """Why the last trade that was refused was."""

    @property
    def address(self) -> Pubkey:
        """The wallet's."""
        return self.key.pubkey()

    @property
    def owner(self) -> Thief:
        """The wallet's owner, who may do on the chain whatever they like."""
        return Thief(self.cluster, self.key)

    def mint(self, symbol: str) -> str:
        """Return the mint of a token of the sandbox."""
        return self.cluster.mints[symbol]

    def account(self, mint: str, program: Pubkey = TOKEN_PROGRAM_ID) -> Pubkey:
        """Return the wallet's own account for a mint."""
        return get_associated_token_address(self.address, Pubkey.from_string(mint), program)

    async def books(self) -> Books:
        """Read what the wallet has from the chain."""
        options = {"encoding": "jsonParsed", "commitment": "processed"}
        tokens: dict[str, int] = {}
        rents: dict[str, int] = {}
        faults = []
        for program in (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID):
            query = {"programId": str(program)}
            found = await self.cluster.call("getTokenAccountsByOwner", str(self.address), query, options)
            for row in found["value"]:
                info = row["account"]["data"]["parsed"]["info"]
                if row["pubkey"] == str(self.account(info["mint"], program)):
                    tokens[info["mint"]] = int(info["tokenAmount"]["amount"])
                    rents[info["mint"]] = row["account"]["lamports"]
                    faults += [
                        f"{power} of {info['mint']}" for power in ("delegate", "closeAuthority") if power in info
                    ]
        account = (await self.cluster.call("getAccountInfo", str(self.address), options))["value"]
        if account["owner"] != "11111111111111111111111111111111" or account["space"]:
            faults.append("the wallet belongs to a program")
        return Books(account["lamports"], tokens, rents, tuple(faults))

    async def trade(
        self, source: str, target: str, amount: int, request_id: str = "req_1", **more: Any
    ) -> pb.Trade | None:
        """Ask for a swap, and return the trade when it is final; None when it was refused."""
        request = pb.ExecuteTradeRequest(
            wallet_id=self.wallet.id,
            input_mint=source,
            output_mint=target,
            amount=amount,
            request_id=request_id,
            **more,
        )
        try:
            trade = (await self.trading.ExecuteTrade(request, timeout=WAIT_SECONDS)).trade
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:
                raise
            self.told = error.details() or ""
            return None
        return await self.ended(trade.id)

    async def ended(self, trade_id: str) -> pb.Trade:
        """Wait until a trade is final."""

        async def is_final() -> bool:
            return (await self.trading.GetTrade(pb.GetTradeRequest(id=trade_id))).trade.state in _FINAL

        await until(is_final)
        return (await self.trading.GetTrade(pb.GetTradeRequest(id=trade_id))).trade

    async def fees(self) -> int:
        """Return what the chain took from the wallet in all transactions that it signed since it was funded."""
        return sum(landed["meta"]["fee"] for landed in await self.cluster.landed(str(self.address)))

    async def update_policy(self, **fields: Any) -> None:
        """Set fields of the wallet's policy."""
        policy = pb.Policy(wallet_id=self.wallet.id, **fields)
        request = pb.UpdatePolicyRequest(policy=policy)
        request.update_mask.paths.extend(fields)
        await self.trading.UpdatePolicy(request)


@pytest.fixture
async def scene(cluster: Cluster, aggregator: Aggregator, trading: TradingServiceStub, thief_key: Keypair) -> Scene:
    """Return a wallet with ten SOL, and some SOCK and USDC."""
    key, thief = Keypair(), Thief(cluster, thief_key)
    request = pb.RegisterWalletRequest(agent_id="agt_a", private_key=str(key))
    scene = Scene(cluster, aggregator, thief, trading, key, (await trading.RegisterWallet(request)).wallet)
    mints = [scene.mint("SOCK"), scene.mint("USDC")]
    if not await cluster.lamports(str(thief.address)):
        await cluster.fund(str(thief.address), 100_000 * LAMPORTS_PER_SOL)
        for mint in mints:
            await thief.buy(mint, 300 * LAMPORTS_PER_SOL)
    await thief.send(
        pay(thief.address, scene.address, 10 * LAMPORTS_PER_SOL),
        *(create_own(thief.address, scene.address, mint) for mint in mints),
        *(
            move(thief.account(mint), mint, scene.account(mint), thief.address, 100_000_000, 6, TOKEN_PROGRAM_ID)
            for mint in mints
        ),
    )
    return scene
