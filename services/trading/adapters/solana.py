"""A Solana node, through the client library `solana`."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from solana.exceptions import SolanaRpcException
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Finalized, Processed
from solana.rpc.core import RPCException
from solana.rpc.models import TokenAccountOpts, TxOpts
from solders.errors import SerdeJSONError
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_status import TransactionConfirmationStatus

from services.trading.adapters import accounts
from services.trading.adapters.http import TIMEOUT_SECONDS, refusal, understanding
from services.trading.domain.errors import ChainUnavailable
from services.trading.domain.market import SOL, SOL_DECIMALS, Balance
from services.trading.domain.trade import Examination, Outcome, Sighting, Unsafe

_NAME = "the Solana node"


class SolanaChain:
    """Asks a node; balances are those of confirmed blocks, which practically never go back."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def lamports(self, address: str) -> int:
        """Return what a wallet can spend."""
        async with _asking():
            return (await self._client.get_balance(Pubkey.from_string(address), Confirmed)).value

    async def balances(self, address: str) -> list[Balance]:
        """Return what a wallet holds, without symbols: SOL first, then tokens by mint; nothing of which it has none."""
        owner, amounts, decimals = Pubkey.from_string(address), {SOL: await self.lamports(address)}, {SOL: SOL_DECIMALS}
        for program in accounts.TOKEN_PROGRAMS:
            async with _asking():
                options = TokenAccountOpts(program_id=program)
                found = await self._client.get_token_accounts_by_owner_json_parsed(owner, options, Confirmed)
                for keyed in found.value:
                    info: Any = keyed.account.data.parsed["info"]
                    mint, shown = info["mint"], info["tokenAmount"]
                    amounts[mint] = amounts.get(mint, 0) + int(shown["amount"])
                    decimals[mint] = int(shown["decimals"])
        return [
            Balance(mint, amounts[mint], decimals[mint])
            for mint in sorted(amounts, key=lambda mint: (mint != SOL, mint))
            if amounts[mint] or mint == SOL
        ]

    async def examine(self, transaction: bytes, address: str) -> Examination:
        """Run an unsigned transaction for trial, and return what it does to this wallet. Raises Unsafe for garbage."""
        try:
            tx = VersionedTransaction.from_bytes(transaction)
            tx.sanitize()
        except Exception as error:
            raise Unsafe(f"it can't be read ({type(error).__name__})") from error
        async with _asking():
            writable = await self._writable(tx)
            before = (await self._client.get_multiple_accounts(writable, Processed)).value
            # With a blockhash of the node's own: the aggregator's node may be some blocks ahead of this one.
            trial = await self._client.simulate_transaction(
                tx, commitment=Processed, replace_recent_blockhash=True, accounts_addresses=writable
            )
            after = trial.value.accounts or [None] * len(writable)
            estate = accounts.compare(Pubkey.from_string(address), writable, before, after)
            return Examination(
                fee_payer=str(tx.message.account_keys[0]),
                # With a durable nonce in its place the transaction would never expire.
                has_blockhash=tx.message.recent_blockhash != Hash.default() and not tx.uses_durable_nonce(),
                error="" if trial.value.err is None else str(trial.value.err),
                gains=estate.gains,
                lamports_left=estate.lamports_left,
                grants=estate.grants,
                block_height=(await self._client.get_block_height(Confirmed)).value,
            )

    async def send(self, transaction: bytes) -> str:
        """Broadcast a signed transaction; the value is why the node refused it, or empty. Neither is proof."""
        options = TxOpts(preflight_commitment=Confirmed, max_retries=0)
        try:
            async with _asking():
                await self._client.send_raw_transaction(transaction, options)
        except _Refused as refused:
            return f"{_NAME}: {refused.text}"
        return ""

    async def sighting(self, signature: str) -> Sighting:
        """Return what the chain knows of a signature, its whole history searched."""
        async with _asking():
            asked = [Signature.from_string(signature)]
            [status] = (await self._client.get_signature_statuses(asked, search_transaction_history=True)).value
        if status is None:
            return Sighting.ABSENT
        if status.confirmation_status == TransactionConfirmationStatus.Processed:
            return Sighting.PENDING
        return Sighting.CONFIRMED

    async def outcome(self, signature: str, address: str) -> Outcome | None:
        """Return what a confirmed transaction did to this wallet; None when the node can't tell yet."""
        async with _asking():
            answer = await self._client.get_transaction(
                Signature.from_string(signature), "base64", Confirmed, max_supported_transaction_version=0
            )
            if answer.value is None or (meta := answer.value.transaction.meta) is None:
                return None
            tx = answer.value.transaction.transaction
            if not isinstance(tx, VersionedTransaction):
                raise TypeError("the transaction is not in base64")
            error = "" if meta.err is None else str(meta.err)
            return Outcome(error, meta.fee, accounts.gains(address, tx.message.account_keys, meta))

    async def final_height(self) -> int:
        """Return the height of the newest block that no fork can undo."""
        async with _asking():
            return (await self._client.get_block_height(Finalized)).value

    async def _writable(self, tx: VersionedTransaction) -> list[Pubkey]:
        """Return every account that a transaction may change, those that it names through lookup tables included."""
        message = tx.message
        writable = accounts.writable(message)
        lookups = accounts.lookups(message)
        if lookups:
            tables = (await self._client.get_multiple_accounts([lookup.account_key for lookup in lookups])).value
            for lookup, table in zip(lookups, tables, strict=True):
                writable += accounts.looked_up(table, lookup.writable_indexes)
        return writable


def open_client(url: str) -> AsyncClient:
    """Return the client for a node's URL; what is to be repeated is decided here, so it repeats nothing itself."""
    return AsyncClient(url, Confirmed, TIMEOUT_SECONDS, max_transport_retries=0)


class _Refused(ChainUnavailable):
    """The node answered with a JSON-RPC error."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{_NAME} refused: {text}")
        self.text = text


@contextlib.asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    try:
        with understanding(_NAME):
            yield
    except SerdeJSONError:
        raise ChainUnavailable(f"{_NAME} answered with something else") from None
    except RPCException as error:
        told = error.args[0] if error.args else None
        raise _Refused(str(getattr(told, "message", type(told).__name__))) from None
    except SolanaRpcException as error:
        cause = error.__cause__
        if isinstance(cause, httpx2.HTTPStatusError):
            raise refusal(_NAME, cause.response) from None
        raise ChainUnavailable(f"{_NAME} did not answer ({type(cause).__name__})") from None
