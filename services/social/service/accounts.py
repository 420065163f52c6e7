"""Accounts: registered after the network took their credentials, and kept sealed."""

import contextlib
import logging
from datetime import datetime

from services.runtime.clock import Clock
from services.runtime.errors import PuppetError
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged
from services.social.domain.accounts import Account, Credentials, NetworkName, Profile
from services.social.domain.capabilities import Capabilities, PostQuota
from services.social.domain.errors import AccountExists, AccountNotFound, CredentialsRefused
from services.social.domain.limits import Action
from services.social.ports import Network, Records, Store, Vault
from services.social.service.limits import Limits

log = logging.getLogger(__name__)

_LOCK_KEY = "accounts"
_AT_ONCE = 500


class Accounts:
    """Registers accounts and reads them."""

    def __init__(self, store: Store, vault: Vault, network: Network, limits: Limits, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._network = network
        self._limits = limits
        self._clock = clock

    async def register(self, agent_id: str, credentials: Credentials, key: RequestKey) -> Account:
        """Add an agent's account, or replace its credentials.

        Raises AccountExists, and what the network raises when it doesn't take the credentials.
        """
        async with self._store.reading() as records:
            if first := await records.claimed(key):
                return await load_account(records, first)
        profile, now = await self._network.profile(credentials), self._clock.now()
        async with self._store.writing(_LOCK_KEY) as records:
            account = await _own_account(records, agent_id, profile) or Account(
                id=new_id("acc"),
                agent_id=agent_id,
                network=NetworkName.X,
                handle="",
                network_user_id=profile.user_id,
                sealed_credentials="",
                create_time=now,
                handle_time=now,
                handle_due_time=now,
            )
            if first := await records.claim(key, account.id):
                return await load_account(records, first)
            account.sealed_credentials = self._vault.seal(credentials)
            await _save_handle(records, account, profile, now)
            await self._limits.forget(records, account)
            await records.wake_posts(await self._accounts_of_app(records, account, credentials), now)
            await records.commit()
        return account

    async def _accounts_of_app(self, records: Records, account: Account, credentials: Credentials) -> list[str]:
        """Return the ids of an account and of those that share its app, whose limits are forgotten with its own."""
        found, page = [account.id], Page(_AT_ONCE, None)
        while True:
            listed = await records.accounts("", page)
            for other in listed.rows:
                with contextlib.suppress(CredentialsRefused):
                    if other.id != account.id and self._vault.unseal(other.sealed_credentials).app == credentials.app:
                        found.append(other.id)
            if listed.next_key is None:
                return found
            page = Page(_AT_ONCE, listed.next_key)

    async def get(self, account_id: str) -> Account:
        """Return one account. Raises AccountNotFound."""
        async with self._store.reading() as records:
            return await load_account(records, account_id)

    async def agent_of(self, resource_id: str) -> str | None:
        """Return the agent whose account, or whose post, this is; None when there is no such thing."""
        async with self._store.reading() as records:
            post = await records.post(resource_id)
            account = await records.account(post.account_id if post else resource_id)
        return account.agent_id if account else None

    async def page(self, agent_id: str, page: Page) -> Paged[Account]:
        """Return a page of accounts, the oldest first."""
        async with self._store.reading() as records:
            return await records.accounts(agent_id, page)

    async def capabilities(self, account_id: str) -> tuple[Capabilities, PostQuota]:
        """Return what an account may do, and how much of it. Raises AccountNotFound."""
        async with self._store.reading() as records:
            account = await load_account(records, account_id)
            return self._network.capabilities, await self._limits.quota(records, account)

    async def refresh(self, account: Account) -> None:
        """Ask the network for the handle of an account, once a day; while it doesn't answer the handle stays."""
        now = self._clock.now()
        if not account.is_handle_due(now):
            return
        async with self._store.writing(_LOCK_KEY) as records:
            fresh = await load_account(records, account.id)
            if not fresh.is_handle_due(now):
                return
            fresh.ask_later(now)
            await records.save(fresh)
            await records.commit()
        try:
            async with self._limits.reading(account, Action.PROFILE) as credentials:
                profile = await self._network.profile(credentials)
        except PuppetError as error:
            log.warning("the handle was not told", extra={"account_id": account.id, "reason": error.reason})
            return
        async with self._store.writing(_LOCK_KEY) as records:
            fresh = await load_account(records, account.id)
            if fresh.network_user_id == profile.user_id:
                await _save_handle(records, fresh, profile, now)
                await records.commit()


async def load_account(records: Records, account_id: str) -> Account:
    """Return an account. Raises AccountNotFound."""
    if account := await records.account(account_id):
        return account
    raise AccountNotFound(account_id)


async def _save_handle(records: Records, account: Account, profile: Profile, now: datetime) -> None:
    """Save what an account is called now; another one that is said to be called so isn't any more."""
    for other in await records.others_with_handle(account, profile.handle):
        other.lose_handle(now)
        await records.save(other)
    account.set_handle(profile.handle, now)
    await records.save(account)


async def _own_account(records: Records, agent_id: str, profile: Profile) -> Account | None:
    matching = await records.matching_accounts(NetworkName.X, agent_id, profile)
    for account in matching:
        if not account.belongs_to(agent_id, profile):
            raise AccountExists(account.agent_id, account.handle)
    return matching[0] if matching else None
