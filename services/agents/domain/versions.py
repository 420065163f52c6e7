"""The versions of a persona, each as it was stored."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, DateTime, Field, SQLModel

from services.agents.domain.entities import AgentRecord

MAX_VERSIONS = 100
"""How many versions of a persona are kept: the newest."""


class PersonaVersion(SQLModel, table=True):
    """A persona as it was from a time on, redacted, and who has made it so."""

    __tablename__ = "persona_version"

    agent_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    """Counts up from 1."""
    etag: str
    """The agent's, when it became so."""
    persona: dict[str, Any] = Field(sa_type=JSON)
    changed_paths: list[str] = Field(sa_type=JSON)
    """The fields that differ from the version before; none of the first."""
    principal: str
    """Who made it so; empty when that isn't known."""
    create_time: datetime = Field(sa_type=DateTime(timezone=True))

    @classmethod
    def of(cls, agent: AgentRecord, changed_paths: list[str], principal: str, now: datetime) -> "PersonaVersion":
        """Return the version that an agent has now."""
        return cls(
            agent_id=agent.id,
            number=agent.persona_version,
            etag=agent.etag,
            persona=agent.persona,
            changed_paths=changed_paths,
            principal=principal,
            create_time=now,
        )
