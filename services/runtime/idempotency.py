"""Requests that were carried out, so that a repeated one finds what the first one made.

The record is written in the same transaction as the effect: either both are there, or neither is.
"""

import functools
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import DateTime, Field, SQLModel, col

from services.runtime.errors import RequestIdReused
from services.runtime.prepared import Prepared
from services.runtime.upsert import insert_on


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Names one effect: whose it is, the method, the caller's request_id, and a fingerprint of the body.

    Without a fingerprint it is for looking: whatever the body was.

    Two principals may give the same id: neither meets the other's effect, nor learns of it.
    """

    principal: str
    method: str
    request_id: str
    fingerprint: str

    @classmethod
    def of(cls, principal: str, method: str, request_id: str, body: bytes) -> "RequestKey":
        """Return the key of a principal's request; `body` is its deterministic serialization."""
        return cls(principal, method, request_id, hashlib.sha256(body).hexdigest())

    @classmethod
    def own(cls, kind: str, name: str) -> "RequestKey":
        """Return the key of an effect that a service has by itself, and no caller asked for."""
        return cls("", kind, name, "")

    @property
    def digest(self) -> str:
        """The key, but for the body, in 32 hexadecimal digits: the name of what is done for the request."""
        return hashlib.sha256("\0".join((self.principal, self.method, self.request_id)).encode()).hexdigest()[:32]


NO_REQUEST = RequestKey("", "", "", "")
"""The key of a request without an id: whoever repeats it wants its effect again."""


class RequestRecord(SQLModel, table=True):
    """A request that was carried out, and the id of what it made."""

    __tablename__ = "request"

    principal: str = Field(primary_key=True)
    method: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)
    fingerprint: str
    resource_id: str
    create_time: datetime = Field(sa_type=DateTime(timezone=True))


_ANSWER: list[Any] = [col(RequestRecord.fingerprint), col(RequestRecord.resource_id)]
_FIRST = Prepared(
    sa.select(*_ANSWER).where(
        col(RequestRecord.principal) == sa.bindparam("principal"),
        col(RequestRecord.method) == sa.bindparam("method"),
        col(RequestRecord.request_id) == sa.bindparam("request_id"),
    )
)


@functools.cache
def _claim_on(dialect: str) -> Prepared:
    new = insert_on(dialect, RequestRecord).on_conflict_do_nothing()
    return Prepared(new.returning(col(RequestRecord.request_id)))


async def claim(connection: AsyncConnection, key: RequestKey, resource_id: str) -> str | None:
    """Claim a request for a new resource; None when it is claimed now, else the id of what the first call made.

    A request without an id is always new. Raises RequestIdReused when the id was used with another body.
    """
    if not key.request_id:
        return None
    row = {
        "principal": key.principal,
        "method": key.method,
        "request_id": key.request_id,
        "fingerprint": key.fingerprint,
        "resource_id": resource_id,
        "create_time": datetime.now(UTC),
    }
    if await _claim_on(connection.dialect.name).all(connection, row):
        return None
    [(fingerprint, first)] = await _FIRST.all(connection, row)
    if fingerprint != key.fingerprint:
        raise RequestIdReused(key.request_id)
    return str(first)


async def claimed(connection: AsyncConnection, key: RequestKey) -> str | None:
    """Return the id that a request was claimed with, or what it was answered with; None when it never was claimed.

    Raises RequestIdReused when the id was used with another body, unless the key has no fingerprint.
    """
    row = {"principal": key.principal, "method": key.method, "request_id": key.request_id}
    found = await _FIRST.all(connection, row) if key.request_id else []
    for fingerprint, first in found:
        if key.fingerprint and fingerprint != key.fingerprint:
            raise RequestIdReused(key.request_id)
        return str(first)
    return None


async def answer(connection: AsyncConnection, key: RequestKey, resource_id: str) -> None:
    """Put what a claimed request really made in place of the id that it was claimed with."""
    if key.request_id:
        same = (
            col(RequestRecord.principal) == key.principal,
            col(RequestRecord.method) == key.method,
            col(RequestRecord.request_id) == key.request_id,
        )
        await connection.execute(sa.update(RequestRecord).where(*same).values(resource_id=resource_id))


async def forget(connection: AsyncConnection, before: datetime, limit: int, needed: sa.ColumnElement[bool]) -> int:
    """Forget up to `limit` requests that were claimed before this time and aren't needed; the value says how many."""
    columns = [col(RequestRecord.principal), col(RequestRecord.method), col(RequestRecord.request_id)]
    old = sa.select(*columns).where(col(RequestRecord.create_time) < before, sa.not_(needed)).limit(limit)
    return (await connection.execute(sa.delete(RequestRecord).where(sa.tuple_(*columns).in_(old)))).rowcount
