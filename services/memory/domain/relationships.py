"""Relationships: what an agent thinks of one counterpart, and how what happens moves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlmodel import JSON, BigInteger, DateTime, Field, Integer, SQLModel

from services.runtime import errors

RelationshipKey: TypeAlias = tuple[str, str]
"""An agent, and the counterpart."""

LAST_INTERACTIONS = 10
MAX_EXPERIENCES = 50


class RelationshipNotFound(errors.NotFound):
    """This agent doesn't know this counterpart."""

    reason = "RELATIONSHIP_NOT_FOUND"

    def __init__(self, counterpart: str, **metadata: str) -> None:
        super().__init__(f"no relationship with {counterpart!r}", counterpart=counterpart, **metadata)


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """Something that happened between an agent and a counterpart, and how it is to move their relationship."""

    summary: str
    sentiment_delta: float
    familiarity_delta: float
    trust_delta: float
    shared_experience: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be set of a relationship."""

    agent_id: str
    counterpart: str
    values: Mapping[str, Any]
    """By name."""
    etag: str = ""
    """The one that has to be the current one; empty for any."""
    allow_missing: bool = False
    """Whether one that isn't there is made."""
    place: str = ""
    """Where it stands in a batch: `requests[3].`."""

    @property
    def key(self) -> RelationshipKey:
        """Which relationship it is of."""
        return self.agent_id, self.counterpart

    @property
    def named(self) -> dict[str, str]:
        """Return what tells, in the metadata of an error, which of a batch it is."""
        return {"field": f"{self.place}relationship"} if self.place else {}


class Interaction(SQLModel, table=True):
    """A recorded interaction: its deltas are by how much the relationship really moved."""

    number: int | None = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))
    agent_id: str
    counterpart: str
    summary: str
    sentiment_delta: float
    familiarity_delta: float
    trust_delta: float
    create_time: datetime = Field(sa_type=DateTime(timezone=True))


class Relationship(SQLModel, table=True):
    """What an agent thinks of one counterpart."""

    agent_id: str = Field(primary_key=True)
    counterpart: str = Field(primary_key=True)
    sentiment: float = 0.0
    familiarity: float = 0.0
    trust: float = 0.0
    notes: str = ""
    shared_experiences: list[str] = Field(default=[], sa_type=JSON)
    interaction_count: int = Field(default=0, sa_type=BigInteger)
    last_interaction: str = ""
    last_interaction_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    update_time: datetime = Field(sa_type=DateTime(timezone=True))
    version: int = 0

    @property
    def etag(self) -> str:
        """Names this state of the relationship."""
        return str(self.version)

    def record(self, interaction: NewInteraction, now: datetime) -> Interaction:
        """Count an interaction, move by its deltas within the ranges, and return what is to be recorded of it."""
        before = (self.sentiment, self.familiarity, self.trust)
        self.sentiment = _clamp(self.sentiment + interaction.sentiment_delta, -1, 1)
        self.familiarity = _clamp(self.familiarity + interaction.familiarity_delta, 0, 1)
        self.trust = _clamp(self.trust + interaction.trust_delta, -1, 1)
        if interaction.shared_experience:
            self.shared_experiences = [*self.shared_experiences, interaction.shared_experience][-MAX_EXPERIENCES:]
        self.interaction_count += 1
        self.last_interaction = interaction.summary
        self.last_interaction_time = now
        self._touch(now)
        return Interaction(
            agent_id=self.agent_id,
            counterpart=self.counterpart,
            summary=interaction.summary,
            sentiment_delta=self.sentiment - before[0],
            familiarity_delta=self.familiarity - before[1],
            trust_delta=self.trust - before[2],
            create_time=now,
        )

    def change(self, change: Change, now: datetime) -> None:
        """Set fields. Raises Conflict when an etag is given and isn't the current one."""
        if change.etag and change.etag != self.etag:
            told = f"the relationship with {self.counterpart!r} has changed since"
            raise errors.Conflict(told, etag=self.etag, **change.named)
        for name, value in change.values.items():
            setattr(self, name, value)
        self._touch(now)

    def _touch(self, now: datetime) -> None:
        self.update_time = now
        self.version += 1


@dataclass(frozen=True, slots=True)
class View:
    """A relationship with its last interactions, newest first."""

    relationship: Relationship
    last_interactions: tuple[Interaction, ...] = ()


def _clamp(value: float, least: float, limit: float) -> float:
    return max(least, min(limit, value))
