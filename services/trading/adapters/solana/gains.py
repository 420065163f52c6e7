"""What a transaction that landed did to a wallet."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from solders.pubkey import Pubkey

from services.trading.adapters.answers import MAX_U64, mapping, sequence, text, whole
from services.trading.adapters.solana.programs import associated
from services.trading.domain.market import SOL

_MAX_ACCOUNTS = 256


def gains_of(owner: Pubkey, keys: Sequence[Pubkey], meta: Mapping[str, Any]) -> dict[str, int]:
    """Return a wallet's gains by mint, in itself and its own accounts; `keys` are those in the transaction itself."""
    every = [*keys, *_loaded(meta)]
    total: Counter[str] = Counter()
    for sign, side in ((-1, "pre"), (1, "post")):
        lamports = [whole(shown, MAX_U64) for shown in sequence(meta[f"{side}Balances"], _MAX_ACCOUNTS)]
        total[SOL] += sign * lamports[every.index(owner)]
        for held in map(mapping, sequence(meta.get(f"{side}TokenBalances") or [], _MAX_ACCOUNTS)):
            index, mint = whole(held["accountIndex"], _MAX_ACCOUNTS), Pubkey.from_string(text(held["mint"]))
            program = held.get("programId")
            if program and every[index] == associated(owner, mint, Pubkey.from_string(text(program))):
                total[SOL] += sign * lamports[index]
                # The lamports of a wrapped SOL account are its tokens: they count once.
                if str(mint) != SOL:
                    amount = mapping(held["uiTokenAmount"])["amount"]
                    total[str(mint)] += sign * whole(amount, MAX_U64)
    return dict(total)


def _loaded(meta: Mapping[str, Any]) -> list[Pubkey]:
    """Return the accounts that lookup tables named: those that may be changed before the others."""
    loaded = mapping(meta.get("loadedAddresses") or {})
    shown = [sequence(loaded.get(part) or [], _MAX_ACCOUNTS) for part in ("writable", "readonly")]
    return [Pubkey.from_string(text(key)) for keys in shown for key in keys]
