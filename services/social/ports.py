"""What the social service needs from outside."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from services.runtime import unit_of_work
from services.runtime.pages import Page, Paged
from services.runtime.unit_of_work import UnitOfWork
from services.social.domain.accounts import Account, Credentials, NetworkName, Profile
from services.social.domain.capabilities import Capabilities
from services.social.domain.limits import Limit, ReportedLimit
from services.social.domain.network import Conversation, Mention, Outcome, SeenPost
from services.social.domain.posts import Post, PostState


class Records(UnitOfWork, Protocol):
    """Accounts and posts."""

    async def account(self, account_id: str) -> Account | None:
        """Return an account."""
        ...

    async def accounts(self, agent_id: str, page: Page) -> Paged[Account]:
        """Return a page of an agent's accounts, of all agents' when it is empty; the oldest first.

        The key is `(create_time, id)`.
        """
        ...

    async def matching_accounts(self, network: NetworkName, agent_id: str, profile: Profile) -> list[Account]:
        """Return the accounts on a network that are this agent's, or have this profile's id."""
        ...

    async def others_with_handle(self, account: Account, handle: str) -> list[Account]:
        """Return the other accounts on its network that are said to have this handle."""
        ...

    async def post(self, post_id: str) -> Post | None:
        """Return a post, as it is in the database now."""
        ...

    async def posts(self, account_id: str, states: Collection[PostState], page: Page) -> Paged[Post]:
        """Return a page of an account's posts in these states, in any when none is given; the newest first.

        The key is `(create_time, id)`.
        """
        ...

    async def due_posts(self, now: datetime, limit: int) -> list[str]:
        """Return the ids of up to `limit` posts that are due, the longest due first."""
        ...

    async def wake_posts(self, account_ids: Collection[str], now: datetime) -> None:
        """Let everything of these accounts be taken up now that would be later because an account was held back."""
        ...

    async def is_sending(self, account_id: str) -> bool:
        """Tell whether a post of this account is SENT."""
        ...

    async def owned(self, account_id: str, network_post_ids: Sequence[str]) -> set[str]:
        """Return those of these ids that belong to a post of this account."""
        ...

    async def has_duplicate(self, post: Post) -> bool:
        """Tell whether another post of its account with the same text is SETTLED."""
        ...

    async def latest_reply(self, account_id: str, number: int, since: datetime) -> datetime | None:
        """Return when the latest reply of an account but `number - 1` was asked for, if that was after `since`.

        What has FAILED doesn't count.
        """
        ...

    async def limits(self, holders: Collection[str]) -> list[Limit]:
        """Return what was told of the limits of these accounts and apps."""
        ...

    async def put_limits(self, limits: Sequence[Limit]) -> None:
        """Keep what is told now of these limits."""
        ...

    async def forget_limits(self, holders: Collection[str]) -> None:
        """Forget what holds these accounts and apps back."""
        ...

    async def remove_limits(self, limits: Sequence[Limit]) -> None:
        """Remove these."""
        ...

    async def save(self, row: Account | Post) -> None:
        """Add a row, or write its changes."""
        ...


Store: TypeAlias = unit_of_work.Store[Records]
"""The truth."""


class Vault(Protocol):
    """Keeps credentials from everybody who reads the database."""

    def seal(self, credentials: Credentials) -> str:
        """Return the credentials as text that only this vault opens."""
        ...

    def unseal(self, sealed: str) -> Credentials:
        """Return the credentials. Raises CredentialsRefused for none, and for what was sealed under another key."""
        ...


class Network(Protocol):
    """A social network, called with an account's credentials.

    What reads raises CredentialsRefused, AccountLocked, NotCapable, NetworkUnavailable, or NetworkRateLimited and what
    derives from it.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the network and the tier of the apps allow."""
        ...

    def limits(self, credentials: Credentials) -> list[ReportedLimit]:
        """Return what was told of the limits of these credentials since this was asked last; the latest comes last."""
        ...

    async def profile(self, credentials: Credentials) -> Profile:
        """Return whom the credentials belong to."""
        ...

    async def publish(self, credentials: Credentials, text: str, in_reply_to: str) -> Outcome:
        """Send a post, once; every way in which that can end is a value."""
        ...

    async def timeline(self, credentials: Credentials, user_id: str, since: datetime) -> list[SeenPost]:
        """Return what an account itself posted since this time, the oldest first."""
        ...

    async def latest_mentions(self, credentials: Credentials, user_id: str, limit: int) -> list[Mention]:
        """Return up to `limit` of the latest mentions of an account by others, the oldest first."""
        ...

    async def mentions_after(self, credentials: Credentials, user_id: str, network_post_id: str) -> list[Mention]:
        """Return the mentions of an account by others after this one, the oldest first, as far as the network goes."""
        ...

    async def conversation(
        self, credentials: Credentials, network_post_id: str, conversation_id: str, limit: int
    ) -> Conversation:
        """Return up to `limit` posts of the conversation that a post is part of, the oldest first.

        Those that it answers come before others. Without `conversation_id` that is asked for first.
        """
        ...
