"""Posts as their callers see them: asked for once, then read."""

from collections.abc import Collection

from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged
from services.social.domain.errors import PostNotFound
from services.social.domain.posts import Post, PostState
from services.social.ports import Network, Store
from services.social.service.accounts import load_account
from services.social.service.gate import Gate
from services.social.service.limits import Limits
from services.social.service.outbox import Outbox, load_post


class Posts:
    """Puts posts into the outbox and reads them."""

    def __init__(
        self, store: Store, network: Network, gate: Gate, outbox: Outbox, clock: Clock, limits: Limits
    ) -> None:
        self._store = store
        self._network = network
        self._gate = gate
        self._outbox = outbox
        self._clock = clock
        self._limits = limits

    async def create(
        self, account_id: str, text: str, in_reply_to: str, key: RequestKey, timeout_seconds: float
    ) -> Post:
        """Publish a post, and return it when it is final or the timeout has passed.

        Raises AccountNotFound; InvalidRequest when the text is too long or the gate refuses it; ReplyShareUsedUp; and
        when the post is held back CredentialsRefused, AccountLocked, NotCapable, NetworkUnavailable, or
        NetworkRateLimited and what derives from it.
        """
        async with self._store.reading() as records:
            account = await load_account(records, account_id)
        self._network.capabilities.check(text)
        await self._gate.check(account, text)
        now = self._clock.now()
        post = Post(
            id=new_id("pst"),
            account_id=account_id,
            text=text,
            in_reply_to=in_reply_to,
            request_id=key.request_id,
            create_time=now,
            due_time=now,
        )
        async with self._store.writing(account_id) as records:
            if first := await records.claim(key, post.id):
                post = await load_post(records, first)
                if post.is_withheld:
                    await self._limits.forgive(records, account)
                post.ask(now)
            elif in_reply_to:
                await self._limits.check_share(records, account)
            await records.save(post)
            await records.commit()
        return await self._outbox.finish(post, timeout_seconds)

    async def withdraw(self, account_id: str, which: str | RequestKey, key: RequestKey) -> Post:
        """Take a post back unless it was sent, and return it as it is then; it is named by its id, or by its request.

        A request that has claimed no post is used up: it claims none any more. Raises AccountNotFound, PostNotFound.
        """
        async with self._store.writing(account_id) as records:
            await load_account(records, account_id)
            post_id = which if isinstance(which, str) else await records.claimed(which)
            if post_id is None and isinstance(which, RequestKey):
                await records.claim(which, "")
                await records.commit()
                raise PostNotFound(which.request_id)
            post = await load_post(records, post_id or "")
            if post.account_id != account_id:
                raise PostNotFound(post.id)
            await records.claim(key, post.id)
            if post.withdraw(self._clock.now()):
                await records.save(post)
            await records.commit()
        return post

    async def get(self, post_id: str) -> Post:
        """Return one post. Raises PostNotFound."""
        async with self._store.reading() as records:
            return await load_post(records, post_id)

    async def page(self, account_id: str, states: Collection[PostState], page: Page) -> Paged[Post]:
        """Return a page of an account's posts, the newest first. Raises AccountNotFound."""
        async with self._store.reading() as records:
            await load_account(records, account_id)
            return await records.posts(account_id, states, page)
