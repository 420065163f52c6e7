"""Posts as their callers see them: asked for once, then read."""

from collections.abc import Collection
from datetime import datetime

from services.runtime.clock import Clock
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from services.runtime.pages import Page, Paged
from services.social.domain.errors import ReplyShareUsedUp
from services.social.domain.posts import Post, PostState
from services.social.domain.quota import DAY, Quota
from services.social.ports import Records, Store
from services.social.service.accounts import existing_account
from services.social.service.gate import Gate
from services.social.service.outbox import Outbox, existing_post


class Posts:
    """Puts posts into the outbox and reads them."""

    def __init__(self, store: Store, gate: Gate, outbox: Outbox, clock: Clock, quota: Quota) -> None:
        self._store = store
        self._gate = gate
        self._outbox = outbox
        self._clock = clock
        self._quota = quota

    async def create(self, account_id: str, text: str, in_reply_to: str, key: RequestKey, patience: float) -> Post:
        """Publish a post, and return it when it is final or `patience` seconds have passed.

        Raises AccountNotFound; InvalidRequest when the gate refuses the text; ReplyShareUsedUp; and
        CredentialsRefused, NetworkRateLimited or NetworkUnavailable when the network holds the post back.
        """
        async with self._store.reading() as records:
            account = await existing_account(records, account_id)
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
                post = await existing_post(records, first)
                post.ask(now)
            elif in_reply_to:
                await self._check_share(records, account_id, now)
            await records.save(post)
            await records.commit()
        return await self._outbox.finish(post, patience)

    async def _check_share(self, records: Records, account_id: str, now: datetime) -> None:
        """Leave an account its share of the day for posts of its own. Raises ReplyShareUsedUp."""
        account = await existing_account(records, account_id)
        most = self._quota.replies_a_day(account)
        if most is None:
            return
        # When this one is a day old there is room for another.
        before = await records.latest_reply(account_id, most, now - DAY) if most else now
        if before is not None:
            raise ReplyShareUsedUp(account.handle, most, (before + DAY - now).total_seconds())

    async def get(self, post_id: str) -> Post:
        """Return one post. Raises PostNotFound."""
        async with self._store.reading() as records:
            return await existing_post(records, post_id)

    async def page(self, account_id: str, states: Collection[PostState], page: Page) -> Paged[Post]:
        """Return a page of an account's posts, the newest first. Raises AccountNotFound."""
        async with self._store.reading() as records:
            await existing_account(records, account_id)
            return await records.posts(account_id, states, page)
