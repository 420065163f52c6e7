"""A Solana node, through the client library `solana`."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized
from solana.rpc.models import TokenAccountOpts, TxOpts
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_status import TransactionConfirmationStatus

from services.trading.adapters.solana import estate
from services.trading.adapters.solana.drafts import Drafter
from services.trading.adapters.solana.mints import read_mint
from services.trading.adapters.solana.programs import TOKEN_PROGRAMS, associated
from services.trading.adapters.solana.purse import own_account
from services.trading.adapters.solana.rpc import NAME, Refused, asking
from services.trading.domain.market import SOL, SOL_DECIMALS, Balance, Order, Route
from services.trading.domain.trade import Draft, Outcome, Sight, Sighting, Terms, Tip, Unsafe

_VERSION = 1
"""The newest version of transactions that the library reads back."""


class SolanaChain:
    """Asks a node; balances are those of confirmed blocks, which practically never go back."""

    def __init__(self, client: AsyncClient, max_priority_lamports: int) -> None:
        """Take the node, and the most that a transaction may pay beside its signatures."""
        self._client = client
        self._drafter = Drafter(client, max_priority_lamports)
        self._decimals: dict[str, int] = {}

    async def lamports(self, address: str) -> int:
        """Return what a wallet can spend."""
        async with asking():
            return (await self._client.get_balance(Pubkey.from_string(address), Confirmed)).value

    async def spendable(self, address: str, mint: str) -> int:
        """Return what a wallet can spend of a token, in base units."""
        owner, token = Pubkey.from_string(address), Pubkey.from_string(mint)
        keys = [associated(owner, token, program) for program in TOKEN_PROGRAMS]
        async with asking():
            found = (await self._client.get_multiple_accounts(keys, Confirmed)).value
        held = [own_account(owner, key, account) for key, account in zip(keys, found, strict=True) if account]
        return sum(account.amount for account in held if account)

    async def decimals(self, mints: Sequence[str]) -> Mapping[str, int]:
        """Return how many base units are a whole token, as a power of ten; what is no mint is left out."""
        if missing := [mint for mint in mints if mint not in self._decimals]:
            keys = [Pubkey.from_string(mint) for mint in missing]
            async with asking():
                found = (await self._client.get_multiple_accounts(keys, Confirmed)).value
            for key, account in zip(keys, found, strict=True):
                with contextlib.suppress(Unsafe):
                    self._decimals[str(key)] = read_mint(key, account).decimals
        return {mint: self._decimals[mint] for mint in mints if mint in self._decimals}

    async def balances(self, address: str) -> list[Balance]:
        """Return what a wallet can spend, without symbols: SOL first, then tokens by mint; nothing it has none of."""
        owner, found = Pubkey.from_string(address), []
        for program in TOKEN_PROGRAMS:
            async with asking():
                options = TokenAccountOpts(program_id=program)
                listed = await self._client.get_token_accounts_by_owner_json_parsed(owner, options, Confirmed)
                for keyed in listed.value:
                    info: Any = keyed.account.data.parsed["info"]
                    mint, shown = info["mint"], info["tokenAmount"]
                    is_own = keyed.pubkey == associated(owner, Pubkey.from_string(mint), program)
                    in_others_power = info.get("delegate") or info.get("closeAuthority") or info["state"] == "frozen"
                    # Wrapped SOL can't be given before it is unwrapped.
                    if is_own and not in_others_power and mint != SOL and int(shown["amount"]):
                        found.append(Balance(mint, int(shown["amount"]), int(shown["decimals"])))
        sol = Balance(SOL, await self.lamports(address), SOL_DECIMALS)
        return [sol, *sorted(found, key=lambda balance: balance.mint)]

    async def prepare(self, offered: Order | Route, terms: Terms) -> Draft:
        """Make a transaction of a route, or justify every step of an order's, and run it for trial.

        Raises Unsafe for what must not be signed.
        """
        if isinstance(offered, Order):
            return await self._drafter.of_order(offered, terms)
        return await self._drafter.of_route(offered, terms)

    async def send(self, transaction: bytes) -> str:
        """Broadcast a signed transaction; the value is why the node refused it, or empty. Neither is proof."""
        options = TxOpts(preflight_commitment=Confirmed, max_retries=0)
        try:
            async with asking():
                await self._client.send_raw_transaction(transaction, options)
        except Refused as refused:
            return f"{NAME}: {refused.text}"
        return ""

    async def sighting(self, signature: str) -> Sight:
        """Return what the chain knows of a signature, its whole history searched."""
        async with asking():
            asked = [Signature.from_string(signature)]
            answer = await self._client.get_signature_statuses(asked, search_transaction_history=True)
            [status] = answer.value
        if status is None:
            sighting = Sighting.ABSENT
        elif status.confirmation_status == TransactionConfirmationStatus.Processed:
            sighting = Sighting.PENDING
        else:
            sighting = Sighting.CONFIRMED
        return Sight(sighting, answer.context.slot)

    async def outcome(self, signature: str, address: str) -> Outcome | None:
        """Return what a confirmed transaction did to this wallet; None when the node can't tell yet."""
        async with asking():
            answer = await self._client.get_transaction(
                Signature.from_string(signature), "base64", Confirmed, max_supported_transaction_version=_VERSION
            )
            if answer.value is None or (meta := answer.value.transaction.meta) is None:
                return None
            tx = answer.value.transaction.transaction
            if not isinstance(tx, VersionedTransaction):
                raise TypeError("the transaction is not in base64")
            error = "" if meta.err is None else str(meta.err)
            gains = estate.gains(Pubkey.from_string(address), tx.message.account_keys, meta)
            return Outcome(answer.value.slot, error, meta.fee, gains)

    async def tip(self) -> Tip:
        """Return the newest block that no fork can undo."""
        async with asking():
            # One answer of one node, so that slot and height belong together.
            found = (await self._client.get_epoch_info(Finalized)).value
        return Tip(found.absolute_slot, found.block_height)
