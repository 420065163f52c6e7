"""Archives of accounts, and their deletion."""

from collections.abc import AsyncIterator
from typing import Protocol, TypeAlias

from sqlmodel import SQLModel

from services.runtime import unit_of_work
from services.runtime.archive import ArchivedRow, ArchiveRecords, Import, foreign, read_rows
from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.keystore import Keystore, check_sealing_key, opened
from services.runtime.pages import Page
from services.social.domain.accounts import Account, Profile
from services.social.domain.errors import AccountBusy, AccountExists
from services.social.domain.posts import Post, Timing
from services.social.ports import Records

_ONE = Page(1)


class ArchivedRecords(Records, ArchiveRecords, Protocol):
    """Accounts and posts, and what an archive has of them."""


Store: TypeAlias = unit_of_work.Store[ArchivedRecords]


class Archive:
    """Exports, imports and deletes the account of an agent with its outbox."""

    def __init__(self, store: Store, keystore: Keystore, clock: Clock, timing: Timing) -> None:
        self._store = store
        self._keystore = keystore
        self._clock = clock
        self._timing = timing

    async def export(self, agent_id: str, sealing_key: str) -> AsyncIterator[ArchivedRow]:
        """Go through what there is of an agent; credentials only when there is a key to seal them with.

        Raises InvalidRequest when that is no key.
        """
        check_sealing_key(sealing_key)

        def turned(row: SQLModel) -> SQLModel:
            if isinstance(row, Account):
                sealed = row.sealed_credentials
                row.sealed_credentials = self._keystore.hand_over(sealed, sealing_key) if sealing_key else ""
            return row

        async with self._store.reading() as records:
            async for row in records.archived(agent_id, turned):
                yield row

    async def import_all(self, given: Import) -> int:
        """Store what was exported, and return how many rows; 0 when this request had stored them before.

        Raises InvalidRequest and AccountExists.
        """
        check_sealing_key(given.sealing_key)
        now = self._clock.now()
        async with self._store.writing("accounts") as records:
            rows = read_rows(records, given)
            own = {row.id for row in rows if isinstance(row, Account) and row.agent_id == given.agent_id}
            if not own:
                raise foreign(1, "is in an import without any account of this agent")
            # It is forgotten with the account: deleted, that can be imported again.
            if await records.claim(given.key, min(own, default="")) is not None:
                return 0
            for number, row in enumerate(rows, 1):
                if isinstance(row, Account):
                    if row.id not in own:
                        raise foreign(number, "is of another agent")
                    await _refuse_taken(records, row)
                    sealed = row.sealed_credentials
                    row.sealed_credentials = opened(self._keystore, sealed, given.sealing_key)
                    row.handle_due_time = now
                elif isinstance(row, Post):
                    if row.account_id not in own:
                        raise foreign(number, "is of another account")
                    row.restore(now, self._timing)
            await records.unarchive(rows)
            await records.commit()
        return len(rows)

    async def delete(self, agent_id: str, key: RequestKey) -> int:
        """Delete an agent's account, once for a request, and return how many posts it had. Raises AccountBusy."""
        async with self._store.reading() as records:
            account = next(iter((await records.accounts(agent_id, _ONE)).rows), None)
        # Whoever sends for an account marks its post under its lock first.
        async with self._store.writing(account.id if account else "accounts") as records:
            if (first := await records.claim(key, "0")) is not None:
                return int(first)
            if account is not None and await records.is_sending(account.id):
                raise AccountBusy
            count = (await records.erase(agent_id)).get("post", 0)
            await records.answer(key, str(count))
            await records.commit()
        return count


async def _refuse_taken(records: Records, account: Account) -> None:
    profile = Profile(account.network_user_id, account.handle)
    taken = await records.matching_accounts(account.network, account.agent_id, profile)
    if other := next(iter(taken), None) or await records.account(account.id):
        raise AccountExists(other.agent_id, other.handle)
