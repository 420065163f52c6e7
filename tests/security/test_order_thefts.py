"""Orders of a hostile aggregator: whole transactions, none of which takes anything."""

import base64
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from solders.hash import Hash

from puppet.trading.v1 import trading_service_pb2 as pb
from tests.integration.trading.conftest import SOL
from tests.security.aggregator import Query
from tests.security.conftest import AMOUNT, Scene
from tests.security.judge import rob
from tests.security.offers import Deal, as_order, deal
from tests.security.order_attacks import ATTACKS, SALES, named, quotes_half
from tests.security.thief import unsigned


def offer(scene: Scene, spoil: Callable[[Deal], Any]) -> None:
    """Have the aggregator offer spoiled orders, and send whatever it gets."""

    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), spoil)

    async def execute(query: Query) -> dict[str, Any]:
        body = [query["signedTransaction"], {"encoding": "base64", "skipPreflight": True}]
        return {"status": "Success", "code": 0, "signature": await scene.cluster.call("sendTransaction", *body)}

    scene.aggregator.order, scene.aggregator.execute = order, execute


@pytest.mark.parametrize("attack", ATTACKS, ids=named)
async def test_a_spoiled_order_takes_nothing(scene: Scene, attack: Callable[[Deal], Any]) -> None:
    offer(scene, attack)
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is None or (trade.state == pb.TRADE_STATE_FAILED and not trade.signature)


@pytest.mark.parametrize("attack", SALES, ids=named)
async def test_a_spoiled_sale_takes_nothing(scene: Scene, attack: Callable[[Deal], Any]) -> None:
    offer(scene, attack)
    trade = await rob(scene, scene.mint("USDC"), SOL, 5_000_000)
    assert trade is None or (trade.state == pb.TRADE_STATE_FAILED and not trade.signature)


async def test_an_aggregator_that_sends_nothing_and_says_it_did_is_not_believed(scene: Scene) -> None:
    async def execute(_query: Query) -> dict[str, Any]:
        return {"status": "Success", "code": 0}

    offer(scene, lambda _made: None)
    scene.aggregator.execute = execute
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is not None
    assert trade.state == pb.TRADE_STATE_SETTLED, "the node was given the same bytes"


@pytest.mark.parametrize("height", ["0", "1", str(2**62)])
async def test_a_lie_about_the_last_valid_height_is_not_believed(scene: Scene, height: str) -> None:
    def spoil(made: Deal) -> None:
        made.quote["lastValidBlockHeight"] = height

    offer(scene, spoil)
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is None or not trade.signature


async def test_a_later_order_may_not_be_worse_than_the_first(scene: Scene) -> None:
    calls = itertools.count()

    def spoil(made: Deal) -> None:
        if next(calls):
            quotes_half(made)

    offer(scene, spoil)
    scene.aggregator.refuse_next = "simulateTransaction"
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is not None
    assert (trade.signature, trade.state_cause) == ("", pb.TRADE_STATE_CAUSE_NO_ROUTE)


async def test_an_order_without_a_blockhash_is_not_signed(scene: Scene) -> None:
    async def order(query: Query) -> dict[str, Any]:
        made = await deal(scene, query)
        answer = await as_order(made, lambda _made: None)
        if "transaction" in answer:
            tx = unsigned(scene.address, made.steps, Hash.default())
            answer["transaction"] = base64.b64encode(bytes(scene.thief.signed(tx))).decode()
        return answer

    scene.aggregator.order = order
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is not None
    assert not trade.signature
