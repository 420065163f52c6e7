"""The order path: a transaction that somebody else made is signed only when every step of it is known and justified.

What is known here are transfers and what they need. Their effect stands in their data and depends on nothing that
could change before they land, so that no guard has to be added and makers may have signed already.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from solders.hash import Hash
from solders.message import Message, MessageV0, MessageV1
from solders.pubkey import Pubkey

from services.trading.adapters.solana import fees
from services.trading.adapters.solana.programs import (
    ASSOCIATED_TOKEN,
    COMPUTE_BUDGET,
    MEMOS,
    SYSTEM,
    TOKEN_PROGRAMS,
)
from services.trading.adapters.solana.purse import Purse
from services.trading.domain.market import SOL
from services.trading.domain.trade import Unsafe

_MAX_SIGNATURES = 2
"""The wallet, and the maker of the other side."""

_SYSTEM_TRANSFER = 2
_CREATE, _CREATE_IDEMPOTENT = b"\0", b"\1"
_HEAP, _UNIT_LIMIT, _UNIT_PRICE, _DATA_LIMIT = 1, 2, 3, 4


@dataclass(slots=True)
class Justified:
    """What a transaction does to the wallet by its own words."""

    writable: list[Pubkey]
    signatures: int
    given: int = 0
    """Of the input mint, in base units."""
    gained: int = 0
    """Of the output mint, in base units, fees on transfers left out."""
    leaves_wrapped: bool = False
    """Whether SOL, or rent, would stay behind in the wallet's account for wrapped SOL."""
    unit_limit: int | None = None
    unit_price: int = 0
    set_priority: int | None = None
    """What it says that its priority costs in all, as version 1 does; None: that follows from the units."""
    steps: int = 0

    @property
    def units(self) -> int:
        """The compute units that its priority is paid for."""
        least = self.steps * fees.UNITS_PER_STEP
        return min(least if self.unit_limit is None else self.unit_limit, fees.MAX_UNITS)

    @property
    def priority_lamports(self) -> int:
        """What it pays beside the signatures."""
        return fees.priority_lamports(self.units, self.unit_price) if self.set_priority is None else self.set_priority


def justify(message: Message | MessageV0 | MessageV1, purse: Purse) -> Justified:
    """Return what an order's message does to the wallet. Raises Unsafe for anything that a swap doesn't need."""
    keys, header = list(message.account_keys), message.header
    if isinstance(message, MessageV0) and message.address_table_lookups:
        raise Unsafe("it names accounts through lookup tables")
    if keys[0] != purse.wallet:
        raise Unsafe("another account pays the fee")
    if message.recent_blockhash == Hash.default():
        raise Unsafe("it has no blockhash")
    if header.num_required_signatures > _MAX_SIGNATURES:
        raise Unsafe(f"it asks for {header.num_required_signatures} signatures")
    signers = keys[: header.num_required_signatures - header.num_readonly_signed_accounts]
    others = keys[header.num_required_signatures : len(keys) - header.num_readonly_unsigned_accounts]
    found = Justified([*signers, *others], header.num_required_signatures)
    if isinstance(message, MessageV1):
        # Lamports, whatever solders says: its source and the proposal (SIMD-0385) agree. What isn't set is 0.
        found.set_priority, found.unit_limit = message.config.priority_fee or 0, message.config.compute_unit_limit or 0
    for number, step in enumerate(message.instructions):
        program, accounts = keys[step.program_id_index], [keys[index] for index in step.accounts]
        try:
            _add(found, purse, program, accounts, bytes(step.data))
        except (ValueError, IndexError, struct.error):
            raise Unsafe(f"its step {number}, of the program {program}, is not one that a swap needs") from None
    if found.leaves_wrapped:
        raise Unsafe("it would leave SOL wrapped")
    return found


def _add(found: Justified, purse: Purse, program: Pubkey, accounts: Sequence[Pubkey], data: bytes) -> None:
    """Add what one step does; raises ValueError, IndexError or struct.error for what isn't known or justified."""
    if program == COMPUTE_BUDGET:
        # In version 1 all that is in the message itself; who says it in a step as well means something by it.
        if found.set_priority is not None:
            raise ValueError
        _budget(found, data)
        return
    found.steps += 1
    if program == SYSTEM:
        _lamports(found, purse, accounts, data)
    elif program in TOKEN_PROGRAMS:
        _tokens(found, purse, program, accounts, data)
    elif program == ASSOCIATED_TOKEN:
        _account(found, purse, accounts, data)
    elif program not in MEMOS or accounts:
        raise ValueError


def _budget(found: Justified, data: bytes) -> None:
    kind, value = data[0], int.from_bytes(data[1:], "little")
    if kind not in (_HEAP, _UNIT_LIMIT, _UNIT_PRICE, _DATA_LIMIT):
        raise ValueError
    if kind == _UNIT_LIMIT:
        found.unit_limit = value
    if kind == _UNIT_PRICE:
        found.unit_price = value


def _lamports(found: Justified, purse: Purse, accounts: Sequence[Pubkey], data: bytes) -> None:
    kind, lamports = struct.unpack("<IQ", data)
    source, target = accounts
    if kind != _SYSTEM_TRANSFER:
        raise ValueError
    if target == purse.wrapped_account:
        found.leaves_wrapped = True
    elif source == purse.wallet and target != purse.wallet:
        _give(found, purse, SOL, lamports)
    elif source != purse.wallet and target == purse.wallet and purse.terms.output_mint == SOL:
        found.gained += lamports


def _tokens(found: Justified, purse: Purse, program: Pubkey, accounts: Sequence[Pubkey], data: bytes) -> None:
    match data[0], len(data), len(accounts):
        case (17, 1, 1):  # wrapped SOL counts the lamports that came
            pass
        case (9, 1, 3):  # an account is closed
            mine = (purse.wrapped_account, purse.wallet, purse.wallet)
            if tuple(accounts) == mine:
                found.leaves_wrapped = False
            elif _touches(purse, accounts):
                raise ValueError
        case (3, 9, 3):  # a transfer
            source, target, authority = accounts
            _transfer(found, purse, source, target, authority, int.from_bytes(data[1:9], "little"))
        case (12, 10, 4):  # a transfer that names its mint
            source, _mint, target, authority = accounts
            _transfer(found, purse, source, target, authority, int.from_bytes(data[1:9], "little"))
        case _:
            raise ValueError
    # The program of an account is that of its mint: what another program is told about it would fail.
    if program not in (purse.input.program, purse.output.program) and _touches(purse, accounts):
        raise ValueError


def _transfer(found: Justified, purse: Purse, source: Pubkey, target: Pubkey, authority: Pubkey, amount: int) -> None:
    if source in purse.accounts or authority == purse.wallet:
        if (source, authority) != (purse.input_account, purse.wallet) or target in purse.accounts:
            raise ValueError
        _give(found, purse, purse.terms.input_mint, amount)
    elif target == purse.output_account:
        found.leaves_wrapped |= target == purse.wrapped_account
        found.gained += purse.output.after_fee(amount)
    elif target == purse.wallet:
        raise ValueError


def _account(found: Justified, purse: Purse, accounts: Sequence[Pubkey], data: bytes) -> None:
    if data not in (b"", _CREATE, _CREATE_IDEMPOTENT):
        raise ValueError
    payer, account, owner, *_rest = accounts
    if payer == purse.wallet:
        if owner != purse.wallet or account not in purse.mints:
            raise ValueError
        found.leaves_wrapped |= account == purse.wrapped_account


def _give(found: Justified, purse: Purse, mint: str, amount: int) -> None:
    if mint != purse.terms.input_mint:
        raise ValueError
    found.given += amount


def _touches(purse: Purse, accounts: Sequence[Pubkey]) -> bool:
    return any(account in purse.accounts for account in accounts)
