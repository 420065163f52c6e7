"""The few SPL instructions that the sandbox sends itself, with the wire formats of the programs."""

import struct

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address

ASSOCIATED_TOKEN_PROGRAM = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
MINT_BYTES = 82
TOKEN_ACCOUNT_BYTES = 165

_SET_AUTHORITY, _MINT_TO, _TRANSFER_CHECKED, _SYNC_NATIVE, _INITIALIZE_MINT2 = 6, 7, 12, 17, 20


def initialize_mint(mint: Pubkey, decimals: int, authority: Pubkey) -> Instruction:
    """Make a new account a mint without a freeze authority."""
    data = struct.pack("<BB32sB", _INITIALIZE_MINT2, decimals, bytes(authority), 0)
    return Instruction(TOKEN_PROGRAM, data, [AccountMeta(mint, False, True)])


def mint_to(mint: Pubkey, account: Pubkey, authority: Pubkey, amount: int) -> Instruction:
    """Mint `amount` base units into a token account."""
    keys = [AccountMeta(mint, False, True), AccountMeta(account, False, True), AccountMeta(authority, True, False)]
    return Instruction(TOKEN_PROGRAM, struct.pack("<BQ", _MINT_TO, amount), keys)


def give_up_minting(mint: Pubkey, authority: Pubkey) -> Instruction:
    """Fix the supply of a mint for good."""
    keys = [AccountMeta(mint, False, True), AccountMeta(authority, True, False)]
    return Instruction(TOKEN_PROGRAM, struct.pack("<BBB", _SET_AUTHORITY, 0, 0), keys)


def create_token_account(payer: Pubkey, owner: Pubkey, mint: Pubkey) -> Instruction:
    """Create the owner's associated token account, or do nothing when it is there."""
    account = get_associated_token_address(owner, mint)
    keys = [
        AccountMeta(payer, True, True),
        AccountMeta(account, False, True),
        AccountMeta(owner, False, False),
        AccountMeta(mint, False, False),
        AccountMeta(SYSTEM_PROGRAM, False, False),
        AccountMeta(TOKEN_PROGRAM, False, False),
    ]
    return Instruction(ASSOCIATED_TOKEN_PROGRAM, b"\x01", keys)


def transfer_tokens(mint: Pubkey, decimals: int, sender: Pubkey, receiver: Pubkey, amount: int) -> Instruction:
    """Move `amount` base units between the associated token accounts of two wallets; the sender signs."""
    keys = [
        AccountMeta(get_associated_token_address(sender, mint), False, True),
        AccountMeta(mint, False, False),
        AccountMeta(get_associated_token_address(receiver, mint), False, True),
        AccountMeta(sender, True, False),
    ]
    return Instruction(TOKEN_PROGRAM, struct.pack("<BQB", _TRANSFER_CHECKED, amount, decimals), keys)


def sync_native(account: Pubkey) -> Instruction:
    """Have an account for wrapped SOL count the lamports that were sent to it."""
    return Instruction(TOKEN_PROGRAM, bytes([_SYNC_NATIVE]), [AccountMeta(account, False, True)])


def memo(text: str) -> Instruction:
    """Write a text into the log, which also makes an otherwise equal transaction a different one."""
    return Instruction(MEMO_PROGRAM, text.encode(), [])
