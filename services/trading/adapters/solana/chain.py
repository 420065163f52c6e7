"""A Solana node, asked over JSON-RPC."""

import base64
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey
from solders.token.state import TokenAccount
from solders.transaction import VersionedTransaction
from typing_extensions import override

from services.trading.adapters.answers import MAX_U64, mapping, sequence, text, whole
from services.trading.adapters.solana.accounts import start_of_accounts, start_of_owned_accounts
from services.trading.adapters.solana.drafts import Drafter
from services.trading.adapters.solana.gains import gains_of
from services.trading.adapters.solana.mints import read_mint
from services.trading.adapters.solana.programs import TOKEN_ACCOUNT_BYTES, TOKEN_PROGRAMS, associated
from services.trading.adapters.solana.purse import own_account
from services.trading.adapters.solana.rpc import (
    BAD_SIGNATURE,
    CONFIRMED,
    FINALIZED,
    INVALID_PARAMS,
    NAME,
    PREFLIGHT_FAILED,
    PROCESSED,
    Node,
    Refused,
    countable,
    in_context,
    in_words,
    open_client,
    translate_node_errors,
    without_panics,
)
from services.trading.domain.market import SOL, SOL_DECIMALS, Balance, Order, Route
from services.trading.domain.trade import MAX_AMOUNT, Draft, Outcome, Sight, Sighting, Terms, Tip, Unsafe
from services.trading.ports import Chain

__all__ = ["SolanaChain", "open_client"]

_VERSION = 1
"""The newest version of transactions that is read back."""

_MINT_BYTES = 166
"""What has to be read of a mint, to the byte that says in Token-2022 what it is; extensions may follow."""

_OF_THE_TRANSACTION = (PREFLIGHT_FAILED, BAD_SIGNATURE, INVALID_PARAMS)


class SolanaChain(Chain):
    """Asks a node; balances are those of confirmed blocks, which practically never go back."""

    def __init__(self, node: Node, max_priority_lamports: int) -> None:
        """Take the node, and the most that a transaction may pay beside its signatures."""
        self._node = node
        self._drafter = Drafter(node, max_priority_lamports)
        self._decimals: dict[str, int] = {}

    @override
    async def lamports(self, address: str) -> int:
        answer = await self._node.ask("getBalance", address, {"commitment": CONFIRMED})
        with translate_node_errors():
            _slot, lamports = in_context(answer)
            return whole(lamports, MAX_U64)

    @override
    async def spendable(self, address: str, mint: str) -> int:
        owner, token = Pubkey.from_string(address), Pubkey.from_string(mint)
        keys = [associated(owner, token, program) for program in TOKEN_PROGRAMS]
        found = await start_of_accounts(self._node, keys, CONFIRMED, TOKEN_ACCOUNT_BYTES)
        held = [_own(owner, key, account) for key, account in zip(keys, found, strict=True) if account]
        return sum(account.amount for account in held if account)

    @override
    async def decimals(self, mints: Sequence[str]) -> Mapping[str, int]:
        if missing := [mint for mint in mints if mint not in self._decimals]:
            keys = [Pubkey.from_string(mint) for mint in missing]
            found = await start_of_accounts(self._node, keys, CONFIRMED, _MINT_BYTES)
            for key, account in zip(keys, found, strict=True):
                with contextlib.suppress(Unsafe, ValueError), without_panics():
                    self._decimals[str(key)] = read_mint(key, account).decimals
        return {mint: self._decimals[mint] for mint in mints if mint in self._decimals}

    @override
    async def balances(self, address: str) -> list[Balance]:
        owner = Pubkey.from_string(address)
        amounts: dict[str, int] = {}
        for program in TOKEN_PROGRAMS:
            listed = await start_of_owned_accounts(self._node, owner, program, CONFIRMED, TOKEN_ACCOUNT_BYTES)
            held = [_own(owner, key, account) for key, account in listed]
            # Wrapped SOL can't be given before it is unwrapped.
            amounts |= {str(own.mint): own.amount for own in held if own and own.amount and str(own.mint) != SOL}
        decimals = await self.decimals(list(amounts))
        sol = Balance(SOL, await self.lamports(address), SOL_DECIMALS)
        return [sol, *(Balance(mint, amounts[mint], decimals[mint]) for mint in sorted(decimals))]

    @override
    async def fee_reserve(self) -> int:
        return await self._drafter.fee_reserve()

    @override
    async def prepare(self, offered: Order | Route, terms: Terms) -> Draft:
        if isinstance(offered, Order):
            return await self._drafter.of_order(offered, terms)
        return await self._drafter.of_route(offered, terms)

    @override
    async def send(self, transaction: bytes) -> str:
        options = {"encoding": "base64", "preflightCommitment": CONFIRMED, "maxRetries": 0}
        try:
            await self._node.ask("sendTransaction", base64.b64encode(transaction).decode(), options)
        except Refused as refused:
            if refused.code not in _OF_THE_TRANSACTION:
                raise
            return f"{NAME}: {refused.text}"
        return ""

    @override
    async def sighting(self, signature: str) -> Sight:
        answer = await self._node.ask("getSignatureStatuses", [signature], {"searchTransactionHistory": True})
        with translate_node_errors():
            slot, shown = in_context(answer)
            [status] = sequence(shown, 1)
            if status is None:
                return Sight(Sighting.ABSENT, slot)
            found = mapping(status)
            sighting = Sighting.PENDING if _is_processed_only(found) else Sighting.CONFIRMED
            return Sight(sighting, slot, countable(found["slot"]), in_words(found.get("err")))

    @override
    async def outcome(self, signature: str, address: str) -> Outcome | None:
        options = {"encoding": "base64", "commitment": CONFIRMED, "maxSupportedTransactionVersion": _VERSION}
        answer = await self._node.ask("getTransaction", signature, options)
        with translate_node_errors():
            if answer is None or (shown := mapping(answer)).get("meta") is None:
                return None
            data, _encoding = sequence(shown["transaction"], 2)
            tx = VersionedTransaction.from_bytes(base64.b64decode(text(data), validate=True))
            meta = mapping(shown["meta"])
            gains = gains_of(Pubkey.from_string(address), tx.message.account_keys, meta)
            if any(abs(gain) > MAX_AMOUNT for gain in gains.values()):
                raise ValueError("more than can be recorded")
            return Outcome(countable(shown["slot"]), in_words(meta.get("err")), countable(meta["fee"]), gains)

    @override
    async def tip(self) -> Tip:
        # One answer of one node, so that slot and height belong together.
        answer = await self._node.ask("getEpochInfo", {"commitment": FINALIZED})
        with translate_node_errors():
            found = mapping(answer)
            return Tip(countable(found["absoluteSlot"]), countable(found["blockHeight"]))


def _is_processed_only(status: Mapping[str, Any]) -> bool:
    reached = status.get("confirmationStatus")
    if reached is None:
        # Nodes that don't say it count confirmations until there is no need to.
        return status.get("confirmations") is not None
    if reached not in (PROCESSED, CONFIRMED, FINALIZED):
        raise ValueError("no commitment")
    return bool(reached == PROCESSED)


def _own(owner: Pubkey, key: Pubkey, account: Account) -> TokenAccount | None:
    # One that can't be read hides no other.
    with contextlib.suppress(ValueError), without_panics():
        return own_account(owner, key, account)
    return None
