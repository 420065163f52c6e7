"""The program that stands in for Jupiter's on the sandbox's chain: it does the transfers that its data lists.

The data begins as Jupiter's `route_v2` and `shared_accounts_route_v2` do. In place of the route comes a script: the
seeds of an address whose signature it may use, then one call after the other. So whoever writes the data decides what
happens, with the signatures that the transaction gives it: what an honest router would do, and what a thief would.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from sandbox.solana.sbpf import (
    Label,
    Op,
    assemble,
    call,
    jump,
    jump_if,
    jump_if_register,
    leave,
    load,
    number,
    put,
    register,
    store,
    wide,
)

ROUTER = Pubkey.from_string("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4")
ROUTE_V2 = bytes.fromhex("bb64facc31c4af14")
SHARED_ROUTE_V2 = bytes.fromhex("d19853937cfed8e9")

VAULT_SEED = b"vault"
VAULT, _BUMP = Pubkey.find_program_address([VAULT_SEED], ROUTER)
"""The address that only this program can sign for: it holds the other side of the swaps."""

_ALWAYS = 0xFF
_SCRIPT_AT = 8 + 8 + 8 + 2 + 2 + 2 + 4

_INFOS, _METAS, _CALL, _SEEDS = 0x300000100, 0x300004000, 0x300005000, 0x300005100
_INFO_BYTES = 56
_NEW_ACCOUNT = 0xFF
_ROOM_TO_GROW = 10_240


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds while the last byte of an account's lamports is this: a switch that anybody can turn by a transfer."""

    account: Pubkey
    lamports_byte: int


@dataclass(frozen=True, slots=True)
class Call:
    """A call of another program, which may depend on a condition."""

    step: Instruction
    condition: Condition | None = None


def script(calls: Sequence[Call], accounts: Sequence[Pubkey]) -> bytes:
    """Return the script of these calls for an instruction with these accounts."""
    places = {key: index for index, key in reversed([*enumerate(accounts)])}
    seeds = VAULT_SEED + bytes([_BUMP])
    written = bytes([len(seeds)]) + seeds
    for made in calls:
        condition, step = made.condition, made.step
        written += bytes([places[condition.account], condition.lamports_byte] if condition else [_ALWAYS, 0])
        written += bytes([places[step.program_id], len(step.accounts)])
        for meta in step.accounts:
            written += bytes([places[meta.pubkey], meta.is_signer | meta.is_writable << 1])
        written += struct.pack("<H", len(step.data)) + step.data
    return written


def with_calls(fixed: Sequence[AccountMeta], scalars: bytes, calls: Sequence[Call]) -> Instruction:
    """Return the instruction that does these calls, after its `fixed` accounts and the data up to the route."""
    metas = list(fixed)
    for made in calls:
        metas += [AccountMeta(meta.pubkey, False, meta.is_writable) for meta in made.step.accounts]
        metas.append(AccountMeta(made.step.program_id, False, False))
        if made.condition:
            metas.append(AccountMeta(made.condition.account, False, False))
    data = scalars + bytes(4) + script(calls, [meta.pubkey for meta in metas])
    return Instruction(ROUTER, data, metas)


def program() -> bytes:
    """Return the program, to be loaded at ROUTER."""
    return assemble([*_READ_ACCOUNTS, *_READ_SEEDS, *_DO_CALLS])


_READ_ACCOUNTS: list[Op | Label] = [
    # Register 6 goes through the input, 7 through the list of accounts that calls are given; 8 is their number.
    register("mov", 6, 1),
    load("dw", 8, 6),
    number("add", 6, 8),
    wide(7, _INFOS),
    number("mov", 9, 0),
    Label("account"),
    jump_if_register("jeq", 9, 8, "accounts read"),
    load("b", 2, 6),
    jump_if("jeq", 2, _NEW_ACCOUNT, "new account"),
    number("mul", 2, _INFO_BYTES),
    wide(3, _INFOS),
    register("add", 3, 2),
    *(step for offset in range(0, _INFO_BYTES, 8) for step in (load("dw", 4, 3, offset), store("dw", 7, offset, 4))),
    number("add", 6, 8),
    jump("next account"),
    Label("new account"),
    *(
        step
        for field, offset in ((0, 8), (32, 40), (8, 72), (24, 88))  # key, owner, lamports, data
        for step in (register("mov", 3, 6), number("add", 3, offset), store("dw", 7, field, 3))
    ),
    load("dw", 4, 6, 80),
    store("dw", 7, 16, 4),
    *(
        step
        for field, offset in ((48, 1), (49, 2), (50, 3))  # signs, is writable, is a program
        for step in (load("b", 5, 6, offset), store("b", 7, field, 5))
    ),
    number("add", 6, 88 + _ROOM_TO_GROW + 7),
    register("add", 6, 4),
    number("and", 6, -8),
    load("dw", 5, 6),
    store("dw", 7, 40, 5),
    number("add", 6, 8),
    Label("next account"),
    number("add", 7, _INFO_BYTES),
    number("add", 9, 1),
    jump("account"),
    Label("accounts read"),
    wide(3, _SEEDS),
    store("dw", 3, 40, 8),
]

_READ_SEEDS: list[Op | Label] = [
    # Register 9 goes through the script, which ends at 8.
    load("dw", 8, 6),
    number("add", 6, 8),
    register("add", 8, 6),
    load("b", 2, 6),
    register("mov", 9, 6),
    number("add", 9, _SCRIPT_AT),
    jump_if("jeq", 2, ROUTE_V2[0], "script"),
    number("add", 9, 1),
    Label("script"),
    load("b", 2, 9),
    number("add", 9, 1),
    store("dw", 3, 0, 9),
    store("dw", 3, 8, 2),
    store("dw", 3, 16, 3),
    put("dw", 3, 24, 1),
    register("add", 9, 2),
]

_DO_CALLS: list[Op | Label] = [
    Label("call"),
    jump_if_register("jge", 9, 8, "done"),
    wide(1, _CALL),
    put("dw", 1, 64, 0),
    load("b", 2, 9),
    jump_if("jeq", 2, _ALWAYS, "prepare"),
    number("mul", 2, _INFO_BYTES),
    wide(3, _INFOS),
    register("add", 3, 2),
    load("dw", 4, 3, 8),
    load("b", 4, 4),
    load("b", 5, 9, 1),
    jump_if_register("jeq", 4, 5, "prepare"),
    put("dw", 1, 64, 1),
    Label("prepare"),
    load("b", 2, 9, 2),
    number("mul", 2, _INFO_BYTES),
    wide(3, _INFOS),
    register("add", 3, 2),
    load("dw", 4, 3),
    store("dw", 1, 0, 4),
    wide(4, _METAS),
    store("dw", 1, 8, 4),
    load("b", 5, 9, 3),
    store("dw", 1, 16, 5),
    number("add", 9, 4),
    Label("meta"),
    jump_if("jeq", 5, 0, "metas read"),
    load("b", 2, 9),
    number("mul", 2, _INFO_BYTES),
    wide(3, _INFOS),
    register("add", 3, 2),
    load("dw", 2, 3),
    store("dw", 4, 0, 2),
    load("b", 2, 9, 1),
    register("mov", 3, 2),
    number("and", 3, 1),
    store("b", 4, 9, 3),
    number("rsh", 2, 1),
    store("b", 4, 8, 2),
    number("add", 4, 16),
    number("add", 9, 2),
    number("sub", 5, 1),
    jump("meta"),
    Label("metas read"),
    load("b", 2, 9),
    load("b", 3, 9, 1),
    number("lsh", 3, 8),
    register("or", 2, 3),
    number("add", 9, 2),
    store("dw", 1, 24, 9),
    store("dw", 1, 32, 2),
    register("add", 9, 2),
    load("dw", 2, 1, 64),
    jump_if("jne", 2, 0, "call"),
    wide(2, _INFOS),
    wide(5, _SEEDS),
    load("dw", 3, 5, 40),
    register("mov", 4, 5),
    number("add", 4, 16),
    number("mov", 5, 1),
    call("sol_invoke_signed_c"),
    jump_if("jne", 0, 0, "end"),
    jump("call"),
    Label("done"),
    number("mov", 0, 0),
    Label("end"),
    leave(),
]
