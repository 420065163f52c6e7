"""Honest swaps settle: of three kinds, as whole transactions and as transactions of our own."""

from typing import Any

import pytest

from puppet.trading.v1 import trading_service_pb2 as pb
from sandbox.solana.router import ROUTER, VAULT
from tests.integration.trading.conftest import SOL
from tests.security.aggregator import Query
from tests.security.conftest import AMOUNT, RENT, Scene
from tests.security.offers import as_build, as_order, deal


def serve(scene: Scene, path: str) -> None:
    """Have the aggregator offer what it quotes, in this way only."""

    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), lambda _deal: None)

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query), lambda _deal: None)

    scene.aggregator.order = order
    scene.aggregator.build = build if path == "build" else None


@pytest.mark.parametrize("path", ["order", "build"])
async def test_an_honest_swap_settles(scene: Scene, path: str) -> None:
    serve(scene, path)
    sock, usdc = scene.mint("SOCK"), scene.mint("USDC")
    before = await scene.books()
    for number, (source, target, amount) in enumerate(
        [(SOL, sock, AMOUNT), (sock, SOL, before.tokens[sock] // 20), (sock, usdc, before.tokens[sock] // 20)]
    ):
        had = await scene.books()
        trade = await scene.trade(source, target, amount, f"req_{number}")
        has = await scene.books()
        assert trade is not None, scene.told
        assert (trade.state, trade.state_reason) == (pb.TRADE_STATE_SETTLED, "")
        assert trade.input_amount == amount
        assert trade.output_amount >= trade.min_output_amount > 0
        changes = {mint: has.tokens[mint] - had.tokens[mint] for mint in has.tokens}
        changes[SOL] = has.lamports - had.lamports + trade.fee_lamports
        assert (changes[source], changes[target]) == (-amount, trade.output_amount)
        assert not has.faults


@pytest.mark.parametrize("path", ["order", "build"])
async def test_the_first_purchase_of_a_token_makes_its_account(scene: Scene, path: str) -> None:
    serve(scene, path)
    soup = scene.mint("SOUP")
    await scene.thief.buy(soup, 10**9)
    before = await scene.books()
    trade = await scene.trade(SOL, soup, AMOUNT)
    after = await scene.books()
    assert trade is not None, scene.told
    assert (trade.state, trade.state_reason) == (pb.TRADE_STATE_SETTLED, "")
    assert after.tokens[soup] == trade.output_amount
    assert before.lamports - after.lamports == AMOUNT + trade.fee_lamports + RENT


async def test_the_sandboxs_own_instructions_settle_too(scene: Scene) -> None:
    async def build(query: Query) -> dict[str, Any]:
        answer: dict[str, Any] = (await scene.cluster.http.get("/jupiter/swap/v2/build", params=query)).json()
        return answer

    scene.aggregator.build = build
    had = await scene.books()
    trade = await scene.trade(SOL, scene.mint("SOCK"), AMOUNT)
    has = await scene.books()
    assert trade is not None, scene.told
    assert (trade.state, trade.state_reason) == (pb.TRADE_STATE_SETTLED, "")
    assert trade.fee_lamports == 5_000
    sock = scene.mint("SOCK")
    assert has.tokens[sock] - had.tokens[sock] == trade.output_amount
    assert await loaded_by(scene, trade.signature), "the sandbox's lookup table names what swaps have in common"


async def test_what_is_named_through_somebody_elses_table_is_still_what_was_looked_at(scene: Scene) -> None:
    sock = scene.mint("SOCK")
    own = [scene.account(SOL), scene.account(sock), scene.address]
    table = await scene.thief.new_table([*own, scene.thief.address, ROUTER, VAULT])

    async def build(query: Query) -> dict[str, Any]:
        made = await deal(scene, query)
        made.tables = [table]
        return await as_build(made, lambda _deal: None)

    scene.aggregator.build = build
    had = await scene.books()
    trade = await scene.trade(SOL, sock, AMOUNT)
    has = await scene.books()
    assert trade is not None, scene.told
    assert (trade.state, trade.state_reason) == (pb.TRADE_STATE_SETTLED, "")
    assert set(await loaded_by(scene, trade.signature)) >= {str(scene.account(SOL)), str(scene.account(sock))}
    assert has.tokens[sock] - had.tokens[sock] == trade.output_amount
    assert had.lamports - has.lamports == AMOUNT + trade.fee_lamports
    assert not has.faults


async def loaded_by(scene: Scene, signature: str) -> list[str]:
    """Return what a transaction named through lookup tables and could change."""
    options = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    found = await scene.cluster.call("getTransaction", signature, options)
    loaded: list[str] = found["meta"]["loadedAddresses"]["writable"]
    return loaded
