"""The programs that a swap needs, and the accounts that follow from them."""

from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.token.associated import get_associated_token_address

from services.trading.domain.market import SOL

TOKEN = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
TOKEN_PROGRAMS = (TOKEN, TOKEN_2022)
"""The token program, and Token-2022, whose accounts begin with the same bytes."""

TOKEN_ACCOUNT_BYTES = 165
"""How long an account of the token program is; one of Token-2022 begins with as many, and may be longer."""

COMPUTE_BUDGET = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
MEMOS = (
    Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
    Pubkey.from_string("Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo"),
)
JUPITER = Pubkey.from_string("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4")
"""Jupiter's router, version 6: the only other program that a wallet's signature is given to."""

PROGRAMS = frozenset({SYSTEM, *TOKEN_PROGRAMS, ASSOCIATED_TOKEN, COMPUTE_BUDGET, *MEMOS, JUPITER})
"""All of these: accounts that hold code, and nothing of anybody's."""

WRAPPED_SOL = Pubkey.from_string(SOL)


def associated(owner: Pubkey, mint: Pubkey, program: Pubkey) -> Pubkey:
    """Return the address of a wallet's own account for a mint of one of the token programs."""
    return get_associated_token_address(owner, mint, program)


__all__ = [
    "ASSOCIATED_TOKEN",
    "COMPUTE_BUDGET",
    "JUPITER",
    "MEMOS",
    "PROGRAMS",
    "SYSTEM",
    "TOKEN",
    "TOKEN_2022",
    "TOKEN_ACCOUNT_BYTES",
    "TOKEN_PROGRAMS",
    "WRAPPED_SOL",
    "associated",
]
