"""Jupiter's `/build`: the instructions of a swap with the router's vault, for a taker who makes the transaction."""

import base64
import struct
from typing import Any

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN_PROGRAM
from solders.token.associated import get_associated_token_address

from sandbox.solana import instructions, parsed
from sandbox.solana.chain import Chain
from sandbox.solana.clock import BLOCKHASH_LIFE, Commitment
from sandbox.solana.lookups import addresses_in
from sandbox.solana.market import Quote
from sandbox.solana.router import ROUTE_V2, ROUTER, VAULT, Call, with_calls
from sandbox.solana.tokens import TOKENS, Token

EVENT_AUTHORITY, _BUMP = Pubkey.find_program_address([b"__event_authority"], ROUTER)


def table(chain: Chain) -> Pubkey:
    """Return the address of the lookup table that shortens swaps; chains from before there was one have none."""
    return chain.key("lookup table").pubkey()


def shared_accounts() -> list[Pubkey]:
    """Return the accounts that swaps have in common, whoever makes them."""
    vaults = [get_associated_token_address(VAULT, token.mint) for token in TOKENS]
    return [TOKEN_PROGRAM, EVENT_AUTHORITY, VAULT, *(token.mint for token in TOKENS), *vaults]


def is_in_stock(chain: Chain, quote: Quote) -> bool:
    """Whether the vault can give what is quoted; chains from before there was one have an empty one."""
    held = parsed.token_account(chain.account(get_associated_token_address(VAULT, quote.target.mint)))
    source = chain.account(get_associated_token_address(VAULT, quote.source.mint))
    return source is not None and held is not None and held.amount >= quote.out_amount


def built(chain: Chain, quote: Quote, taker: Pubkey, slippage_bps: int) -> dict[str, Any]:
    """Return what `/build` adds to a quote."""
    height = chain.clock.height(Commitment.CONFIRMED)
    listed = addresses_in(chain.account(table(chain)))
    return {
        "computeBudgetInstructions": [],
        "setupInstructions": [_shown(instructions.create_token_account(taker, taker, quote.target.mint))],
        "swapInstruction": _shown(swap(quote, taker, slippage_bps)),
        "cleanupInstruction": None,
        "otherInstructions": [],
        "tipInstruction": None,
        "addressesByLookupTableAddress": {str(table(chain)): list(map(str, listed))} if listed else {},
        "blockhashWithMetadata": {
            "blockhash": list(bytes(chain.clock.blockhash(height))),
            "lastValidBlockHeight": height + BLOCKHASH_LIFE,
        },
    }


def swap(quote: Quote, taker: Pubkey, slippage_bps: int) -> Instruction:
    """Return the swap: what is given goes to the vault, and what is quoted comes out of it."""
    fixed = [
        AccountMeta(taker, True, False),
        AccountMeta(get_associated_token_address(taker, quote.source.mint), False, True),
        AccountMeta(get_associated_token_address(taker, quote.target.mint), False, True),
        *(AccountMeta(key, False, False) for key in (quote.source.mint, quote.target.mint)),
        *(AccountMeta(key, False, False) for key in (TOKEN_PROGRAM, TOKEN_PROGRAM, ROUTER, EVENT_AUTHORITY, ROUTER)),
    ]
    numbers = struct.pack("<QQHHH", quote.in_amount, quote.out_amount, slippage_bps, 0, 0)
    calls = [
        Call(_payment(quote.source, taker, VAULT, quote.in_amount)),
        Call(_payment(quote.target, VAULT, taker, quote.out_amount)),
    ]
    return with_calls(fixed, ROUTE_V2 + numbers, calls)


def _payment(token: Token, sender: Pubkey, receiver: Pubkey, amount: int) -> Instruction:
    return instructions.transfer_tokens(token.mint, token.decimals, sender, receiver, amount)


def _shown(step: Instruction) -> dict[str, Any]:
    return {
        "programId": str(step.program_id),
        "accounts": [
            {"pubkey": str(meta.pubkey), "isSigner": meta.is_signer, "isWritable": meta.is_writable}
            for meta in step.accounts
        ],
        "data": base64.b64encode(bytes(step.data)).decode(),
    }
