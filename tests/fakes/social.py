"""Fakes of the social service's ports."""

import asyncio
import contextlib
import copy
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from services.runtime.clock import Clock
from services.runtime.errors import PuppetError
from services.runtime.pages import Page, Paged
from services.runtime.text.weight import TextLimit
from services.social.domain.accounts import Account, Credentials, NetworkName, Profile
from services.social.domain.capabilities import Capabilities, ReplyScope
from services.social.domain.errors import CredentialsRefused
from services.social.domain.limits import Action, Limit, ReportedLimit, Scope
from services.social.domain.network import (
    HELD,
    Conversation,
    Duplicate,
    Mention,
    Outcome,
    Published,
    SeenPost,
    Undecided,
)
from services.social.domain.posts import Post, PostState
from tests.fakes.requests import FakeClaims, Requests


def credentials(name: str) -> Credentials:
    """Return the credentials that FakeNetwork takes for this handle."""
    return Credentials(name, f"{name}-secret", f"{name}-token", f"{name}-token-secret")


class FakeVault:
    """Turns credentials round; `key` must be the same for sealing and unsealing."""

    def __init__(self) -> None:
        self.key = "k"

    def seal(self, credentials: Credentials) -> str:
        return self.key + json.dumps(asdict(credentials))[::-1]

    def unseal(self, sealed: str) -> Credentials:
        if not sealed.startswith(self.key):
            raise CredentialsRefused("sealed under another key")
        return Credentials(**json.loads(sealed.removeprefix(self.key)[::-1]))


class Lost(Enum):
    """A send without an answer."""

    BEFORE = auto()
    """Nothing was posted."""
    AFTER = auto()
    """It was posted."""


@dataclass
class _Standing:
    user: str
    post: SeenPost
    visible_time: datetime


class FakeNetwork:
    """Shows its `faults` one after the other; posts appear `hidden` late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_id = 1000
        self._senders = 0
        self.standing: list[_Standing] = []
        self.mentions: list[Mention] = []
        self.faults: deque[Outcome | Lost] = deque()
        self.hidden = timedelta(0)
        self.capabilities = Capabilities(
            text_limit=TextLimit(max_weight=280),
            reply_scope=ReplyScope.ALL,
            can_post=True,
            can_quote=True,
            can_like=True,
            can_repost=True,
            can_follow=True,
            can_thread=True,
            can_attach_media=True,
            can_edit=True,
            can_delete=True,
        )
        self.posts_a_day = 0
        """What the network says of its limit with every post; 0 when it says nothing."""
        self.told: list[ReportedLimit] = []
        """What it says of other limits with the next call."""
        self.takes_duplicates = False
        """True for a network that, unlike X, publishes the same text again."""
        self.blind: PuppetError | None = None
        """What every read is refused with."""
        self.renamed: dict[str, str] = {}
        """What accounts are called by now, by their ids."""
        self.sends = 0
        self.reads = 0
        self.mention_reads = 0
        self.profiles = 0
        self.most_senders = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    def texts(self) -> list[str]:
        """Return what was posted, whether or not it is visible yet."""
        return [item.post.text for item in self.standing]

    def limits(self, credentials: Credentials) -> list[ReportedLimit]:
        told, self.told = self.told, []
        if self.posts_a_day:
            reset = self._clock.now() + timedelta(days=1)
            told.append(ReportedLimit(Scope.ACCOUNT, Action.POST, "24hour", self.posts_a_day, self.posts_a_day, reset))
        return told

    async def profile(self, credentials: Credentials) -> Profile:
        self.profiles += 1
        self._look()
        if not credentials.api_key_secret.startswith(credentials.api_key):
            raise CredentialsRefused("the network refused the credentials")
        user_id = f"id-{credentials.api_key.lower()}"
        return Profile(user_id, self.renamed.get(user_id, credentials.api_key))

    async def publish(self, credentials: Credentials, text: str, in_reply_to: str) -> Outcome:
        self.sends += 1
        self._senders += 1
        self.most_senders = max(self.most_senders, self._senders)
        try:
            await asyncio.sleep(0)
            outcome = self._post(credentials, text, in_reply_to)
            await self.may_answer.wait()
            await asyncio.sleep(0)
            return outcome
        finally:
            self._senders -= 1

    async def timeline(self, credentials: Credentials, user_id: str, since: datetime) -> list[SeenPost]:
        self.reads += 1
        self._look()
        await asyncio.sleep(0)
        now = self._clock.now()
        return [item.post for item in self.standing if item.user == user_id and item.visible_time <= now]

    async def latest_mentions(self, credentials: Credentials, user_id: str, limit: int) -> list[Mention]:
        self._look()
        return self.mentions[-limit:]

    async def mentions_after(self, credentials: Credentials, user_id: str, network_post_id: str) -> list[Mention]:
        self.mention_reads += 1
        self._look()
        return [mention for mention in self.mentions if int(mention.network_post_id) > int(network_post_id)]

    async def conversation(
        self, credentials: Credentials, network_post_id: str, conversation_id: str, limit: int
    ) -> Conversation:
        self._look()
        return Conversation(tuple(self.mentions[-limit:]), 1, len(self.mentions), 0)

    def _look(self) -> None:
        if self.blind is not None:
            raise self.blind

    def _post(self, credentials: Credentials, text: str, in_reply_to: str) -> Outcome:
        fault = self.faults.popleft() if self.faults else None
        if fault is Lost.BEFORE:
            return Undecided("no answer")
        if fault is not None and not isinstance(fault, Lost):
            return fault
        user = f"id-{credentials.api_key.lower()}"
        same = (item.post for item in self.standing if item.user == user)
        if not self.takes_duplicates and any((post.text, post.in_reply_to) == (text, in_reply_to) for post in same):
            return Duplicate("duplicate content")
        self._last_id += 1
        seen = SeenPost(str(self._last_id), text, in_reply_to)
        self.standing.append(_Standing(user, seen, self._clock.now() + self.hidden))
        return Undecided("no answer") if fault is Lost.AFTER else Published(seen.network_post_id)


class FakeRecords(FakeClaims):
    """One transaction: works on copies, which `commit` puts back."""

    def __init__(self, store: "FakeStore") -> None:
        super().__init__(dict(store.requests))
        self._store = store
        self._accounts = copy.deepcopy(store.accounts)
        self._posts = copy.deepcopy(store.posts)
        self._limits = dict(store.limits)

    async def limits(self, holders: Collection[str]) -> list[Limit]:
        return [limit for (holder, _, _), limit in self._limits.items() if holder in holders]

    async def put_limits(self, limits: Sequence[Limit]) -> None:
        self._limits |= {(limit.holder, limit.action, limit.window): limit for limit in limits}

    async def forget_limits(self, holders: Collection[str]) -> None:
        kept = {key: limit for key, limit in self._limits.items() if key[0] not in holders or limit.remaining > 0}
        self._limits = kept

    async def remove_limits(self, limits: Sequence[Limit]) -> None:
        gone = {(limit.holder, limit.action, limit.window) for limit in limits}
        self._limits = {key: limit for key, limit in self._limits.items() if key not in gone}

    async def wake_posts(self, account_ids: Collection[str], now: datetime) -> None:
        for row in self._posts.values():
            is_held = row.account_id in account_ids and row.state_cause in HELD and not row.is_final
            if is_held and row.due_time is not None:
                row.due_time = min(row.due_time, now)

    async def account(self, account_id: str) -> Account | None:
        return self._accounts.get(account_id)

    async def accounts(self, agent_id: str, page: Page) -> Paged[Account]:
        def key(row: Account) -> tuple[datetime, str]:
            return row.create_time, row.id

        rows = sorted((row for row in self._accounts.values() if agent_id in ("", row.agent_id)), key=key)
        if page.after:
            rows = [row for row in rows if key(row) > page.after]
        return Paged.cut(rows[: page.size + 1], page, key)

    async def matching_accounts(self, network: NetworkName, agent_id: str, profile: Profile) -> list[Account]:
        return [
            row for row in self._accounts.values() if row.agent_id == agent_id or row.network_user_id == profile.user_id
        ]

    async def others_with_handle(self, account: Account, handle: str) -> list[Account]:
        others = (row for row in self._accounts.values() if row.id != account.id)
        return [row for row in others if row.handle.lower() == handle.lower()]

    async def post(self, post_id: str) -> Post | None:
        await asyncio.sleep(0)
        return self._posts.get(post_id)

    async def posts(self, account_id: str, states: Collection[PostState], page: Page) -> Paged[Post]:
        def key(row: Post) -> tuple[datetime, str]:
            return row.create_time, row.id

        rows = [
            row for row in self._posts.values() if row.account_id == account_id and (row.state in states or not states)
        ]
        rows.sort(key=key, reverse=True)
        if page.after:
            rows = [row for row in rows if key(row) < page.after]
        return Paged.cut(rows[: page.size + 1], page, key)

    async def due_posts(self, now: datetime, limit: int) -> list[str]:
        due = [row for row in self._posts.values() if row.is_due(now)]
        due.sort(key=lambda row: (row.due_time or datetime.max.replace(tzinfo=UTC), row.create_time))
        return [row.id for row in due[:limit]]

    async def is_sending(self, account_id: str) -> bool:
        return any(row.account_id == account_id and row.state is PostState.SENT for row in self._posts.values())

    async def owned(self, account_id: str, network_post_ids: Sequence[str]) -> set[str]:
        ids = {row.network_post_id for row in self._posts.values() if row.account_id == account_id}
        return {owned for owned in ids if owned is not None and owned in network_post_ids}

    async def latest_reply(self, account_id: str, number: int, since: datetime) -> datetime | None:
        times = sorted(
            row.create_time
            for row in self._posts.values()
            if row.account_id == account_id and row.in_reply_to and row.create_time > since
            if row.state is not PostState.FAILED
        )
        return times[-number] if len(times) >= number else None

    async def has_duplicate(self, post: Post) -> bool:
        same = (row for row in self._posts.values() if (row.account_id, row.text) == (post.account_id, post.text))
        return any(row.id != post.id and row.state is PostState.SETTLED for row in same)

    async def save(self, row: Account | Post) -> None:
        if isinstance(row, Account):
            self._accounts[row.id] = row
        else:
            self._posts[row.id] = row

    async def commit(self) -> None:
        await asyncio.sleep(0)
        self._store.accounts = self._accounts
        self._store.posts = self._posts
        self._store.requests = self._requests
        self._store.limits = self._limits
        self._store.committed()
        await asyncio.sleep(0)


class FakeStore:
    """Keeps rows in dictionaries; has one writer at a time, as SQLite has."""

    def __init__(self) -> None:
        self._writer = asyncio.Lock()
        self.accounts: dict[str, Account] = {}
        self.posts: dict[str, Post] = {}
        self.requests: Requests = {}
        self.limits: dict[tuple[str, Action, str], Limit] = {}
        self.committed: Callable[[], None] = lambda: None
        """Called after every commit, before whoever committed learns of it."""

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[FakeRecords]:
        yield FakeRecords(self)

    @contextlib.asynccontextmanager
    async def writing(self, *lock_keys: str) -> AsyncIterator[FakeRecords]:
        async with self._writer:
            yield FakeRecords(self)
