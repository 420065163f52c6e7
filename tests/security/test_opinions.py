"""An aggregator that lies about prices as it lies in its quotes, and somebody else who knows better."""

from typing import Any

import pytest

from puppet.trading.v1 import trading_service_pb2 as pb
from services.trading.settings import TradingSettings
from tests.integration.trading.conftest import SOL, Cluster
from tests.security.aggregator import Query
from tests.security.conftest import AMOUNT, Scene
from tests.security.judge import rob
from tests.security.offers import as_order, deal
from tests.security.order_attacks import quotes_a_lamport


@pytest.fixture
def settings(settings: TradingSettings, cluster: Cluster) -> TradingSettings:
    return settings.model_copy(update={"birdeye_url": f"{cluster.url}/birdeye"})


async def test_a_lie_about_price_and_quote_is_found_out(scene: Scene) -> None:
    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), quotes_a_lamport)

    scene.aggregator.order = order
    scene.aggregator.prices[scene.mint("USDC")] = 1e-12
    assert await rob(scene, scene.mint("USDC"), SOL, 57_000_000) is None
    assert "max_price_deviation_bps" in scene.told


async def test_a_token_that_only_the_aggregator_has_a_price_for_has_none(scene: Scene) -> None:
    mint = await scene.thief.new_mint()
    scene.aggregator.prices[mint] = 0.01

    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query, 10**9), lambda _made: None)

    scene.aggregator.order = order
    assert await rob(scene, SOL, mint, AMOUNT) is None
    assert "allow_unpriced" in scene.told


async def test_honest_prices_agree(scene: Scene) -> None:
    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), lambda _made: None)

    scene.aggregator.order = order
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is not None, scene.told
    assert trade.state == pb.TRADE_STATE_SETTLED
