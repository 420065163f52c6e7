"""The outbox: every claimed post reaches the network once, through crashes, lost answers and several replicas.

Whatever is sent was marked as SENT in a committed transaction before. A post is advanced under its account's lock in
this process, and every step reads the row again within a transaction that holds the account's lock in all replicas: a
step that another one was faster with is not taken.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

from services.runtime.background import detached
from services.runtime.clock import Clock
from services.runtime.errors import PuppetError, RetryLater
from services.runtime.telemetry import Counter
from services.runtime.waiting import Signal
from services.social.domain.accounts import Account, Credentials
from services.social.domain.errors import CredentialsRefused, NetworkUnavailable, PostNotFound
from services.social.domain.limits import Action
from services.social.domain.network import Outcome, Published, RateLimited, SeenPost, Unauthorized, Unreachable
from services.social.domain.posts import Post, PostState, Timing
from services.social.ports import Network, Records, Store, Vault
from services.social.service.accounts import load_account
from services.social.service.limits import Limits

log = logging.getLogger(__name__)

POSTS = Counter("puppet.posts", "{post}", "How posts moved on through the outbox, by their new state.")
_AT_ONCE = 500
_POLL_SECONDS = 0.2
_BLIND_PAUSE = timedelta(minutes=15)  # before the timeline of an account that may not read it is tried again


class Outbox:
    """Sends posts, and finds out what became of those whose outcome got lost."""

    def __init__(
        self,
        store: Store,
        vault: Vault,
        network: Network,
        limits: Limits,
        clock: Clock,
        timing: Timing,
        draining: asyncio.Event,
    ) -> None:
        self._store = store
        self._vault = vault
        self._network = network
        self._limits = limits
        self._clock = clock
        self._timing = timing
        self._draining = draining
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: dict[str, asyncio.Task[PuppetError | None]] = {}
        self._changed = Signal()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Stop what is under way at the end of the block; a post that was being sent is looked for after its lease."""
        try:
            yield
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def sweep(self) -> None:
        """Start on every post that is due and not under way here."""
        async with self._store.reading() as records:
            due = await records.due_posts(self._clock.now(), _AT_ONCE)
        for post_id in due:
            self._start(post_id)

    async def finish(self, post: Post, timeout_seconds: float) -> Post:
        """Advance a post until it is final, stuck, or the timeout has passed; return it as it is then.

        Raises what holds the post back when the network refuses to take it now.
        """
        if post.due_time is None:
            return post
        end = asyncio.get_running_loop().time() + timeout_seconds
        task = self._start(post.id)
        # Not awaited itself: a caller who gives up must not take the send along.
        await asyncio.wait({task}, timeout=timeout_seconds)
        if task.done() and (held_by := task.result()):
            raise held_by
        is_enough, left = self._is_waited_for_no_longer, end - asyncio.get_running_loop().time()

        async def load() -> Post:
            async with self._store.reading() as records:
                fresh = await load_post(records, post.id)
            if fresh.is_due(self._clock.now()) and not is_enough(fresh):
                self._start(fresh.id)
            return fresh

        return await self._changed.until(load, is_enough, timeout_seconds=left, poll_seconds=_POLL_SECONDS)

    def _is_waited_for_no_longer(self, post: Post) -> bool:
        return post.due_time is None or self._draining.is_set()

    def _start(self, post_id: str) -> asyncio.Task[PuppetError | None]:
        if post_id not in self._tasks:
            task = detached(self._advance(post_id), f"advance {post_id}")
            self._tasks[post_id] = task
            task.add_done_callback(lambda done: self._end(post_id, done))
        return self._tasks[post_id]

    def _end(self, post_id: str, task: asyncio.Task[PuppetError | None]) -> None:
        del self._tasks[post_id]
        if not task.cancelled() and (error := task.exception()):
            log.error("advancing a post failed", extra={"post_id": post_id}, exc_info=error)

    async def _advance(self, post_id: str) -> PuppetError | None:
        """Take the next step with a post, if it is due; the value is what holds it back, when that is the network."""
        async with self._store.reading() as records:
            account = await load_account(records, (await load_post(records, post_id)).account_id)
        async with self._locks[account.id]:
            post = await self._next(post_id)
            if post is None:
                return None
            try:
                credentials = self._vault.unseal(account.sealed_credentials)
            except CredentialsRefused as refused:
                await self._withhold(post, account, Unauthorized(refused.message))
                return refused
            if post.state is PostState.CLAIMED and (held := await self._limits.held(account, Action.POST)):
                await self._move(post, lambda fresh: fresh.hold(held))
                return self._limits.error(account, held)
            try:
                taken = await self._take(post, account)
            except PuppetError as blind:
                due = self._clock.now() + self._pause_after(blind)
                await self._move(post, lambda fresh: fresh.postpone(due))
                return None
            if taken is None or taken.is_late(self._clock.now(), self._timing):
                return None
            outcome = await self._network.publish(credentials, taken.text, taken.in_reply_to)
            outcome, concluded = await self._conclude(taken, outcome, account, credentials)
        # A post that may be there already isn't for its caller to repeat: it is OUTCOME_UNKNOWN and will be looked for.
        return None if taken.may_be_posted else self._held_by(outcome, account, concluded)

    async def _withhold(self, post: Post, account: Account, refused: Unauthorized) -> None:
        async with self._store.writing(post.account_id) as records:
            fresh = await load_post(records, post.id)
            if fresh.is_as(post):
                fresh.hold(await self._limits.settle(records, account, refused))
                await records.save(fresh)
                await records.commit()

    async def _next(self, post_id: str) -> Post | None:
        """Return a post when it is its turn: it is due, and nobody sends for its account."""
        async with self._store.reading() as records:
            post = await load_post(records, post_id)
            if not post.is_due(self._clock.now()):
                return None
            # The one that is being sent may be what the timeline is about to show, so nothing is adopted now either.
            waits = post.state is not PostState.SENT and await records.is_sending(post.account_id)
            return None if waits else post

    async def _take(self, post: Post, account: Account) -> Post | None:
        """Mark a post as SENT, unless it was sent before and is found, or is to be looked for again."""
        seen: list[SeenPost] = []
        if post.state is PostState.OUTCOME_UNKNOWN:
            async with self._limits.reading(account, Action.TIMELINE) as credentials:
                seen = await self._network.timeline(credentials, account.network_user_id, post.visible_since)
        async with self._store.writing(account.id) as records:
            fresh = await load_post(records, post.id)
            if not fresh.is_as(post):
                return None
            if fresh.state is PostState.SENT:
                fresh.abandon(self._timing)
            elif await records.is_sending(account.id):
                return None
            elif fresh.state is PostState.CLAIMED or await self._is_missed(records, fresh, seen):
                if held := await self._limits.held_within(records, account, Action.POST):
                    fresh.hold(held)
                else:
                    fresh.take(self._clock.now(), self._timing)
            await records.save(fresh)
            await records.commit()
        self._tell(fresh)
        return fresh if fresh.state is PostState.SENT else None

    async def _is_missed(self, records: Records, post: Post, seen: Sequence[SeenPost]) -> bool:
        """Settle a post that stands on the timeline; the value tells whether it doesn't, and may be sent again."""
        same = [item.network_post_id for item in seen if post.is_seen_as(item)]
        owned = await records.owned(post.account_id, same)
        for network_post_id in same:
            if network_post_id not in owned:
                post.settle(network_post_id, self._clock.now())
                return False
        return post.miss(self._clock.now(), self._timing, has_duplicate=await records.has_duplicate(post))

    async def _conclude(
        self, taken: Post, outcome: Outcome, account: Account, credentials: Credentials
    ) -> tuple[Outcome, Post]:
        """Move a post on by the outcome of its send; return that, with the time when a refused one is tried again."""
        async with self._store.writing(taken.account_id) as records:
            await self._limits.learn(records, account, credentials)
            if isinstance(outcome, RateLimited | Unauthorized):
                outcome = await self._limits.settle(records, account, outcome)
            elif isinstance(outcome, Published):
                await self._limits.post_went_out(records, account)
            fresh = await load_post(records, taken.id)
            if fresh.expects(outcome, taken.attempt):
                fresh.conclude(outcome, self._clock.now(), self._timing)
                await records.save(fresh)
            await records.commit()
        self._tell(fresh)
        return outcome, fresh

    async def _move(self, post: Post, move: Callable[[Post], None]) -> None:
        """Change a post, unless it has moved since it was read."""
        async with self._store.writing(post.account_id) as records:
            fresh = await load_post(records, post.id)
            if fresh.is_as(post):
                move(fresh)
                await records.save(fresh)
                await records.commit()

    def _tell(self, post: Post) -> None:
        cause = post.state_cause.value if post.state_cause else ""
        facts = {"post_id": post.id, "state": post.state.value, "cause": cause, "reason": post.state_reason}
        log.info("post moved", extra=facts)
        POSTS.add(state=post.state.value, cause=cause)
        self._changed.notify()

    def _pause_after(self, error: PuppetError) -> timedelta:
        pause = timedelta(seconds=error.retry_after) if isinstance(error, RetryLater) else _BLIND_PAUSE
        return max(pause, self._timing.visibility)

    def _held_by(self, outcome: Outcome, account: Account, held: Post) -> PuppetError | None:
        match outcome:
            case RateLimited() | Unauthorized():
                return self._limits.error(account, outcome)
            case Unreachable(reason):
                pause = (held.due_time or self._clock.now()) - self._clock.now()
                return NetworkUnavailable(reason, max(0.0, pause.total_seconds()))
        return None


async def load_post(records: Records, post_id: str) -> Post:
    """Return a post. Raises PostNotFound."""
    if post := await records.post(post_id):
        return post
    raise PostNotFound(post_id)
