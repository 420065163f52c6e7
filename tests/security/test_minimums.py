"""What is small, old, twice the same or beside the trade: where limits are rounded, and what nobody guards."""

import asyncio
import struct
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from puppet.trading.v1 import trading_service_pb2 as pb
from sandbox.solana.router import VAULT, Call, Condition
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SOL, until
from tests.security.aggregator import Query
from tests.security.conftest import AMOUNT, Scene
from tests.security.judge import rob
from tests.security.offers import Deal, Spoil, as_build, as_order, deal
from tests.security.thief import create_own, move, pay, token_step

PIECES_FOR = 100_000_000


def offer_pieces(scene: Scene, path: str, spoil: Spoil, pieces: int) -> None:
    """Have the aggregator quote so many pieces of a token."""

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query, pieces), spoil)

    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query, pieces), spoil)

    if path == "build":
        scene.aggregator.build = build
    else:
        scene.aggregator.order = order


async def pieces(scene: Scene, price_in_sol: float) -> str:
    """Return the mint of a token that can't be divided, at a price that is honest."""
    begin = struct.pack("<BB32s", 20, 0, bytes(scene.thief.address)) + b"\0"
    mint = str(await scene.thief.new_account(82, TOKEN_2022_PROGRAM_ID, lambda key: token_step(begin, key)))
    sol = (await scene.cluster.http.get("/jupiter/price/v3", params={"ids": SOL})).json()[SOL]["usdPrice"]
    scene.aggregator.prices[mint] = sol * price_in_sol
    for holder in (scene.thief.address, VAULT):
        await scene.thief.stock(mint, 100, holder)
    return mint


@pytest.mark.parametrize("path", ["build", "order"])
async def test_something_comes_out_even_where_the_slippage_of_one_piece_rounds_to_nothing(
    scene: Scene, path: str
) -> None:
    def spoil(made: Deal) -> None:
        made.quote["otherAmountThreshold"] = "0"
        (made.calls or made.steps).pop()

    mint = await pieces(scene, 0.0999)
    offer_pieces(scene, path, spoil, 1)
    trade = await rob(scene, SOL, mint, PIECES_FOR)
    assert trade is None or not trade.signature


async def test_slippage_is_never_rounded_to_a_whole_piece(scene: Scene) -> None:
    def spoil(made: Deal) -> None:
        made.quote["otherAmountThreshold"] = "0"
        accounts = made.own(VAULT, mint), made.own(scene.address, mint)
        made.calls[1] = Call(move(accounts[0], mint, accounts[1], VAULT, 2, 0, TOKEN_2022_PROGRAM_ID))

    mint = await pieces(scene, 0.0333)
    offer_pieces(scene, "build", spoil, 3)
    trade = await rob(scene, SOL, mint, PIECES_FOR)
    assert trade is None or not trade.signature


@pytest.mark.parametrize("excess", [LAMPORTS_PER_SOL, 1_000])
async def test_sol_beyond_the_rent_of_a_token_account_counts_as_given(scene: Scene, excess: int) -> None:
    """The account is closed and made anew, and what it had is paid back on the trial run only."""
    sock, switch = scene.mint("SOCK"), Keypair().pubkey()
    account = scene.account(sock)
    await scene.owner.send(pay(scene.address, account, excess))
    await scene.thief.send(
        pay(scene.thief.address, switch, LAMPORTS_PER_SOL), pay(scene.thief.address, VAULT, 3 * LAMPORTS_PER_SOL)
    )
    held = (await scene.books()).tokens[sock]

    def spoil(made: Deal) -> None:
        total = held + made.out
        made.calls += [
            Call(move(account, sock, made.own(VAULT, sock), scene.address, total, 6, TOKEN_PROGRAM_ID)),
            Call(token_step(bytes([9]), account, VAULT, signer=scene.address, program=TOKEN_PROGRAM_ID)),
            Call(create_own(VAULT, scene.address, sock)),
            Call(move(made.own(VAULT, sock), sock, account, VAULT, total, 6, TOKEN_PROGRAM_ID)),
            Call(pay(VAULT, account, excess), Condition(switch, LAMPORTS_PER_SOL & 0xFF)),
        ]

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query), spoil)

    async def turn() -> None:
        await scene.thief.send(pay(scene.thief.address, switch, 1))

    scene.aggregator.build, scene.aggregator.before_landing = build, turn
    before = await scene.books()
    trade = await scene.trade(SOL, sock, AMOUNT)
    lost = before.all_lamports - (await scene.books()).all_lamports
    assert trade is not None
    if excess > 1_000:
        assert (trade.signature, trade.state_cause, lost) == ("", pb.TRADE_STATE_CAUSE_POLICY_VIOLATION, 0)
    else:
        assert lost <= AMOUNT + trade.fee_lamports + excess


async def test_a_multisig_that_the_wallet_signs_for_is_left_alone(scene: Scene) -> None:
    """The account is the multisig's and doesn't name the wallet; the multisig does."""
    usdc, thief = scene.mint("USDC"), scene.thief

    def begin_multisig(key: Pubkey) -> Instruction:
        metas = [AccountMeta(key, False, True), AccountMeta(scene.address, False, False)]
        return Instruction(TOKEN_PROGRAM_ID, bytes([19, 1]), metas)

    def begin_account(key: Pubkey) -> Instruction:
        metas = [AccountMeta(key, False, True), AccountMeta(Pubkey.from_string(usdc), False, False)]
        return Instruction(TOKEN_PROGRAM_ID, bytes([18]) + bytes(multisig), metas)

    multisig = await thief.new_account(355, TOKEN_PROGRAM_ID, begin_multisig)
    account = await thief.new_account(165, TOKEN_PROGRAM_ID, begin_account)
    transfer = struct.pack("<BQ", 3, 1_000_000)
    await thief.send(token_step(transfer, thief.account(usdc), account, signer=thief.address, program=TOKEN_PROGRAM_ID))

    def spoil(made: Deal) -> None:
        metas = [
            AccountMeta(account, False, True),
            AccountMeta(thief.account(usdc), False, True),
            AccountMeta(multisig, False, False),
            AccountMeta(scene.address, True, False),
        ]
        made.calls.append(Call(Instruction(TOKEN_PROGRAM_ID, transfer, metas)))

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query), spoil)

    scene.aggregator.build = build
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is None or not trade.signature
    left = await scene.cluster.call("getTokenAccountBalance", str(account), {"commitment": "processed"})
    assert left["value"]["amount"] == "1000000"


async def test_swaps_that_are_made_to_fail_use_the_limits_up(scene: Scene) -> None:
    switch, state = Keypair().pubkey(), {"lamports": LAMPORTS_PER_SOL}
    await scene.thief.send(pay(scene.thief.address, switch, LAMPORTS_PER_SOL))

    def spoil(made: Deal) -> None:
        made.calls[1] = Call(made.calls[1].step, Condition(switch, state["lamports"] & 0xFF))

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query), spoil)

    async def turn() -> None:
        state["lamports"] += 1
        await scene.thief.send(pay(scene.thief.address, switch, 1))

    scene.aggregator.build = build
    await scene.update_policy(max_daily_trades=2)
    before, landed = await scene.books(), []
    for number in range(4):
        scene.aggregator.before_landing = turn
        trade = await scene.trade(SOL, scene.mint("SOCK"), AMOUNT, f"req_{number}")
        landed += [trade.fee_lamports] if trade is not None and trade.fee_lamports else []
    assert len(landed) == 2
    assert "max_daily_trades" in scene.told
    assert before.lamports - (await scene.books()).lamports == sum(landed)


async def test_a_node_that_does_not_know_of_the_latest_trade_yet_is_not_believed(scene: Scene) -> None:
    """What came in by that trade would not be guarded."""

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query), lambda _made: None)

    scene.aggregator.build = build
    first = await scene.trade(SOL, scene.mint("SOCK"), AMOUNT)
    assert first is not None
    scene.aggregator.slots_behind = 10_000
    scene.aggregator.asked.clear()

    async def is_asked_again() -> bool:
        return scene.aggregator.asked.count("getMultipleAccounts") > 6

    trading = asyncio.create_task(scene.trade(SOL, scene.mint("SOCK"), AMOUNT, "req_2"))
    await until(is_asked_again)
    [trade] = (await scene.trading.ListTrades(pb.ListTradesRequest(wallet_id=scene.wallet.id, page_size=1))).trades
    assert (trade.state, trade.signature) == (pb.TRADE_STATE_CLAIMED, "")
    scene.aggregator.slots_behind = 0
    second = await trading
    assert second is not None
    assert (first.state, second.state) == (pb.TRADE_STATE_SETTLED, pb.TRADE_STATE_SETTLED)


async def test_one_transaction_is_never_two_trades(scene: Scene) -> None:
    kept: dict[str, Any] = {}

    async def order(query: Query) -> dict[str, Any]:
        if "taker" not in query:
            return await as_order(await deal(scene, query), lambda _made: None)
        if not kept:
            kept.update(await as_order(await deal(scene, query), lambda _made: None))
        return kept

    scene.aggregator.order = order
    before = await scene.books()
    trades = [await scene.trade(SOL, scene.mint("SOCK"), AMOUNT, f"req_{number}") for number in range(2)]
    settled = [trade for trade in trades if trade is not None and trade.state == pb.TRADE_STATE_SETTLED]
    after = await scene.books()
    assert len(settled) == 1
    assert after.tokens[scene.mint("SOCK")] - before.tokens[scene.mint("SOCK")] == settled[0].output_amount
