"""Replicas of this service on one database, and who of them is there.

A replica is one life of a process, and has an id that no other life ever has. It is there while it renews its lease;
once another has found the lease at its end it is gone for good, even if it was only frozen.
"""

from collections.abc import Collection
from typing import Protocol


class Lease(Protocol):
    """This replica's right to act."""

    @property
    def replica_id(self) -> str:
        """The id of this replica."""
        ...

    async def hold(self) -> None:
        """Return while the lease holds; a replica that has lost it stands still here until its process ends."""
        ...


class Leases(Protocol):
    """The leases of all replicas, by the clock of the database alone."""

    async def open(self, replica_id: str, seconds: float) -> None:
        """Take down a new replica, with a lease of so many seconds."""
        ...

    async def renew(self, replica_id: str, seconds: float) -> bool:
        """Let a lease last for so many seconds from now; False when it was ended meanwhile."""
        ...

    async def named(self, prefix: str) -> list[str]:
        """Return the replicas whose ids begin so."""
        ...

    async def end(self, replica_ids: Collection[str]) -> None:
        """End the leases of these replicas, however long they would last."""
        ...

    async def end_lapsed(self, replica_id: str) -> None:
        """End the leases that were not renewed in time, while this replica's own was."""
        ...

    async def ended(self) -> list[str]:
        """Return the replicas whose leases have ended, and whose work isn't known to be taken up yet."""
        ...

    async def forget(self, replica_ids: Collection[str]) -> None:
        """Delete replicas whose work was taken up."""
        ...

    async def known(self, executor_ids: Collection[str]) -> set[str]:
        """Return those of these that are there, or whose end is known; also those of versions that had no leases."""
        ...


class Orphans(Protocol):
    """The workflows of replicas that are gone."""

    async def executors(self) -> set[str]:
        """Return the ids of the replicas, of now or before, that have unfinished workflows."""
        ...

    async def adopt(self, executor_ids: Collection[str]) -> None:
        """Take up what replicas left unfinished that are gone for ever; any number may do this at once."""
        ...
