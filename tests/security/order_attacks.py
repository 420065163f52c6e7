"""What a hostile aggregator puts into whole transactions, beside the swap or in its place."""

import itertools
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import (
    AdvanceNonceAccountParams,
    AllocateParams,
    AssignParams,
    CreateAccountParams,
    CreateAccountWithSeedParams,
    InitializeNonceAccountParams,
    TransferWithSeedParams,
    WithdrawNonceAccountParams,
    advance_nonce_account,
    allocate,
    assign,
    create_account,
    create_account_with_seed,
    initialize_nonce_account,
    transfer_with_seed,
    withdraw_nonce_account,
)
from spl.token.constants import TOKEN_PROGRAM_ID

from sandbox.solana.router import ROUTE_V2, Call, with_calls
from tests.integration.trading.conftest import LAMPORTS_PER_SOL, SOL
from tests.security.conftest import Scene
from tests.security.offers import Deal
from tests.security.thief import create_own, move, pay, token_step

_MUCH = 5 * LAMPORTS_PER_SOL
_BIG = 10_000_000
_OWNER, _CLOSER, _MINTER = 2, 3, 0


def classic(data: bytes, *accounts: Pubkey, signer: Pubkey) -> Instruction:
    """Return an instruction of the token program."""
    return token_step(data, *accounts, signer=signer, program=TOKEN_PROGRAM_ID)


def to_an_account_that_the_thief_may_close(*, of_sol: bool) -> Callable[[Deal], Awaitable[None]]:
    """Move lamports into a token account that names the wallet as owner and the thief as close authority."""

    async def spoil(made: Deal) -> None:
        thief, wallet = made.scene.thief.address, made.scene.address
        mint = Pubkey.from_string(SOL if of_sol else made.scene.mint("SOCK"))

        def begin(account: Pubkey) -> Instruction:
            metas = [AccountMeta(account, False, True), AccountMeta(mint, False, False)]
            return Instruction(TOKEN_PROGRAM_ID, bytes([18]) + bytes(thief), metas)

        account = await made.scene.thief.new_account(
            165,
            TOKEN_PROGRAM_ID,
            begin,
            lambda account: classic(bytes([6, _CLOSER, 1]) + bytes(thief), account, signer=thief),
            lambda account: classic(bytes([6, _OWNER, 1]) + bytes(wallet), account, signer=thief),
        )
        made.steps.append(pay(wallet, account, _MUCH))

    return spoil


def takes_more(made: Deal) -> None:
    made.steps.append(pay(made.scene.address, made.scene.thief.address, _BIG))


def takes_twice(made: Deal) -> None:
    made.steps.append(made.steps[2])


def keeps_the_output(made: Deal) -> None:
    thief = made.scene.thief.address
    made.steps[-1] = move(made.own(thief, made.query["outputMint"]), made.query["outputMint"],
                          made.own(thief, made.query["outputMint"]), thief, made.out, 6, TOKEN_PROGRAM_ID)  # fmt: skip


def gives_less(made: Deal) -> None:
    made.steps[-1] = made.payment(made.query["outputMint"], made.scene.thief.address, made.scene.address, made.out // 2)


def takes_the_output_back(made: Deal) -> None:
    made.steps.append(made.payment(made.query["outputMint"], made.scene.address, made.scene.thief.address, made.out))


def promises_nothing(made: Deal) -> None:
    made.quote["otherAmountThreshold"] = "0"
    gives_less(made)


def quotes_a_lamport(made: Deal) -> None:
    made.quote |= {"outAmount": "1", "otherAmountThreshold": "1"}
    made.steps[-1] = made.payment(SOL, made.scene.thief.address, made.scene.address, 1)


def pays_into_a_wrapped_account(made: Deal) -> None:
    """Pay to where the wallet's account for wrapped SOL would be, and isn't."""
    made.steps[-1] = pay(made.scene.thief.address, made.scene.account(SOL), made.out)


def quotes_half(made: Deal) -> None:
    half = made.out // 2
    made.quote |= {"outAmount": str(half), "otherAmountThreshold": str(half)}
    gives_less(made)


def gives_the_signature_to_a_program(made: Deal) -> None:
    theft = Call(pay(made.scene.address, made.scene.thief.address, _MUCH))
    fixed = [AccountMeta(made.scene.address, True, True)]
    made.steps.append(with_calls(fixed, ROUTE_V2 + struct.pack("<QQHHH", 0, 0, 0, 0, 0), [theft]))


def hides_a_program_that_does_nothing_yet(made: Deal) -> None:
    fixed = [AccountMeta(made.scene.address, True, True)]
    made.steps.append(with_calls(fixed, ROUTE_V2 + struct.pack("<QQHHH", 0, 0, 0, 0, 0), []))


def pays_a_huge_priority(made: Deal) -> None:
    made.steps[1] = set_compute_unit_price(9_900_000 * 1_000_000 // 200_000)
    made.quote["prioritizationFeeLamports"] = 9_900_000


def pays_by_a_huge_limit(made: Deal) -> None:
    made.steps[0], made.steps[1] = set_compute_unit_limit(1_400_000), set_compute_unit_price(7_000_000)


def tips(made: Deal) -> None:
    made.steps.append(pay(made.scene.address, Pubkey.new_unique(), 9_900_000))
    made.quote["prioritizationFeeLamports"] = 9_900_000


def is_paid_for_by_the_thief(made: Deal) -> None:
    made.payer = made.scene.thief.address


def asks_for_more_signatures(made: Deal) -> None:
    others = [Keypair().pubkey() for _ in range(3)]
    made.steps += [pay(other, made.scene.thief.address, 0) for other in others]


def approves(symbol: str) -> Callable[[Deal], None]:
    def spoil(made: Deal) -> None:
        account = made.scene.account(made.scene.mint(symbol))
        metas = [AccountMeta(account, False, True), AccountMeta(made.scene.thief.address, False, False)]
        data = struct.pack("<BQ", 4, 2**63)
        made.steps.append(Instruction(TOKEN_PROGRAM_ID, data, [*metas, AccountMeta(made.scene.address, True, False)]))

    return spoil


def gives_authority(kind: int, symbol: str) -> Callable[[Deal], None]:
    def spoil(made: Deal) -> None:
        data = bytes([6, kind, 1]) + bytes(made.scene.thief.address)
        account = made.scene.account(made.scene.mint(symbol))
        made.steps.append(classic(data, account, signer=made.scene.address))

    return spoil


async def gives_a_mint_away(made: Deal) -> None:
    mint = Pubkey.from_string(await made.scene.thief.new_mint(authority=made.scene.address))
    data = bytes([6, _MINTER, 1]) + bytes(made.scene.thief.address)
    made.steps.append(token_step(data, mint, signer=made.scene.address))


async def empties_a_nonce_account(made: Deal) -> None:
    nonce = await nonce_account(made.scene)
    target = made.scene.thief.address
    params = WithdrawNonceAccountParams(
        nonce_pubkey=nonce, authorized_pubkey=made.scene.address, to_pubkey=target, lamports=1_000_000_000
    )
    made.steps.append(withdraw_nonce_account(params))


async def never_expires(made: Deal) -> None:
    nonce = await nonce_account(made.scene)
    params = AdvanceNonceAccountParams(nonce_pubkey=nonce, authorized_pubkey=made.scene.address)
    made.steps.insert(0, advance_nonce_account(params))


async def nonce_account(scene: Scene) -> Pubkey:
    """Make a nonce account of the wallet's with a SOL in it, out of the thief's pocket."""
    thief, key = scene.thief, Keypair()
    made = CreateAccountParams(
        from_pubkey=thief.address, to_pubkey=key.pubkey(), lamports=LAMPORTS_PER_SOL, space=80, owner=SYSTEM
    )
    begin = InitializeNonceAccountParams(nonce_pubkey=key.pubkey(), authority=scene.address)
    await thief.send(create_account(made), initialize_nonce_account(begin), keys=[key])
    return key.pubkey()


def assigns_the_wallet(made: Deal) -> None:
    made.steps.append(assign(AssignParams(pubkey=made.scene.address, owner=TOKEN_PROGRAM_ID)))


def allocates_the_wallet(made: Deal) -> None:
    made.steps.append(allocate(AllocateParams(pubkey=made.scene.address, space=8)))


def creates_an_account(made: Deal) -> None:
    params = CreateAccountParams(from_pubkey=made.scene.address, to_pubkey=made.scene.thief.address, lamports=_BIG,
                                 space=0, owner=SYSTEM)  # fmt: skip
    made.steps.append(create_account(params))


def creates_an_account_with_a_seed(made: Deal) -> None:
    wallet = made.scene.address
    target = Pubkey.create_with_seed(wallet, "x", TOKEN_PROGRAM_ID)
    params = CreateAccountWithSeedParams(
        from_pubkey=wallet, to_pubkey=target, base=wallet, seed="x", lamports=_BIG, space=0, owner=TOKEN_PROGRAM_ID
    )
    made.steps.append(create_account_with_seed(params))


async def takes_from_a_seed(made: Deal) -> None:
    wallet = made.scene.address
    source = Pubkey.create_with_seed(wallet, "x", SYSTEM)
    await made.scene.thief.send(pay(made.scene.thief.address, source, LAMPORTS_PER_SOL))
    params = TransferWithSeedParams(
        from_pubkey=source,
        from_base=wallet,
        from_seed="x",
        from_owner=SYSTEM,
        to_pubkey=made.scene.thief.address,
        lamports=LAMPORTS_PER_SOL,
    )
    made.steps.append(transfer_with_seed(params))


def burns(made: Deal) -> None:
    mint = Pubkey.from_string(made.scene.mint("USDC"))
    account = made.scene.account(made.scene.mint("USDC"))
    made.steps.append(classic(struct.pack("<BQ", 8, 1_000_000), account, mint, signer=made.scene.address))


def sells_another_token_beside(made: Deal) -> None:
    usdc = made.scene.mint("USDC")
    accounts = made.scene.account(usdc), made.scene.thief.account(usdc)
    made.steps.append(move(accounts[0], usdc, accounts[1], made.scene.address, 1_000_000, 6, TOKEN_PROGRAM_ID))


async def closes_an_account(made: Deal) -> None:
    soup = made.scene.mint("SOUP")
    await made.scene.thief.send(create_own(made.scene.thief.address, made.scene.address, soup))
    accounts = made.scene.account(soup), made.scene.thief.address
    made.steps.append(classic(bytes([9]), *accounts, signer=made.scene.address))


def wraps_and_keeps(made: Deal) -> None:
    wallet, thief = made.scene.address, made.scene.thief.address
    wrapped, mine = made.scene.account(SOL), made.scene.thief.account(SOL)
    made.steps += [
        create_own(wallet, wallet, SOL),
        create_own(thief, thief, SOL),
        pay(wallet, wrapped, _MUCH),
        token_step(bytes([17]), wrapped, program=TOKEN_PROGRAM_ID),
        move(wrapped, SOL, mine, wallet, _MUCH, 9, TOKEN_PROGRAM_ID),
    ]


def wraps_and_lets_close(made: Deal) -> None:
    wallet, wrapped = made.scene.address, made.scene.account(SOL)
    made.steps += [
        create_own(wallet, wallet, SOL),
        pay(wallet, wrapped, _MUCH),
        classic(bytes([9]), wrapped, made.scene.thief.address, signer=wallet),
    ]


def pays_for_the_thiefs_account(made: Deal) -> None:
    made.steps.append(create_own(made.scene.address, Keypair().pubkey(), made.scene.mint("SOUP")))


def pays_for_many_accounts(made: Deal) -> None:
    symbols = ("SOUP", "NAP", "MOSS", "TOAST", "HONK")
    made.steps += [create_own(made.scene.address, made.scene.address, made.scene.mint(name)) for name in symbols]


def names_accounts_by_a_table(made: Deal) -> None:
    made.tables = [AddressLookupTableAccount(Pubkey.new_unique(), [made.scene.account(made.scene.mint("SOCK"))])]


def uses_an_unknown_step(made: Deal) -> None:
    account = made.scene.account(made.scene.mint("SOCK"))
    made.steps.append(classic(bytes([38]), account, made.scene.thief.address, signer=made.scene.address))


def gives_another_token(made: Deal) -> None:
    """Pay with a token that is worth less and has as many decimals."""
    usdc = made.scene.mint("USDC")
    accounts = made.scene.thief.account(usdc), made.scene.account(usdc)
    made.steps[-1] = move(accounts[0], usdc, accounts[1], made.scene.thief.address, 1_000, 6, TOKEN_PROGRAM_ID)


def is_for_another_amount(made: Deal) -> None:
    made.quote["inAmount"] = str(made.given // 2)


def is_for_another_pair(made: Deal) -> None:
    made.quote["outputMint"] = made.scene.mint("USDC")


def allows_all_slippage(made: Deal) -> None:
    made.quote["slippageBps"] = 5_000
    gives_less(made)


ATTACKS: list[Callable[[Deal], Any]] = [
    to_an_account_that_the_thief_may_close(of_sol=False),
    to_an_account_that_the_thief_may_close(of_sol=True),
    takes_more,
    takes_twice,
    keeps_the_output,
    gives_less,
    takes_the_output_back,
    promises_nothing,
    quotes_half,
    gives_the_signature_to_a_program,
    hides_a_program_that_does_nothing_yet,
    pays_a_huge_priority,
    pays_by_a_huge_limit,
    tips,
    is_paid_for_by_the_thief,
    asks_for_more_signatures,
    approves("SOCK"),
    approves("USDC"),
    gives_authority(_OWNER, "SOCK"),
    gives_authority(_CLOSER, "SOCK"),
    gives_authority(_CLOSER, "USDC"),
    gives_a_mint_away,
    empties_a_nonce_account,
    never_expires,
    assigns_the_wallet,
    allocates_the_wallet,
    creates_an_account,
    creates_an_account_with_a_seed,
    takes_from_a_seed,
    burns,
    sells_another_token_beside,
    closes_an_account,
    wraps_and_keeps,
    wraps_and_lets_close,
    pays_for_the_thiefs_account,
    pays_for_many_accounts,
    names_accounts_by_a_table,
    uses_an_unknown_step,
    gives_another_token,
    is_for_another_amount,
    is_for_another_pair,
    allows_all_slippage,
]
SALES: list[Callable[[Deal], Any]] = [
    takes_more,
    gives_less,
    quotes_a_lamport,
    quotes_half,
    gives_authority(_OWNER, "USDC"),
    approves("USDC"),
    pays_a_huge_priority,
    takes_twice,
    pays_into_a_wrapped_account,
]
_numbers = itertools.count()


def named(attack: Callable[[Deal], Any]) -> str:
    """Return the name of a test's attack."""
    return f"{next(_numbers)}-{attack.__qualname__.split('.')[0]}"
