"""What a trade is worth, whatever the aggregator quotes: by an independent price, for purchases, sales and swaps."""

from typing import Any

import pytest

from puppet.trading.v1 import trading_service_pb2 as pb
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SOL
from tests.security.aggregator import Query
from tests.security.conftest import AMOUNT, Scene
from tests.security.judge import rob
from tests.security.offers import as_order, deal
from tests.security.order_attacks import quotes_a_lamport, quotes_half


def offer(scene: Scene, **changes: Any) -> None:
    """Have the aggregator offer honest orders, with some of the quote changed."""

    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), lambda made: made.quote.update(changes))

    scene.aggregator.order = order


async def test_a_sale_counts_by_its_price_and_not_by_its_quote(scene: Scene) -> None:
    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), quotes_a_lamport)

    scene.aggregator.order = order
    await scene.update_policy(max_price_deviation_bps=10_000)
    trade = await scene.trade(scene.mint("USDC"), SOL, 57_000_000)
    assert trade is None
    assert "max_trade_lamports" in scene.told


@pytest.mark.parametrize("kind", ["purchase", "sale", "swap"])
async def test_a_quote_far_below_the_price_is_refused(scene: Scene, kind: str) -> None:
    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), quotes_half)

    scene.aggregator.order = order
    usdc, sock = scene.mint("USDC"), scene.mint("SOCK")
    pairs = {"purchase": (SOL, sock, AMOUNT), "sale": (usdc, SOL, 5_000_000), "swap": (usdc, sock, 5_000_000)}
    trade = await rob(scene, *pairs[kind])
    assert trade is None
    assert "max_price_deviation_bps" in scene.told


async def test_a_trade_that_moves_the_price_too_far_is_refused(scene: Scene) -> None:
    offer(scene, priceImpactPct="-0.031")
    assert await rob(scene, SOL, scene.mint("SOCK"), AMOUNT) is None
    assert "max_price_impact_bps" in scene.told


async def test_what_has_no_price_is_bought_only_with_permission(scene: Scene) -> None:
    offer(scene)
    scene.aggregator.taken_prices = {scene.mint("SOCK")}
    assert await rob(scene, SOL, scene.mint("SOCK"), AMOUNT) is None
    assert "allow_unpriced" in scene.told
    await scene.update_policy(allow_unpriced=True)
    trade = await scene.trade(SOL, scene.mint("SOCK"), AMOUNT, "req_2")
    assert trade is not None, scene.told
    assert trade.state == pb.TRADE_STATE_SETTLED


async def test_what_has_no_price_is_sold_only_with_permission_and_for_something_that_has_one(scene: Scene) -> None:
    offer(scene)
    usdc, sock = scene.mint("USDC"), scene.mint("SOCK")
    scene.aggregator.taken_prices = {usdc}
    assert await rob(scene, usdc, SOL, 5_000_000) is None
    assert "allow_unpriced" in scene.told
    await scene.update_policy(allow_unpriced=True)
    trade = await scene.trade(usdc, SOL, 5_000_000)
    assert trade is not None, scene.told
    assert (trade.state, trade.worth_lamports) == (pb.TRADE_STATE_SETTLED, trade.output_amount)
    scene.aggregator.taken_prices = {usdc, sock}
    assert await scene.trade(usdc, sock, 5_000_000, "req_2") is None
    assert "no price" in scene.told


async def test_a_decision_is_not_carried_out_at_any_price(scene: Scene) -> None:
    offer(scene)
    assert await scene.trade(SOL, scene.mint("SOCK"), AMOUNT, min_output_amount=10**15) is None
    assert "at least is asked for" in scene.told


async def test_the_least_output_of_a_decision_holds_on_the_chain(scene: Scene) -> None:
    offer(scene)
    quoted = await deal(scene, {"inputMint": SOL, "outputMint": scene.mint("SOCK"), "amount": str(AMOUNT)})
    least = quoted.out * 999 // 1_000
    trade = await scene.trade(SOL, scene.mint("SOCK"), AMOUNT, min_output_amount=least)
    assert trade is not None, scene.told
    assert trade.min_output_amount == least


@pytest.mark.parametrize("kind", ["purchase", "sale", "swap"])
async def test_what_must_remain_remains_after_sales_too(scene: Scene, kind: str) -> None:
    offer(scene)
    await scene.update_policy(min_balance_lamports=20 * LAMPORTS_PER_SOL)
    usdc, sock = scene.mint("USDC"), scene.mint("SOCK")
    pairs = {"purchase": (SOL, sock, AMOUNT), "sale": (usdc, SOL, 5_000_000), "swap": (usdc, sock, 5_000_000)}
    assert await rob(scene, *pairs[kind]) is None
    assert "min_balance_lamports" in scene.told


async def test_the_price_is_looked_at_again_before_the_signature(scene: Scene) -> None:
    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), lambda _made: None)

    scene.aggregator.order = order
    sock = scene.mint("SOCK")
    scene.aggregator.refuse_next = "simulateTransaction"
    found = (await scene.cluster.http.get("/jupiter/price/v3", params={"ids": sock})).json()
    price = float(found[sock]["usdPrice"])
    asked = 0

    class Falling(dict[str, float]):
        def __contains__(self, mint: object) -> bool:
            nonlocal asked
            asked += mint == sock
            return mint == sock and asked > 1

        def __getitem__(self, mint: str) -> float:
            return price / 2

    scene.aggregator.prices = Falling()
    trade = await rob(scene, SOL, sock, AMOUNT)
    assert trade is not None, scene.told
    assert (trade.state_cause, trade.signature) == (pb.TRADE_STATE_CAUSE_POLICY_VIOLATION, "")
