"""What is shown as a balance can be spent, and nobody else can spend it."""

import struct
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from puppet.trading.v1 import trading_service_pb2 as pb
from tests.integration.trading.conftest import SOL
from tests.security.aggregator import Query
from tests.security.conftest import Scene
from tests.security.offers import as_order, deal
from tests.security.thief import create_own, pay, token_step


async def shown(scene: Scene) -> dict[str, int]:
    """Return the balances that the service shows."""
    found = await scene.trading.GetBalances(pb.GetBalancesRequest(wallet_id=scene.wallet.id))
    return {balance.mint: balance.amount for balance in found.balances}


async def test_balances_are_those_of_the_wallets_own_accounts(scene: Scene) -> None:
    books = await scene.books()
    assert await shown(scene) == books.tokens | {SOL: books.lamports}


@pytest.mark.parametrize("power", ["delegate", "closer"])
async def test_what_somebody_else_has_power_over_is_no_balance(scene: Scene, power: str) -> None:
    usdc, sock, thief = scene.mint("USDC"), scene.mint("SOCK"), scene.thief.address
    account = scene.account(usdc)
    if power == "delegate":
        metas = [AccountMeta(account, False, True), AccountMeta(thief, False, False)]
        data = struct.pack("<BQ", 4, 1)
        step = Instruction(TOKEN_PROGRAM_ID, data, [*metas, AccountMeta(scene.address, True, False)])
    else:
        step = token_step(bytes([6, 3, 1]) + bytes(thief), account, signer=scene.address, program=TOKEN_PROGRAM_ID)
    await scene.owner.send(step)

    async def order(query: Query) -> dict[str, Any]:
        return await as_order(await deal(scene, query), lambda _made: None)

    scene.aggregator.order = order
    assert usdc not in await shown(scene)
    assert sock in await shown(scene)
    assert await scene.trade(usdc, SOL, 1_000_000) is None
    assert "can spend 0" in scene.told


async def test_an_account_that_only_names_the_wallet_is_no_balance(scene: Scene) -> None:
    usdc, thief = scene.mint("USDC"), scene.thief
    before = await shown(scene)

    def begin(account: Pubkey) -> Instruction:
        metas = [AccountMeta(account, False, True), AccountMeta(Pubkey.from_string(usdc), False, False)]
        return Instruction(TOKEN_PROGRAM_ID, bytes([18]) + bytes(scene.address), metas)

    account = await thief.new_account(165, TOKEN_PROGRAM_ID, begin)
    amount = struct.pack("<BQ", 3, 1_000_000)
    accounts = (thief.account(usdc), account)
    await thief.send(token_step(amount, *accounts, signer=thief.address, program=TOKEN_PROGRAM_ID))
    assert await shown(scene) == before


async def test_wrapped_sol_is_no_balance_before_it_is_unwrapped(scene: Scene) -> None:
    await scene.thief.send(
        create_own(scene.thief.address, scene.address, SOL),
        pay(scene.thief.address, scene.account(SOL), 1_000_000),
        token_step(bytes([17]), scene.account(SOL), program=TOKEN_PROGRAM_ID),
    )
    assert (await shown(scene))[SOL] == (await scene.books()).lamports


async def test_a_token_whose_mint_is_gone_hides_no_other(scene: Scene) -> None:
    thief, before = scene.thief, await shown(scene)
    closable = bytes([25, 1]) + bytes(thief.address)
    mint, living = await thief.new_mint((32, closable)), await thief.new_mint()
    await thief.stock(living, 7, scene.address)
    await thief.send(create_own(thief.address, scene.address, mint, TOKEN_2022_PROGRAM_ID))
    close = token_step(bytes([9]), Pubkey.from_string(mint), thief.address, signer=thief.address)
    await thief.send(close)
    options = {"encoding": "jsonParsed", "commitment": "processed"}
    account = str(scene.account(mint, TOKEN_2022_PROGRAM_ID))
    data = (await scene.cluster.call("getAccountInfo", account, options))["value"]["data"]
    assert data[1] == "base64"
    assert await shown(scene) == before | {living: 7}
