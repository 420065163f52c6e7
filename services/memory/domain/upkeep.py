"""What is forgotten by itself: what has expired, is kept no longer, is in a conclusion, or is over the capacity."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.memory.domain.memories import MemoryKind

LITTLE_IMPORTANCE = 0.7
"""What is at least this important is kept although a conclusion follows from it."""
NOT_CONSOLIDATED = (MemoryKind.CORE, MemoryKind.RELATIONSHIP, MemoryKind.REFLECTION)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long memories of a kind are kept, and how many an agent has at most; CORE memories stay whatever it says.

    `keep_consolidated` is how long a memory of little importance is kept that a conclusion follows from.
    """

    keep: Mapping[MemoryKind, timedelta]
    keep_consolidated: timedelta
    capacity: int

    def outdated_before(self, now: datetime) -> dict[MemoryKind, datetime]:
        """Return, for each kind that is not kept for ever, when its oldest memory may have been stored."""
        return {kind: now - kept for kind, kept in self.keep.items() if kind is not MemoryKind.CORE}

    def consolidated_before(self, now: datetime) -> datetime:
        """Return when the newest memory that is consolidated may have been stored."""
        return now - self.keep_consolidated


@dataclass(frozen=True, slots=True)
class Swept:
    """How many memories were forgotten, and why."""

    expired: int = 0
    outdated: int = 0
    excess: int = 0
    consolidated: int = 0
