"""Archives of wallets, and their deletion."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeAlias

from sqlmodel import SQLModel

from services.runtime import unit_of_work
from services.runtime.archive import ArchivedRow, ArchiveRecords, Import, foreign, read_rows
from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.keystore import Keystore, check_sealing_key, opened
from services.runtime.pages import Page
from services.trading.domain.errors import WalletBusy, WalletExists, WalletNotEmpty
from services.trading.domain.trade import Cause, Trade, TradeState
from services.trading.domain.wallet import Halt, Policy, Wallet, lock_key_of
from services.trading.ports import Chain, Records

_ONE = Page(1)
_NO_KEY = "it was imported without its key: register the wallet with it, then resume"
_MAX_NAMED = 10


class ArchivedRecords(Records, ArchiveRecords, Protocol):
    """Wallets, policies and trades, and what an archive has of them."""


Store: TypeAlias = unit_of_work.Store[ArchivedRecords]


class Archive:
    """Exports, imports and deletes the wallet of an agent with its trades."""

    def __init__(self, store: Store, keystore: Keystore, chain: Chain, clock: Clock) -> None:
        self._store = store
        self._keystore = keystore
        self._chain = chain
        self._clock = clock

    async def export(self, agent_id: str, sealing_key: str) -> AsyncIterator[ArchivedRow]:
        """Go through what there is of an agent; the private key only when there is another to seal it with.

        Raises InvalidRequest when that is none.
        """
        check_sealing_key(sealing_key)

        def turned(row: SQLModel) -> SQLModel:
            if isinstance(row, Wallet):
                row.sealed_key = self._keystore.hand_over(row.sealed_key, sealing_key) if sealing_key else ""
            return row

        async with self._store.reading() as records:
            async for row in records.archived(agent_id, turned):
                yield row

    async def import_all(self, given: Import) -> int:
        """Store what was exported, and return how many rows; 0 when this request had stored them before.

        Raises InvalidRequest and WalletExists.
        """
        check_sealing_key(given.sealing_key)
        now = self._clock.now()
        async with self._store.writing("wallets") as records:
            rows = read_rows(records, given)
            wallets = [row for row in rows if isinstance(row, Wallet) and row.agent_id == given.agent_id]
            own, halted = {wallet.id for wallet in wallets}, {row.wallet_id for row in rows if isinstance(row, Halt)}
            if not own:
                raise foreign(1, "is in an import without any wallet of this agent")
            # It is forgotten with the wallet: deleted, that can be imported again.
            if await records.claim(given.key, min(own, default="")) is not None:
                return 0
            for number, row in enumerate(rows, 1):
                if isinstance(row, Wallet):
                    if row.id not in own:
                        raise foreign(number, "is of another agent")
                    await _refuse_taken(records, row)
                    row.sealed_key = opened(self._keystore, row.sealed_key, given.sealing_key)
                elif isinstance(row, Policy | Halt | Trade) and row.wallet_id not in own:
                    raise foreign(number, "is of another wallet")
                if isinstance(row, Trade) and row.state is TradeState.CLAIMED:
                    row.fail(Cause.LATE, "it was imported before it was signed", now)
            for wallet in wallets:
                if not wallet.sealed_key and wallet.id not in halted:
                    rows.append(Halt(wallet_id=wallet.id, reason=_NO_KEY, create_time=now))
            await records.unarchive(rows)
            await records.commit()
        return len(given.rows)

    async def delete(self, agent_id: str, key: RequestKey) -> int:
        """Delete an agent's wallet, once for a request, and return how many trades it had.

        Raises WalletNotEmpty, WalletBusy, and what the chain raises.
        """
        async with self._store.reading() as records:
            wallet = next(iter((await records.wallets(agent_id, _ONE)).rows), None)
            first = await records.claimed(key)
        if wallet is not None and first is None:
            held = {one.mint: one.amount for one in await self._chain.balances(wallet.address) if one.amount}
            if held:
                raise WalletNotEmpty(wallet.id, dict(list(held.items())[:_MAX_NAMED]))
        async with self._store.writing(lock_key_of(wallet.id) if wallet else "wallets") as records:
            if (first := await records.claim(key, "0")) is not None:
                return int(first)
            if wallet is not None and (trade := await records.oldest_open(wallet.id)) is not None:
                raise WalletBusy(trade.id)
            count = (await records.erase(agent_id)).get("trade", 0)
            await records.answer(key, str(count))
            await records.commit()
        return count


async def _refuse_taken(records: Records, wallet: Wallet) -> None:
    if other := await records.matching_wallet(wallet.agent_id, wallet.address) or await records.wallet(wallet.id):
        raise WalletExists(f"the agent {other.agent_id!r} has this wallet, or another", id=other.id)
