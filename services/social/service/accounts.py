"""Accounts: registered after the network took their credentials, and kept sealed."""

from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged
from services.social.domain.accounts import CAPABILITIES, Account, Capabilities, Credentials, NetworkName, Profile, Tier
from services.social.domain.errors import AccountExists, AccountNotFound
from services.social.domain.network import Mention
from services.social.ports import Network, Records, Store, Vault


class Accounts:
    """Registers accounts and reads them."""

    def __init__(self, store: Store, vault: Vault, network: Network, clock: Clock, tier: Tier) -> None:
        self._store = store
        self._vault = vault
        self._network = network
        self._clock = clock
        self._tier = tier

    async def register(self, agent_id: str, credentials: Credentials, key: RequestKey) -> Account:
        """Add an agent's account, or replace its credentials.

        Raises AccountExists, and what the network raises when it doesn't take the credentials.
        """
        account_id = new_id("acc")
        async with self._store.writing() as records:
            if first := await records.claim(key, account_id):
                return await existing_account(records, first)
            # Not committed: the claim counts only together with the account.
        profile = await self._network.profile(credentials)
        async with self._store.writing("accounts") as records:
            account = await _own_account(records, agent_id, profile) or Account(
                id=account_id,
                agent_id=agent_id,
                network=NetworkName.X,
                handle="",
                network_user_id=profile.user_id,
                sealed_credentials="",
                create_time=self._clock.now(),
            )
            if first := await records.claim(key, account.id):
                return await existing_account(records, first)
            account.handle = profile.handle
            account.sealed_credentials = self._vault.seal(credentials)
            await records.save(account)
            await records.commit()
        return account

    async def get(self, account_id: str) -> Account:
        """Return one account. Raises AccountNotFound."""
        async with self._store.reading() as records:
            return await existing_account(records, account_id)

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

    async def capabilities(self, account_id: str) -> Capabilities:
        """Return what an account may do. Raises AccountNotFound."""
        await self.get(account_id)
        return CAPABILITIES[self._tier]

    async def mentions(self, account_id: str, after: str, page: Page) -> Paged[Mention]:
        """Return mentions after this one, the oldest first; without one the latest, as one page.

        The key of a page is the id of its last mention. Raises AccountNotFound, and what the network raises.
        """
        account = await self.get(account_id)
        credentials = self._vault.unseal(account.sealed_credentials)
        user_id = account.network_user_id
        if page.after:
            (after,) = page.after
        if not after:
            return Paged(await self._network.latest_mentions(credentials, user_id, page.size), None)
        mentions = await self._network.mentions_after(credentials, user_id, after)
        return Paged.cut(mentions, page, lambda mention: (mention.network_post_id,))


async def existing_account(records: Records, account_id: str) -> Account:
    """Return an account. Raises AccountNotFound."""
    if account := await records.account(account_id):
        return account
    raise AccountNotFound(account_id)


async def _own_account(records: Records, agent_id: str, profile: Profile) -> Account | None:
    rivals = await records.rivals(NetworkName.X, agent_id, profile)
    for rival in rivals:
        if not rival.belongs_to(agent_id, profile):
            raise AccountExists(rival.agent_id, rival.handle)
    return rivals[0] if rivals else None
