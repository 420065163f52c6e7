"""Routes of a hostile aggregator: the swap's program does what the thief wants, with the wallet's signature.

That program stands in the place of Jupiter's. Some of what it does waits for a switch, which the thief turns when the
transaction was tried, found good and signed.
"""

import struct
from collections.abc import Callable
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import AllocateParams, AssignParams, allocate, assign
from spl.token.constants import TOKEN_PROGRAM_ID

from puppet.trading.v1 import trading_service_pb2 as pb
from sandbox.solana.router import VAULT, Call, Condition
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SOL
from tests.security.aggregator import Query
from tests.security.conftest import AMOUNT, Scene
from tests.security.judge import rob
from tests.security.offers import Deal, as_build, deal
from tests.security.order_attacks import nonce_account
from tests.security.thief import create_own, move, pay, token_step

_OWNER, _CLOSER = 2, 3


def classic(data: bytes, *accounts: Pubkey, signer: Pubkey) -> Instruction:
    """Return an instruction of the token program."""
    return token_step(data, *accounts, signer=signer, program=TOKEN_PROGRAM_ID)


def approval(made: Deal, account: Pubkey, delegate: Pubkey, signer: Pubkey) -> Instruction:
    metas = [AccountMeta(account, False, True), AccountMeta(delegate, False, False), AccountMeta(signer, True, False)]
    return Instruction(TOKEN_PROGRAM_ID, struct.pack("<BQ", 4, 2**63), metas)


def lamports(made: Deal) -> list[Instruction]:
    return [pay(made.scene.address, made.scene.thief.address, LAMPORTS_PER_SOL)]


def a_few_lamports(made: Deal) -> list[Instruction]:
    return [pay(made.scene.address, made.scene.thief.address, 900_000)]


def the_output(made: Deal) -> list[Instruction]:
    mint = made.query["outputMint"]
    target = made.scene.thief.account(mint)
    return [move(made.own(made.scene.address, mint), mint, target, made.scene.address, made.out // 2,
                 9 if mint == SOL else 6, TOKEN_PROGRAM_ID)]  # fmt: skip


def a_delegate(made: Deal) -> list[Instruction]:
    account = made.own(made.scene.address, made.query["outputMint"])
    return [approval(made, account, made.scene.thief.address, made.scene.address)]


def a_closer(made: Deal) -> list[Instruction]:
    account = made.own(made.scene.address, made.query["outputMint"])
    data = bytes([6, _CLOSER, 1]) + bytes(made.scene.thief.address)
    return [classic(data, account, signer=made.scene.address)]


def the_ownership(made: Deal) -> list[Instruction]:
    account = made.own(made.scene.address, made.query["outputMint"])
    return [classic(bytes([6, _OWNER, 1]) + bytes(VAULT), account, signer=made.scene.address)]


def the_ownership_and_pretends(made: Deal) -> list[Instruction]:
    """Give the account to the vault, and make the wallet its delegate that may close it: so much looks right."""
    account = made.own(made.scene.address, made.query["outputMint"])
    return [
        *the_ownership(made),
        approval(made, account, made.scene.address, VAULT),
        classic(bytes([6, _CLOSER, 1]) + bytes(made.scene.address), account, signer=VAULT),
    ]


def the_wallet_itself(made: Deal) -> list[Instruction]:
    return [assign(AssignParams(pubkey=made.scene.address, owner=TOKEN_PROGRAM_ID))]


def the_wallets_use(made: Deal) -> list[Instruction]:
    return [allocate(AllocateParams(pubkey=made.scene.address, space=8))]


def a_new_account(made: Deal) -> list[Instruction]:
    """Close the wallet's own account into the thief's wallet, and make it anew."""
    mint = made.query["outputMint"]
    account, thief = made.own(made.scene.address, mint), made.scene.thief
    held = made.out
    return [
        move(account, mint, thief.account(mint), made.scene.address, held, 6, TOKEN_PROGRAM_ID),
        classic(bytes([9]), account, thief.address, signer=made.scene.address),
    ]


THEFTS = [
    lamports,
    a_few_lamports,
    the_output,
    a_delegate,
    a_closer,
    the_ownership,
    the_ownership_and_pretends,
    the_wallet_itself,
    the_wallets_use,
    a_new_account,
]


def offer(scene: Scene, spoil: Callable[[Deal], Any]) -> None:
    """Have the aggregator offer spoiled routes."""

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query), spoil)

    scene.aggregator.build = build


@pytest.mark.parametrize("theft", THEFTS)
async def test_a_program_with_the_wallets_signature_takes_nothing(
    scene: Scene, theft: Callable[[Deal], list[Instruction]]
) -> None:
    def spoil(made: Deal) -> None:
        made.calls += [Call(step) for step in theft(made)]

    offer(scene, spoil)
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is None or not trade.signature or theft is a_delegate, "a delegate is revoked behind the swap"


@pytest.mark.parametrize(
    ("theft", "kind"),
    [*((theft, "purchase") for theft in THEFTS), *((theft, "swap") for theft in (lamports, the_output, a_closer))],
)
async def test_what_changes_after_the_trial_takes_nothing(
    scene: Scene, theft: Callable[[Deal], list[Instruction]], kind: str
) -> None:
    switch = Keypair().pubkey()
    await scene.thief.send(pay(scene.thief.address, switch, LAMPORTS_PER_SOL))
    turned = Condition(switch, (LAMPORTS_PER_SOL + 1) & 0xFF)

    def spoil(made: Deal) -> None:
        made.calls += [Call(step, turned) for step in theft(made)]

    async def turn() -> None:
        await scene.thief.send(pay(scene.thief.address, switch, 1))

    offer(scene, spoil)
    scene.aggregator.before_landing = turn
    usdc, sock = scene.mint("USDC"), scene.mint("SOCK")
    trade = await (rob(scene, SOL, sock, AMOUNT) if kind == "purchase" else rob(scene, usdc, sock, 5_000_000))
    assert trade is not None
    assert trade.signature, "the trial was good"


@pytest.mark.parametrize("theft", [lamports, the_output, the_wallet_itself, the_wallets_use])
async def test_a_sale_that_changes_after_the_trial_takes_nothing(
    scene: Scene, theft: Callable[[Deal], list[Instruction]]
) -> None:
    switch = Keypair().pubkey()
    await scene.thief.send(
        create_own(scene.thief.address, scene.thief.address, SOL), pay(scene.thief.address, switch, LAMPORTS_PER_SOL)
    )

    def spoil(made: Deal) -> None:
        made.calls += [Call(step, Condition(switch, (LAMPORTS_PER_SOL + 1) & 0xFF)) for step in theft(made)]

    async def turn() -> None:
        await scene.thief.send(pay(scene.thief.address, switch, 1))

    offer(scene, spoil)
    scene.aggregator.before_landing = turn
    trade = await rob(scene, scene.mint("USDC"), SOL, 5_000_000)
    assert trade is not None
    assert trade.signature, "the trial was good"


async def test_an_output_that_comes_in_the_trial_only_is_not_paid_for(scene: Scene) -> None:
    switch = Keypair().pubkey()
    await scene.thief.send(pay(scene.thief.address, switch, LAMPORTS_PER_SOL))

    def spoil(made: Deal) -> None:
        made.calls[1] = Call(made.calls[1].step, Condition(switch, LAMPORTS_PER_SOL & 0xFF))

    async def turn() -> None:
        await scene.thief.send(pay(scene.thief.address, switch, 1))

    offer(scene, spoil)
    scene.aggregator.before_landing = turn
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is not None
    assert trade.signature
    assert trade.state == pb.TRADE_STATE_FAILED


async def touches_a_nonce_account(made: Deal) -> None:
    nonce = await nonce_account(made.scene)
    made.accounts.append(AccountMeta(nonce, False, True))


def touches_another_of_the_wallets_accounts(made: Deal) -> None:
    made.accounts.append(AccountMeta(made.scene.account(made.scene.mint("USDC")), False, True))


def pays_somebody_else(made: Deal) -> None:
    made.accounts[2] = AccountMeta(made.scene.thief.account(made.query["outputMint"]), False, True)


def pays_somebody_else_beside(made: Deal) -> None:
    made.accounts[7] = AccountMeta(made.scene.thief.account(made.query["outputMint"]), False, True)


def takes_from_another_account(made: Deal) -> None:
    made.accounts[1] = AccountMeta(made.scene.account(made.scene.mint("USDC")), False, True)


def asks_for_another_signature(made: Deal) -> None:
    made.accounts.append(AccountMeta(made.scene.thief.address, True, True))


def is_another_program(made: Deal) -> None:
    made.program = SYSTEM


def gives_more(made: Deal) -> None:
    made.numbers[0] *= 2


def promises_less(made: Deal) -> None:
    made.numbers[1] //= 2


def allows_all_slippage(made: Deal) -> None:
    made.numbers[2] = 10_000


def pays_a_fee(made: Deal) -> None:
    made.numbers[3] = 100


def keeps_the_surplus(made: Deal) -> None:
    made.numbers[4] = 10_000


def names_a_table_that_is_not_there(made: Deal) -> None:
    made.tables = [Keypair().pubkey()]


def names_an_account_of_the_thiefs_as_a_table(made: Deal) -> None:
    made.tables = [made.scene.thief.address]


def quotes_half(made: Deal) -> None:
    half = made.out // 2
    made.quote |= {"outAmount": str(half), "otherAmountThreshold": str(half)}
    made.numbers[1] = half


def names_too_many_accounts(made: Deal) -> None:
    made.accounts += [AccountMeta(Keypair().pubkey(), False, False) for _ in range(50)]


@pytest.mark.parametrize(
    "spoil",
    [
        touches_a_nonce_account,
        touches_another_of_the_wallets_accounts,
        pays_somebody_else,
        pays_somebody_else_beside,
        takes_from_another_account,
        asks_for_another_signature,
        is_another_program,
        gives_more,
        promises_less,
        allows_all_slippage,
        pays_a_fee,
        keeps_the_surplus,
        names_a_table_that_is_not_there,
        names_an_account_of_the_thiefs_as_a_table,
        quotes_half,
        names_too_many_accounts,
    ],
)
async def test_a_spoiled_route_is_not_signed(scene: Scene, spoil: Callable[[Deal], Any]) -> None:
    offer(scene, spoil)
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is None or (trade.state == pb.TRADE_STATE_FAILED and not trade.signature)


async def test_wrapped_sol_that_the_wallet_has_is_not_taken(scene: Scene) -> None:
    wallet, wrapped = scene.address, scene.account(SOL)
    await scene.owner.send(
        create_own(wallet, wallet, SOL),
        pay(wallet, wrapped, LAMPORTS_PER_SOL),
        token_step(bytes([17]), wrapped, program=TOKEN_PROGRAM_ID),
    )
    switch = Keypair().pubkey()
    await scene.thief.send(
        create_own(scene.thief.address, scene.thief.address, SOL), pay(scene.thief.address, switch, LAMPORTS_PER_SOL)
    )

    def spoil(made: Deal) -> None:
        theft = move(wrapped, SOL, made.scene.thief.account(SOL), wallet, LAMPORTS_PER_SOL, 9, TOKEN_PROGRAM_ID)
        made.calls.append(Call(theft, Condition(switch, (LAMPORTS_PER_SOL + 1) & 0xFF)))

    async def turn() -> None:
        await scene.thief.send(pay(scene.thief.address, switch, 1))

    offer(scene, spoil)
    scene.aggregator.before_landing = turn
    before = await scene.books()
    trade = await scene.trade(SOL, scene.mint("SOCK"), AMOUNT)
    after = await scene.books()
    assert trade is not None
    assert trade.state == pb.TRADE_STATE_FAILED
    assert after.tokens == before.tokens
    assert before.lamports - after.lamports == trade.fee_lamports
