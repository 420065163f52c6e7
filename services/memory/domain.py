"""Memories and relationships, and the rules that hold for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import JSON, DateTime, Field, LargeBinary, SQLModel

from services.runtime import errors
from services.runtime.columns import text_of


class MemoryNotFound(errors.NotFound):
    """This agent has no memory with this id."""

    reason = "MEMORY_NOT_FOUND"

    def __init__(self, memory_id: str) -> None:
        super().__init__(f"no memory {memory_id!r}", id=memory_id)


class RelationshipNotFound(errors.NotFound):
    """This agent doesn't know this counterpart."""

    reason = "RELATIONSHIP_NOT_FOUND"

    def __init__(self, counterpart: str) -> None:
        super().__init__(f"no relationship with {counterpart!r}", counterpart=counterpart)


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


class Memory(SQLModel, table=True):
    """One thing that a character remembers, with its embedding: little-endian float32, of unit length."""

    id: str = Field(primary_key=True)
    agent_id: str
    text: str
    kind: MemoryKind = Field(sa_type=text_of(MemoryKind))
    provenance: Provenance = Field(sa_type=text_of(Provenance))
    importance: float
    valence: float
    author: str
    source_id: str
    subject: str
    conversation_id: str
    attributes: dict[str, str] = Field(sa_type=JSON)
    occur_time: datetime = Field(sa_type=DateTime(timezone=True))
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    embedding_model: str = ""
    embedding: bytes = Field(default=b"", sa_type=LargeBinary)


@dataclass(frozen=True, slots=True)
class MemoryFilter:
    """Which of an agent's memories: what is empty doesn't restrict."""

    kinds: tuple[MemoryKind, ...] = ()
    provenances: tuple[Provenance, ...] = ()
    subject: str = ""
    conversation_id: str = ""

    @property
    def is_empty(self) -> bool:
        """True when every memory of the agent passes."""
        return self == MemoryFilter()


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that a search found, and how well it fits: 0 to 1."""

    memory: Memory
    relevance: float


class Relationship(SQLModel, table=True):
    """What an agent thinks of one counterpart."""

    agent_id: str = Field(primary_key=True)
    counterpart: str = Field(primary_key=True)
    sentiment: float = 0.0
    familiarity: float = 0.0
    trust: float = 0.0
    notes: str = ""
    interaction_count: int = 0
    last_interaction: str = ""
    last_interaction_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    update_time: datetime = Field(sa_type=DateTime(timezone=True))
    version: int = 0

    @property
    def etag(self) -> str:
        """Names this state of the relationship."""
        return str(self.version)

    def record(self, interaction: "Interaction", now: datetime) -> None:
        """Count an interaction and move by its deltas, within the ranges."""
        self.sentiment = _clamp(self.sentiment + interaction.sentiment_delta, -1, 1)
        self.familiarity = _clamp(self.familiarity + interaction.familiarity_delta, 0, 1)
        self.trust = _clamp(self.trust + interaction.trust_delta, -1, 1)
        self.interaction_count += 1
        self.last_interaction = interaction.summary
        self.last_interaction_time = now
        self._touch(now)

    def change(self, values: Mapping[str, Any], etag: str, now: datetime) -> None:
        """Set fields. Raises Conflict when an etag is given and isn't the current one."""
        if etag and etag != self.etag:
            raise errors.Conflict(f"the relationship with {self.counterpart!r} has changed since", etag=self.etag)
        for name, value in values.items():
            setattr(self, name, value)
        self._touch(now)

    def _touch(self, now: datetime) -> None:
        self.update_time = now
        self.version += 1


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something that happened between an agent and a counterpart, and how it moves their relationship."""

    summary: str
    sentiment_delta: float
    familiarity_delta: float
    trust_delta: float


def _clamp(value: float, least: float, most: float) -> float:
    return max(least, min(most, value))
