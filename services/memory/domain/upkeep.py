"""What is forgotten by itself: what has expired, what its kind keeps no longer, and what is over the capacity."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.memory.domain.memories import MemoryKind


@dataclass(frozen=True, slots=True)
class Retention:
    """How long memories of a kind are kept, and how many an agent has at most; CORE memories stay whatever it says."""

    keep: Mapping[MemoryKind, timedelta]
    capacity: int

    def outdated_before(self, now: datetime) -> dict[MemoryKind, datetime]:
        """Return, for each kind that is not kept for ever, when its oldest memory may have been stored."""
        return {kind: now - kept for kind, kept in self.keep.items() if kind is not MemoryKind.CORE}


@dataclass(frozen=True, slots=True)
class Swept:
    """How many memories were forgotten, and why."""

    expired: int = 0
    outdated: int = 0
    excess: int = 0
