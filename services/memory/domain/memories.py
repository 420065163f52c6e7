"""Memories: what a character remembers, what makes two of them the same, and which of them are wanted."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from services.memory.domain.names import name_key
from services.runtime import errors


class MemoryNotFound(errors.NotFound):
    """This agent has no memory with this id."""

    reason = "MEMORY_NOT_FOUND"

    def __init__(self, memory_id: str) -> None:
        super().__init__(f"no memory {memory_id!r}", id=memory_id)


class MemoryExists(errors.AlreadyExists):
    """Another memory of this agent is exactly what this one would become."""

    reason = "MEMORY_EXISTS"

    def __init__(self, memory_id: str) -> None:
        super().__init__(f"memory {memory_id!r} is exactly the same", id=memory_id)


class MemoryKind(StrEnum):
    """What a memory is about."""

    CORE = "core"
    RECENT = "recent"
    EVENT = "event"
    INTERACTION = "interaction"
    POST = "post"
    TRADE = "trade"
    RELATIONSHIP = "relationship"
    REFLECTION = "reflection"
    GENERAL = "general"


class Provenance(StrEnum):
    """Where a memory comes from."""

    SELF = "self"
    OPERATOR = "operator"
    AGENT = "agent"
    EXTERNAL = "external"


_DEEDS = frozenset((MemoryKind.POST, MemoryKind.TRADE))


class Memory(NamedTuple):
    """One thing that a character remembers; `seq` is its number in the store, 0 before it has one.

    A tuple is made in a sixth of the time that a frozen dataclass takes, and a search makes ten.
    """

    id: str
    agent_id: str
    text: str
    kind: MemoryKind
    provenance: Provenance
    importance: float
    valence: float
    author: str
    source_id: str
    subject: str
    conversation_id: str
    attributes: Mapping[str, str]
    occur_time: datetime
    create_time: datetime
    update_time: datetime
    expire_time: datetime | None = None
    version: int = 1
    access_count: int = 0
    repetition: int = 0
    evidence: str = ""
    """Of a conclusion: the ids of the memories that it follows from, with blanks between."""
    seq: int = 0

    @property
    def etag(self) -> str:
        """Names this state of the memory."""
        return str(self.version)

    @property
    def fingerprint(self) -> bytes:
        """Names what it says: two memories of an agent with the same one are exact duplicates.

        Where it comes from belongs to it: what a stranger said first must not stand in for what the operator adds. Of
        what the agent has done itself there are as many as it has done, however alike: each trade has an id.
        """
        said = [self.kind, self.provenance, self.author, self.subject, self.conversation_id, self.text]
        if self.repetition:
            said.append(str(self.repetition))
        if self.source_id and self.provenance is Provenance.SELF and self.kind in _DEEDS:
            said.append(f"of {self.source_id}")
        return hashlib.blake2b("\0".join(said).encode(), digest_size=16).digest()

    @property
    def names(self) -> tuple[str, str]:
        """Whom it is about and whose words it is, in the form in which names are compared; empty for nobody."""
        return name_key(self.subject), name_key(self.author)

    def has_expired(self, now: datetime) -> bool:
        """Tell whether it is forgotten."""
        return self.expire_time is not None and self.expire_time <= now

    def numbered(self, seq: int) -> "Memory":
        """Return it with its number in the store."""
        return self._replace(seq=seq)

    def changed(self, values: Mapping[str, Any], etag: str, now: datetime) -> "Memory":
        """Return it with these fields set. Raises Conflict when an etag is given and isn't the current one."""
        if etag and etag != self.etag:
            raise errors.Conflict(f"memory {self.id!r} has changed since", etag=self.etag)
        return self._replace(**values, update_time=now, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class VersionedMemory:
    """A memory with what it was before each update, newest first."""

    memory: Memory
    history: tuple[Memory, ...] = ()

    def continued(self, other: "VersionedMemory") -> "VersionedMemory | None":
        """Return this with the older states that another one of the same memory has; None for what is no such part."""
        if other.memory.id != self.memory.id or not (self.history and other.history):
            return None
        if other.history[0].version >= self.history[-1].version:
            return None
        return VersionedMemory(self.memory, self.history + other.history)


@dataclass(frozen=True, slots=True)
class MemoryFilter:
    """Which of an agent's memories: a memory has to pass all of it, and what is empty doesn't restrict."""

    kinds: tuple[MemoryKind, ...] = ()
    provenances: tuple[Provenance, ...] = ()
    subject: str = ""
    author: str = ""
    source_id: str = ""
    conversation_id: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    min_importance: float | None = None
    max_importance: float | None = None

    @property
    def is_empty(self) -> bool:
        """True when every memory of the agent passes."""
        return self == EVERYTHING


EVERYTHING = MemoryFilter()


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """What an agent remembers, in numbers."""

    kinds: Mapping[MemoryKind, int] = field(default_factory=dict)
    provenances: Mapping[Provenance, int] = field(default_factory=dict)
    oldest_time: datetime | None = None
    newest_time: datetime | None = None
    relationship_count: int = 0

    @property
    def memory_count(self) -> int:
        """All memories."""
        return sum(self.kinds.values())
