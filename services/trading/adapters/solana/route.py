"""The one step of a route that is taken over from the aggregator: Jupiter's swap, decoded.

Only the two instructions are known whose numbers stand before the route: in the older ones they stand after it, and
what comes after them would decide where they are read.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from services.trading.adapters.solana.programs import JUPITER
from services.trading.adapters.solana.purse import Purse
from services.trading.domain.market import Route
from services.trading.domain.trade import Unsafe

_ROUTE_V2, _SHARED_ROUTE_V2 = bytes.fromhex("bb64facc31c4af14"), bytes.fromhex("d19853937cfed8e9")
_MAX_DATA = 1_232
_NUMBERS = struct.Struct("<QQHHH")


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where an instruction has its numbers and its accounts."""

    numbers_at: int
    authority: int
    source: int
    target: int
    input_mint: int
    output_mint: int
    input_program: int
    output_program: int
    router: int
    other_target: int | None = None
    """An account that gets the output in place of `target`, unless it is the program itself."""


_LAYOUTS = {
    _ROUTE_V2: _Layout(8, 0, 1, 2, 3, 4, 5, 6, 9, other_target=7),
    _SHARED_ROUTE_V2: _Layout(9, 1, 2, 5, 6, 7, 8, 9, 11),
}


def swap_step(route: Route, purse: Purse) -> Instruction:
    """Return the swap's instruction. Raises Unsafe unless it swaps the amount of the trade for the wallet alone."""
    step = route.step
    if len(step.data) > _MAX_DATA:
        raise Unsafe("its swap is longer than a transaction")
    accounts = [Pubkey.from_string(account.address) for account in step.accounts]
    layout = _LAYOUTS.get(step.data[:8])
    if step.program != str(JUPITER) or layout is None:
        raise Unsafe("its swap is not one of Jupiter's that can be read")
    if any(account.is_signer and account.address != purse.terms.address for account in step.accounts):
        raise Unsafe("its swap asks for another signature")
    try:
        _check_numbers(_NUMBERS.unpack_from(step.data, layout.numbers_at), purse)
        _check_accounts(accounts, layout, purse)
    except (struct.error, IndexError):
        raise Unsafe("its swap is not one of Jupiter's that can be read") from None
    metas = [
        AccountMeta(key, key == purse.wallet, account.is_writable)
        for key, account in zip(accounts, step.accounts, strict=True)
    ]
    return Instruction(JUPITER, step.data, metas)


def _check_numbers(numbers: Sequence[int], purse: Purse) -> None:
    given, quoted, slippage_bps, fee_bps, surplus_bps = numbers
    if given != purse.terms.amount:
        raise Unsafe(f"its swap gives {given}, and {purse.terms.amount} is to be given")
    if quoted < purse.terms.least_output:
        raise Unsafe(f"its swap quotes {quoted}, and {purse.terms.least_output} at least is right")
    if slippage_bps > purse.terms.slippage_bps:
        raise Unsafe(f"its swap allows a slippage of {slippage_bps} basis points")
    if fee_bps or surplus_bps:
        raise Unsafe("its swap pays somebody a fee")


def _check_accounts(accounts: Sequence[Pubkey], layout: _Layout, purse: Purse) -> None:
    right = {
        layout.authority: purse.wallet,
        layout.source: purse.input_account,
        layout.target: purse.output_account,
        layout.input_mint: purse.input.address,
        layout.output_mint: purse.output.address,
        layout.input_program: purse.input.program,
        layout.output_program: purse.output.program,
        layout.router: JUPITER,
    }
    if any(accounts[place] != key for place, key in right.items()):
        raise Unsafe("its swap is for other accounts")
    if layout.other_target is not None and accounts[layout.other_target] not in (JUPITER, purse.output_account):
        raise Unsafe("its swap pays somebody else")
