"""Requests that were carried out, so that a repeated one finds what the first one made.

The record is written in the same transaction as the effect: either both are there, or neither is.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import DateTime, Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from services.runtime.errors import RequestIdReused


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Names one effect: the method, the caller's request_id, and a fingerprint of the body."""

    method: str
    request_id: str
    fingerprint: str

    @classmethod
    def of(cls, method: str, request_id: str, body: bytes) -> "RequestKey":
        """Return the key of a request; `body` is its deterministic serialization."""
        return cls(method, request_id, hashlib.sha256(body).hexdigest())


class RequestRecord(SQLModel, table=True):
    """A request that was carried out, and the id of what it made."""

    __tablename__ = "request"

    method: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)
    fingerprint: str
    resource_id: str
    create_time: datetime = Field(sa_type=DateTime(timezone=True))


async def claim(session: AsyncSession, key: RequestKey, resource_id: str) -> str | None:
    """Claim a request for a new resource; None when it is claimed now, else the id of what the first call made.

    A request without an id is always new. Raises RequestIdReused when the id was used with another body.
    """
    if not key.request_id:
        return None
    row = {
        "method": key.method,
        "request_id": key.request_id,
        "fingerprint": key.fingerprint,
        "resource_id": resource_id,
        "create_time": datetime.now(UTC),
    }
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    result = await session.exec(insert(RequestRecord).values(row).on_conflict_do_nothing())
    if result.rowcount:
        return None
    first = await session.get_one(RequestRecord, (key.method, key.request_id))
    if first.fingerprint != key.fingerprint:
        raise RequestIdReused(key.request_id)
    return first.resource_id
