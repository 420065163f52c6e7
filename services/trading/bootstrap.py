"""Wires the trading service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType

from puppet.trading.v1 import trading_service_pb2 as pb
from puppet.trading.v1 import trading_service_pb2_grpc as pb_grpc
from services.runtime.background import repeating
from services.runtime.clock import Clock, SystemClock
from services.runtime.db import Database
from services.runtime.deferred import Deferred
from services.runtime.rpc.server import Lifecycle, Mounted, Opener
from services.runtime.sealing import open_keystore
from services.runtime.sql import SqlStore
from services.runtime.tidying import TIDY_SECONDS, Tidying
from services.trading.adapters.opening import AggregatorWhenAsked, ChainWhenAsked, PriceFeedWhenAsked
from services.trading.adapters.sql import SqlRecords
from services.trading.adapters.vault import KeystoreVault
from services.trading.ports import Aggregator, Chain, PriceFeed
from services.trading.service.allowances import Allowances
from services.trading.service.archive import Archive
from services.trading.service.executor import Executor, Timing
from services.trading.service.halts import Halts
from services.trading.service.market import Market
from services.trading.service.offers import Offers
from services.trading.service.portfolios import Portfolios
from services.trading.service.prices import Prices
from services.trading.service.screening import Screening
from services.trading.service.trades import Trades
from services.trading.service.wallets import Wallets
from services.trading.servicer import TradingServicer
from services.trading.settings import TradingSettings

_RESUME_SECONDS = 2.0


def opener(settings: TradingSettings) -> Opener:
    """Return what opens the service with these settings."""

    @contextlib.asynccontextmanager
    async def open_service(lifecycle: Lifecycle) -> AsyncIterator[Sequence[Mounted]]:
        async with contextlib.AsyncExitStack() as stack:
            database = Database(settings.sql_url("trading"))
            stack.push_async_callback(database.close)
            await database.migrate(Path(__file__).with_name("migrations"))
            chain = ChainWhenAsked(await stack.enter_async_context(Deferred(lambda: _chain(settings))))
            aggregator = AggregatorWhenAsked(await stack.enter_async_context(Deferred(lambda: _aggregator(settings))))
            store, clock = SqlStore(database, SqlRecords), SystemClock()
            keystore = await stack.enter_async_context(open_keystore("trading", settings, database))
            vault = KeystoreVault(keystore)
            timing = Timing(settings.poll_seconds, settings.confirm_seconds)
            price_feed = None
            if settings.birdeye_url:
                price_feed = PriceFeedWhenAsked(
                    await stack.enter_async_context(Deferred(lambda: _price_feed(settings, clock)))
                )
            prices = Prices(aggregator, price_feed)
            offers = Offers(aggregator, chain, prices)
            executor = Executor(store, vault, chain, aggregator, offers, clock, timing, lifecycle.draining)
            stack.push_async_callback(executor.close)
            # The first round is the recovery after a restart.
            await stack.enter_async_context(repeating("open trades", _RESUME_SECONDS, executor.resume))
            tidying = Tidying(store, clock, timedelta(days=settings.request_days))
            await stack.enter_async_context(repeating("tidying", TIDY_SECONDS, tidying.tidy))
            wallets = Wallets(store, vault, chain, aggregator, clock)
            servicer = TradingServicer(
                wallets,
                Halts(store, clock),
                Market(aggregator),
                Trades(store, chain, offers, executor, clock),
                Allowances(store, chain, prices, clock),
                Portfolios(store, chain, aggregator, prices, clock),
                Screening(store, vault),
                Archive(store, keystore, chain, clock),
            )
            service = pb.DESCRIPTOR.services_by_name["TradingService"]
            yield [Mounted(service, pb_grpc.add_TradingServiceServicer_to_server, servicer, wallets.agent_of)]

    return open_service


@contextlib.asynccontextmanager
async def _chain(settings: TradingSettings) -> AsyncIterator[Chain]:
    solana = await asyncio.to_thread(_solana)
    node = solana.open_client(settings.node_url)
    try:
        yield solana.SolanaChain(node, settings.max_priority_lamports)
    finally:
        await node.close()


@contextlib.asynccontextmanager
async def _aggregator(settings: TradingSettings) -> AsyncIterator[Aggregator]:
    jupiter = await asyncio.to_thread(_jupiter)
    async with jupiter.open_client(settings.aggregator_url, settings.jupiter_api_key.get_secret_value()) as client:
        yield jupiter.Jupiter(client)


@contextlib.asynccontextmanager
async def _price_feed(settings: TradingSettings, clock: Clock) -> AsyncIterator[PriceFeed]:
    birdeye = await asyncio.to_thread(_birdeye)
    async with birdeye.open_client(settings.birdeye_url, settings.birdeye_api_key.get_secret_value()) as client:
        yield birdeye.Birdeye(client, clock)


# What speaks to others takes a third of a second to import.


def _solana() -> ModuleType:
    from services.trading.adapters.solana import chain

    return chain


def _jupiter() -> ModuleType:
    from services.trading.adapters import jupiter

    return jupiter


def _birdeye() -> ModuleType:
    from services.trading.adapters import birdeye

    return birdeye
