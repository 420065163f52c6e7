"""The route path: a transaction of our own around the aggregator's swap, with guards behind it.

Whatever the swap does when it lands, and whatever it did when it was tried: unless the wallet then has what it must
have, and alone, the guards fail, and with them the whole transaction.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from services.trading.adapters.solana import fees
from services.trading.adapters.solana.mints import Mint
from services.trading.adapters.solana.programs import ASSOCIATED_TOKEN, SYSTEM, TOKEN, WRAPPED_SOL
from services.trading.adapters.solana.purse import Accounts, Purse
from services.trading.domain.market import SOL
from services.trading.domain.trade import Unsafe

MAX_BYTES = 1_232
"""The largest transaction."""

_REVOKE, _SET_AUTHORITY, _CLOSE_ACCOUNT, _TRANSFER_CHECKED, _SYNC_NATIVE = 5, 6, 9, 12, 17
_OWNER, _CLOSER = 2, 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What a transaction of our own is made of."""

    purse: Purse
    swap: Instruction
    before: Accounts
    rents: dict[Pubkey, int]
    """What the wallet's own accounts have to hold that are missing, and are created."""
    unit_price: int

    @property
    def wraps(self) -> bool:
        """Whether the wallet's account for wrapped SOL takes part; it is closed in the end, into the wallet."""
        wrapped = self.purse.wrapped_account
        return any(meta.pubkey == wrapped for meta in self.swap.accounts)

    def upkeep_lamports(self, unit_limit: int) -> int:
        """Return fees and rent; what a wrapped SOL account has to hold comes back when it is closed."""
        kept = sum(rent for account, rent in self.rents.items() if account != self.purse.wrapped_account)
        return fees.SIGNATURE_LAMPORTS + fees.priority_lamports(unit_limit, self.unit_price) + kept

    def lamports_left(self, unit_limit: int) -> int:
        """Return the lamports that the wallet must have afterwards."""
        purse = self.purse
        wallet = self.before[purse.wallet]
        left = (wallet.lamports if wallet else 0) - self.upkeep_lamports(unit_limit)
        if self.wraps and (wrapped := self.before[purse.wrapped_account]) is not None:
            left += wrapped.lamports
        if purse.terms.input_mint == SOL:
            left -= purse.terms.amount
        if purse.terms.output_mint == SOL:
            left += purse.terms.least_output
        return left


def compose(plan: Plan, unit_limit: int, tables: Sequence[AddressLookupTableAccount], blockhash: Hash) -> bytes:
    """Return the unsigned transaction. Raises Unsafe when it is too large, or the lamports can't suffice."""
    purse = plan.purse
    steps = [set_compute_unit_limit(unit_limit)]
    if plan.unit_price:
        steps.append(set_compute_unit_price(plan.unit_price))
    steps += [_create(purse, mint) for mint in _created(plan)]
    if purse.terms.input_mint == SOL:
        wrapped = purse.wrapped_account
        funding = TransferParams(from_pubkey=purse.wallet, to_pubkey=wrapped, lamports=purse.terms.amount)
        steps += [transfer(funding), _token_step(TOKEN, bytes([_SYNC_NATIVE]), wrapped)]
    steps.append(plan.swap)
    if plan.wraps:
        accounts = (purse.wrapped_account, purse.wallet)
        steps.append(_token_step(TOKEN, bytes([_CLOSE_ACCOUNT]), *accounts, signer=purse.wallet))
    steps += _guards(plan, unit_limit)
    message = MessageV0.try_compile(purse.wallet, steps, tables, blockhash)
    if message.header.num_required_signatures != 1:
        raise Unsafe("its swap asks for another signature")
    transaction = bytes(VersionedTransaction.populate(message, [Signature.default()]))
    if len(transaction) > MAX_BYTES:
        raise Unsafe(f"its route is too long for one transaction: {len(transaction)} bytes")
    return transaction


def _created(plan: Plan) -> list[Mint]:
    purse = plan.purse
    wrapped = Mint(WRAPPED_SOL, TOKEN, 9, frozenset(), ())
    accounts = {purse.output_account: purse.output} | ({purse.wrapped_account: wrapped} if plan.wraps else {})
    return [mint for account, mint in accounts.items() if account in plan.rents]


def _guards(plan: Plan, unit_limit: int) -> list[Instruction]:
    """Return steps that fail unless the wallet has what it must have, and nobody else has power over it."""
    purse, terms = plan.purse, plan.purse.terms
    least = plan.lamports_left(unit_limit)
    if least <= 0:
        raise Unsafe("the wallet lacks lamports for the amount and the fee")
    steps = []
    for mint, account, change in (
        (purse.input, purse.input_account, -terms.amount),
        (purse.output, purse.output_account, terms.least_output),
    ):
        if account != purse.wrapped_account:
            has = purse.holding(plan.before, account) + change
            if has < 0:
                raise Unsafe(f"the wallet lacks {-has} of {mint.address}")
            steps += _account_guards(purse.wallet, mint, account, has)
    # A transfer to oneself fails when there is less, and when the wallet isn't the System program's any more.
    return [*steps, transfer(TransferParams(from_pubkey=purse.wallet, to_pubkey=purse.wallet, lamports=least))]


def _account_guards(wallet: Pubkey, mint: Mint, account: Pubkey, least: int) -> list[Instruction]:
    """Return steps that fail unless a token account is the wallet's alone and has so many base units."""
    # Only the owner may make the wallet the owner, and any delegate is gone by it. In Token-2022 the owner of such an
    # account can't change, and the delegate is revoked.
    owner = bytes([_SET_AUTHORITY, _OWNER, 1]) + bytes(wallet) if mint.program == TOKEN else bytes([_REVOKE])
    amount = struct.pack("<BQB", _TRANSFER_CHECKED, least, mint.decimals)
    metas = [
        AccountMeta(account, False, True),
        AccountMeta(mint.address, False, False),
        AccountMeta(account, False, True),
        AccountMeta(wallet, True, False),
    ]
    return [
        _token_step(mint.program, owner, account, signer=wallet),
        _token_step(mint.program, bytes([_SET_AUTHORITY, _CLOSER, 0]), account, signer=wallet),
        Instruction(mint.program, amount, metas),
    ]


def _create(purse: Purse, mint: Mint) -> Instruction:
    account = purse.wrapped_account if mint.address == WRAPPED_SOL else purse.output_account
    metas = [
        AccountMeta(purse.wallet, True, True),
        AccountMeta(account, False, True),
        AccountMeta(purse.wallet, False, False),
        AccountMeta(mint.address, False, False),
        AccountMeta(SYSTEM, False, False),
        AccountMeta(mint.program, False, False),
    ]
    return Instruction(ASSOCIATED_TOKEN, b"\1", metas)


def _token_step(program: Pubkey, data: bytes, *accounts: Pubkey, signer: Pubkey | None = None) -> Instruction:
    metas = [AccountMeta(account, False, True) for account in accounts]
    return Instruction(program, data, [*metas, AccountMeta(signer, True, False)] if signer else metas)
