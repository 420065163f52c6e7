"""The trading service's use cases on fakes: no database, no chain, no network."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from services.runtime.idempotency import RequestKey
from services.trading.domain.market import LAMPORTS_PER_SOL, SOL, Pair
from services.trading.domain.trade import Trade
from services.trading.domain.wallet import Wallet
from services.trading.service.allowances import Allowances
from services.trading.service.executor import Executor, Timing
from services.trading.service.halts import Halts
from services.trading.service.offers import Offers
from services.trading.service.portfolios import Portfolios
from services.trading.service.prices import Prices
from services.trading.service.trades import Trades
from services.trading.service.wallets import Wallets
from tests.fakes.clock import FixedClock
from tests.fakes.trading import FakeStore, FakeVault, FakeWorld

AMOUNT = 10_000_000
PAIR = Pair(SOL, "mint1", AMOUNT)


@dataclass
class House:
    """The service's parts on one store and one world; `restart` is a crash of everything that isn't stored."""

    clock: FixedClock
    store: FakeStore = field(default_factory=FakeStore)
    world: FakeWorld = field(default_factory=FakeWorld)
    vault: FakeVault = field(default_factory=FakeVault)
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        timing = Timing(poll_seconds=0.0, confirm_seconds=15.0)
        self.prices = Prices(self.world)
        self.offers = Offers(self.world, self.world, self.prices)
        self.executor = Executor(
            self.store, self.vault, self.world, self.world, self.offers, self.clock, timing, self.draining
        )
        self.trades = Trades(self.store, self.world, self.offers, self.executor, self.clock)
        self.allowances = Allowances(self.store, self.world, self.prices, self.clock)
        self.portfolios = Portfolios(self.store, self.world, self.world, self.prices, self.clock)
        self.halts = Halts(self.store, self.clock)
        self.wallets = Wallets(self.store, self.vault, self.world, self.world, self.clock)

    async def restart(self) -> None:
        await self.executor.close()
        self.__post_init__()

    async def wallet(self) -> Wallet:
        wallet = await self.wallets.register("agt_a", "", key("wallet", "RegisterWallet"))
        self.world.lamports_of.setdefault(wallet.address, LAMPORTS_PER_SOL)
        return wallet

    async def swap(
        self, request_id: str = "req_1", pair: Pair = PAIR, timeout_seconds: float = 5.0, least_output: int = 0
    ) -> Trade:
        return await self.trades.execute((await self.wallet()).id, pair, least_output, key(request_id), timeout_seconds)


def key(request_id: str, method: str = "ExecuteTrade", body: str = "body") -> RequestKey:
    return RequestKey("agents", method, request_id, body)


@pytest.fixture
async def house(clock: FixedClock) -> AsyncIterator[House]:
    house = House(clock)
    yield house
    await house.executor.close()
