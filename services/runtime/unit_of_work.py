"""What use cases ask of a store: units of work, in which a request is claimed together with its effect."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from services.runtime.idempotency import RequestKey

U_co = TypeVar("U_co", bound="UnitOfWork", covariant=True)


class UnitOfWork(Protocol):
    """One transaction, which is rolled back unless it is committed; a service adds what it reads and writes in it."""

    async def claim(self, key: RequestKey, resource_id: str) -> str | None:
        """Claim a request for a new resource; None when it is claimed now, else the id of what the first call made.

        The claim counts when it is committed. A request without an id is always new. Raises RequestIdReused when the id
        was used with another body.
        """
        ...

    async def claimed(self, key: RequestKey) -> str | None:
        """Return what `claim` would for a request that was claimed before, and claim nothing; None when it never was.

        Raises RequestIdReused as that does, unless the key is one without a body.
        """
        ...

    async def answer(self, key: RequestKey, resource_id: str) -> None:
        """Put what a claimed request really made in place of the id that it was claimed with."""
        ...

    async def commit(self) -> None:
        """Make it durable."""
        ...


class Store(Protocol[U_co]):
    """Opens units of work on the truth."""

    def reading(self) -> AbstractAsyncContextManager[U_co]:
        """Open one that only reads."""
        ...

    def writing(self, *lock_keys: str) -> AbstractAsyncContextManager[U_co]:
        """Open one that may write; those with a lock key in common follow one another, in all replicas."""
        ...
