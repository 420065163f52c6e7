"""The truth in SQL, on SQLite and on Postgres."""

import functools
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, or_, select
from typing_extensions import override

from services.runtime.idempotency import RequestRecord
from services.runtime.pages import Page, Paged
from services.runtime.sql_archive import Part, SqlArchive
from services.runtime.upsert import insert_on
from services.social.domain.accounts import Account, NetworkName, Profile
from services.social.domain.limits import Limit
from services.social.domain.network import HELD
from services.social.domain.posts import FINAL, Post, PostState
from services.social.ports import Records

_LIMIT_KEY = ("holder", "action", "window")
_LIMIT_VALUES = ("allowed", "remaining", "reset_time", "begin_time", "reason")


@functools.cache
def _put_limit_on(dialect: str) -> sa.Insert:
    put = insert_on(dialect, Limit)
    made: sa.Insert = put.on_conflict_do_update(
        index_elements=_LIMIT_KEY, set_={column: put.excluded[column] for column in _LIMIT_VALUES}
    )
    return made


def _accounts_of(agent_id: str) -> Any:
    return sa.select(col(Account.id)).where(col(Account.agent_id) == agent_id)


def _posts_of(agent_id: str) -> Any:
    return sa.select(col(Post.id)).where(col(Post.account_id).in_(_accounts_of(agent_id)))


def _requests_of(agent_id: str) -> sa.ColumnElement[bool]:
    made = col(RequestRecord.resource_id)
    return or_(made.in_(_accounts_of(agent_id)), made.in_(_posts_of(agent_id)))


class SqlRecords(SqlArchive, Records):
    """Accounts and posts within one transaction."""

    parts = (
        Part(Account, lambda agent_id: col(Account.agent_id) == agent_id),
        Part(Post, lambda agent_id: col(Post.account_id).in_(_accounts_of(agent_id))),
        Part(Limit, lambda agent_id: col(Limit.holder).in_(_accounts_of(agent_id)), is_shared=True),
        Part(RequestRecord, _requests_of, is_shared=True),
    )

    def _needed(self) -> sa.ColumnElement[bool]:
        # Whoever asks for a post that isn't decided, or takes it back, names it by its request.
        undecided = (Post.id == RequestRecord.resource_id, col(Post.state).not_in(FINAL))
        return select(Post.id).where(*undecided).exists()

    @override
    async def account(self, account_id: str) -> Account | None:
        return await self._one(Account, account_id)

    @override
    async def accounts(self, agent_id: str, page: Page) -> Paged[Account]:
        query = select(Account)
        if agent_id:
            query = query.where(Account.agent_id == agent_id)
        return await self._page(query, page, col(Account.create_time), col(Account.id))

    @override
    async def matching_accounts(self, network: NetworkName, agent_id: str, profile: Profile) -> list[Account]:
        query = select(Account).where(
            Account.network == network,
            or_(Account.agent_id == agent_id, Account.network_user_id == profile.user_id),
        )
        return list((await self._session.exec(query)).all())

    @override
    async def others_with_handle(self, account: Account, handle: str) -> list[Account]:
        query = select(Account).where(
            Account.network == account.network,
            Account.id != account.id,
            sa.func.lower(Account.handle) == handle.lower(),
        )
        return list((await self._session.exec(query)).all())

    @override
    async def post(self, post_id: str) -> Post | None:
        return await self._one(Post, post_id)

    @override
    async def posts(self, account_id: str, states: Collection[PostState], page: Page) -> Paged[Post]:
        query = select(Post).where(Post.account_id == account_id)
        if states:
            query = query.where(col(Post.state).in_(states))
        return await self._page(query, page, col(Post.create_time), col(Post.id), newest_first=True)

    @override
    async def due_posts(self, now: datetime, limit: int) -> list[str]:
        query = (
            select(Post.id)
            .where(col(Post.due_time) <= now)
            .order_by(col(Post.due_time), col(Post.create_time))
            .limit(limit)
        )
        return list((await self._session.exec(query)).all())

    @override
    async def wake_posts(self, account_ids: Collection[str], now: datetime) -> None:
        held = (
            col(Post.account_id).in_(account_ids),
            col(Post.state).in_((PostState.CLAIMED, PostState.OUTCOME_UNKNOWN)),
            col(Post.state_cause).in_(HELD),
            col(Post.due_time) > now,
        )
        await self._session.exec(sa.update(Post).where(*held).values(due_time=now))

    @override
    async def is_sending(self, account_id: str) -> bool:
        query = select(Post.id).where(Post.account_id == account_id, Post.state == PostState.SENT)
        return (await self._session.exec(query)).first() is not None

    @override
    async def owned(self, account_id: str, network_post_ids: Sequence[str]) -> set[str]:
        query = select(Post.network_post_id).where(
            Post.account_id == account_id, col(Post.network_post_id).in_(network_post_ids)
        )
        return {owned for owned in (await self._session.exec(query)).all() if owned is not None}

    @override
    async def latest_reply(self, account_id: str, number: int, since: datetime) -> datetime | None:
        query = select(Post.create_time).where(
            Post.account_id == account_id,
            Post.create_time > since,
            Post.in_reply_to != "",
            Post.state != PostState.FAILED,
        )
        query = query.order_by(col(Post.create_time).desc()).offset(number - 1).limit(1)
        return (await self._session.exec(query)).first()

    @override
    async def has_duplicate(self, post: Post) -> bool:
        query = select(Post.id).where(
            Post.account_id == post.account_id,
            Post.text == post.text,
            Post.state == PostState.SETTLED,
            Post.id != post.id,
        )
        return (await self._session.exec(query.limit(1))).first() is not None

    @override
    async def limits(self, holders: Collection[str]) -> list[Limit]:
        return list((await self._session.exec(select(Limit).where(col(Limit.holder).in_(holders)))).all())

    @override
    async def put_limits(self, limits: Sequence[Limit]) -> None:
        # In one order: two that keep the same ones don't wait for each other.
        rows = sorted((limit.model_dump() for limit in limits), key=lambda row: [row[name] for name in _LIMIT_KEY])
        if rows:
            await self._connection.execute(_put_limit_on(self._connection.dialect.name), rows)

    @override
    async def forget_limits(self, holders: Collection[str]) -> None:
        held = sa.delete(Limit).where(col(Limit.holder).in_(holders), col(Limit.remaining) <= 0)
        await self._connection.execute(held)

    @override
    async def remove_limits(self, limits: Sequence[Limit]) -> None:
        for limit in limits:
            same = (col(getattr(Limit, name)) == getattr(limit, name) for name in _LIMIT_KEY)
            # One that was told of anew meanwhile is another one.
            await self._session.exec(sa.delete(Limit).where(*same, col(Limit.reset_time) == limit.reset_time))
