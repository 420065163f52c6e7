"""Tokens of Token-2022: plain ones can be traded, and what gives others power over its holders can't be bought."""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from puppet.trading.v1 import trading_service_pb2 as pb
from sandbox.solana.router import VAULT, Call, Condition
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SOL
from tests.security.aggregator import Query
from tests.security.conftest import AMOUNT, Scene
from tests.security.judge import rob
from tests.security.offers import Deal, as_build, as_order, deal
from tests.security.test_route_thefts import a_closer, a_delegate, lamports, the_output
from tests.security.thief import pay, token_step

_STOCK = 10**15
_USD = 0.015


async def market(scene: Scene, path: str, mint: str) -> None:
    """Have the aggregator trade a token at its price, one way."""
    sol = (await scene.cluster.http.get("/jupiter/price/v3", params={"ids": SOL})).json()[SOL]["usdPrice"]
    scene.aggregator.prices[mint] = _USD
    per_lamport = sol / 1e9 / _USD * 1e6

    async def offered(query: Query) -> Deal:
        amount = int(query["amount"])
        is_purchase = query["inputMint"] == SOL
        return await deal(scene, query, int(amount * per_lamport if is_purchase else amount / per_lamport))

    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await offered(query), lambda _deal: None)

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await offered(query), lambda _deal: None)

    scene.aggregator.order = order
    scene.aggregator.build = build if path == "build" else None
    for holder in (scene.thief.address, VAULT):
        await scene.thief.stock(mint, _STOCK, holder)


def powers(key: Pubkey) -> dict[str, list[tuple[int, bytes]]]:
    """Return extensions that give `key` power over what others hold: size, and the instruction that begins each."""
    some = bytes([1]) + bytes(key)
    return {
        "permanent delegate": [(32, bytes([35]) + bytes(key))],
        "transfer hook": [(64, bytes([36, 0]) + bytes(key) + bytes(key))],
        "non-transferable": [(0, bytes([32]))],
        "frozen at first": [(1, bytes([28, 0, 2]))],
        "closable mint": [(32, bytes([25]) + some)],
        "pausable": [(33, bytes([44, 0]) + bytes(key))],
    }


def fee(key: Pubkey, bps: int) -> tuple[int, bytes]:
    """Return the extension that withholds so much of each transfer."""
    some = bytes([1]) + bytes(key)
    return 108, bytes([26, 0]) + some + some + struct.pack("<HQ", bps, 2**63)


@pytest.mark.parametrize("path", ["order", "build"])
async def test_a_plain_token_is_bought_and_sold(scene: Scene, path: str) -> None:
    mint = await scene.thief.new_mint()
    await market(scene, path, mint)
    bought = await scene.trade(SOL, mint, AMOUNT, "buy")
    assert bought is not None, scene.told
    assert (bought.state, bought.state_reason) == (pb.TRADE_STATE_SETTLED, "")
    assert (await scene.books()).tokens[mint] == bought.output_amount
    sold = await scene.trade(mint, SOL, bought.output_amount, "sell")
    assert sold is not None, scene.told
    assert (sold.state, sold.state_reason) == (pb.TRADE_STATE_SETTLED, "")
    assert (await scene.books()).tokens[mint] == 0


@pytest.mark.parametrize("path", ["order", "build"])
@pytest.mark.parametrize("power", powers(VAULT))
async def test_a_token_that_others_have_power_over_is_not_bought(scene: Scene, path: str, power: str) -> None:
    mint = await scene.thief.new_mint(*powers(scene.thief.address)[power], frozen=power == "frozen at first")
    scene.aggregator.prices[mint] = _USD

    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query, 10**9), lambda _deal: None)

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query, 10**9), lambda _deal: None)

    scene.aggregator.order, scene.aggregator.build = order, build if path == "build" else None
    trade = await rob(scene, SOL, mint, AMOUNT)
    assert trade is not None, scene.told
    assert "power over its holders" in trade.state_reason


@pytest.mark.parametrize("path", ["order", "build"])
@pytest.mark.parametrize(("bps", "settles"), [(100, True), (2_000, False)])
async def test_a_fee_on_transfers_counts_as_less_output(scene: Scene, path: str, bps: int, *, settles: bool) -> None:
    mint = await scene.thief.new_mint(fee(scene.thief.address, bps))
    await market(scene, path, mint)
    trade = await rob(scene, SOL, mint, AMOUNT)
    assert trade is not None, scene.told
    assert bool(trade.signature) is settles, trade.state_reason
    if settles:
        assert trade.state == pb.TRADE_STATE_SETTLED
        assert (await scene.books()).tokens[mint] == trade.output_amount


async def test_a_fee_that_rises_after_the_trial_is_counted_before(scene: Scene) -> None:
    mint = await scene.thief.new_mint(fee(scene.thief.address, 0))
    await market(scene, "order", mint)
    raised = bytes([26, 5]) + struct.pack("<HQ", 5_000, 2**63)
    step = token_step(raised, Pubkey.from_string(mint), signer=scene.thief.address, program=TOKEN_2022_PROGRAM_ID)
    await scene.thief.send(step)
    trade = await rob(scene, SOL, mint, AMOUNT)
    assert trade is not None, scene.told
    assert not trade.signature


@pytest.mark.parametrize("theft", [lamports, the_output, a_delegate, a_closer])
async def test_what_changes_after_the_trial_takes_nothing_of_token_2022_either(
    scene: Scene, theft: Callable[[Deal], list[Instruction]]
) -> None:
    mint, switch = await scene.thief.new_mint(), Keypair().pubkey()
    await market(scene, "build", mint)
    await scene.thief.send(pay(scene.thief.address, switch, LAMPORTS_PER_SOL))
    honest = scene.aggregator.build
    assert honest is not None
    turned = Condition(switch, (LAMPORTS_PER_SOL + 1) & 0xFF)

    def spoil(made: Deal) -> None:
        made.calls += [Call(of_token_2022(step), turned) for step in theft(made)]

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query, int((await honest(query))["outAmount"])), spoil)

    async def turn() -> None:
        await scene.thief.send(pay(scene.thief.address, switch, 1))

    scene.aggregator.build, scene.aggregator.before_landing = build, turn
    trade = await rob(scene, SOL, mint, AMOUNT)
    assert trade is not None, scene.told
    assert trade.signature, "the trial was good"


def of_token_2022(step: Instruction) -> Instruction:
    """Return an instruction of the token program as one of Token-2022, for the thief's account there."""
    if step.program_id != TOKEN_PROGRAM_ID:
        return step
    return Instruction(TOKEN_2022_PROGRAM_ID, bytes(step.data), step.accounts)
