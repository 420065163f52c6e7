"""Accounts as a node shows them, within bounds."""

import base64
from collections.abc import Sequence
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from services.trading.adapters.answers import MAX_U64, flag, mapping, sequence, text, whole
from services.trading.adapters.solana.rpc import Node, check_slot, in_context, translate_node_errors
from services.trading.domain.trade import Unsafe

_MAX_BYTES = 2_000_000
"""How much of all accounts together is looked at; in base64 it is two thirds of the largest answer."""

_MAX_KEYS = 100
"""How many accounts a node shows at once."""

_MAX_OWNED = 100_000


async def accounts(
    node: Node, keys: Sequence[Pubkey], commitment: str, since_slot: int, most_bytes: int = _MAX_BYTES
) -> list[Account | None]:
    """Return up to 100 accounts as they were at a slot or later, `most_bytes` of all of them together at most.

    Raises Unsafe when one is larger than its share: strangers can name, and make, accounts of ten megabytes. Of
    programs only the beginning is returned.
    """
    share = most_bytes // max(len(keys), 1)
    found = await start_of_accounts(node, keys, commitment, share + 1, since_slot)
    for key, account in zip(keys, found, strict=True):
        if account is not None and not account.executable and len(account.data) > share:
            raise Unsafe(f"the account {key} is too large to be looked at: more than {share} bytes")
    return found


async def start_of_accounts(
    node: Node, keys: Sequence[Pubkey], commitment: str, most_bytes: int, since_slot: int = 0
) -> list[Account | None]:
    """Return accounts with so many of their first bytes, any number of accounts, as they were at a slot or later."""
    found: list[Account | None] = []
    for start in range(0, len(keys), _MAX_KEYS):
        asked = [str(key) for key in keys[start : start + _MAX_KEYS]]
        answer = await node.ask("getMultipleAccounts", asked, _options(commitment, most_bytes))
        with translate_node_errors():
            slot, shown = in_context(answer)
            found += [read_account(account) for _, account in zip(asked, sequence(shown, _MAX_KEYS), strict=True)]
        check_slot(slot, since_slot)
    return found


async def start_of_owned_accounts(
    node: Node, owner: Pubkey, program: Pubkey, commitment: str, most_bytes: int
) -> list[tuple[Pubkey, Account]]:
    """Return a wallet's accounts of one of the token programs, with so many of their first bytes."""
    asked = (str(owner), {"programId": str(program)}, _options(commitment, most_bytes))
    answer = await node.ask("getTokenAccountsByOwner", *asked)
    with translate_node_errors():
        _slot, shown = in_context(answer)
        return [_owned(row) for row in sequence(shown, _MAX_OWNED)]


def read_account(shown: Any) -> Account | None:
    """Return an account that is shown in base64; None for one that isn't there."""
    if shown is None:
        return None
    account = mapping(shown)
    data, encoding = sequence(account["data"], 2)
    if encoding != "base64":
        raise ValueError("another encoding than was asked for")
    return Account(
        whole(account["lamports"], MAX_U64),
        base64.b64decode(text(data), validate=True),
        Pubkey.from_string(text(account["owner"])),
        flag(account["executable"]),
    )


def _owned(row: Any) -> tuple[Pubkey, Account]:
    shown = mapping(row)
    account = read_account(mapping(shown["account"]))
    if account is None:
        raise TypeError("no account")
    return Pubkey.from_string(text(shown["pubkey"])), account


def _options(commitment: str, most_bytes: int) -> dict[str, Any]:
    # Not as jsonParsed: anybody can give a wallet a token whose mint is gone, and that can't be shown parsed.
    return {"commitment": commitment, "encoding": "base64", "dataSlice": {"offset": 0, "length": most_bytes}}
