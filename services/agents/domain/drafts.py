"""Drafts: proposals that wait until a person decides."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import DateTime, Field, SQLModel

from services.agents.domain.errors import DraftDecided, DraftExpired
from services.agents.domain.proposals import PROPOSALS, Proposal
from services.agents.domain.records import Trigger
from services.runtime import errors
from services.runtime.columns import TypedColumn, text_of


class DraftState(StrEnum):
    """How far a draft has come."""

    WAITING = "waiting"
    APPROVED = "approved"
    """A person approved it, and it is being carried out."""
    CARRIED_OUT = "carried_out"
    FAILED = "failed"
    """It was approved, and nothing came of it: the activity log says why."""
    REJECTED = "rejected"
    EXPIRED = "expired"


class DraftRecord(SQLModel, table=True):
    """A proposal, and what a person made of it."""

    __tablename__ = "draft"

    id: str = Field(primary_key=True)
    agent_id: str
    agent_name: str
    behaviour: str
    workflow_id: str = Field(unique=True)
    """The workflow that proposed it: the name of all that comes of it."""
    trigger: Trigger = Field(sa_type=text_of(Trigger))
    proposal: Proposal = Field(sa_type=TypedColumn(PROPOSALS))
    state: DraftState = Field(default=DraftState.WAITING, sa_type=text_of(DraftState))
    is_edited: bool = False
    comment: str = ""
    """What the person said who rejected it."""
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    expire_time: datetime = Field(sa_type=DateTime(timezone=True))
    decide_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    principal: str = ""
    """Who approved or rejected it; empty where that isn't known."""
    version: int = 0

    @property
    def etag(self) -> str:
        """Names this state of the draft."""
        return str(self.version)

    def approve(self, etag: str, principal: str, now: datetime) -> None:
        """Let it be carried out. Raises Conflict, DraftDecided and DraftExpired."""
        self._check_open(etag, now)
        self.principal = principal
        self._decide(DraftState.APPROVED, now)

    def reject(self, etag: str, comment: str, principal: str, now: datetime) -> None:
        """Let nothing come of it. Raises Conflict, DraftDecided and DraftExpired."""
        self._check_open(etag, now)
        self.comment, self.principal = comment, principal
        self._decide(DraftState.REJECTED, now)

    def edit(self, proposal: Proposal, etag: str, now: datetime) -> None:
        """Change what would be done. Raises Conflict, DraftDecided and DraftExpired."""
        self._check_open(etag, now)
        self.proposal, self.is_edited = proposal, True
        self.version += 1

    def expire(self, now: datetime) -> None:
        """Let nothing come of it, since nobody decided in time."""
        self._decide(DraftState.EXPIRED, now)

    def reopen(self) -> None:
        """Let a person decide once more what was approved, and may have been carried out elsewhere."""
        if self.state is DraftState.APPROVED:
            self.state, self.decide_time = DraftState.WAITING, None
            self.version += 1

    def close(self, state: DraftState) -> None:
        """Take down what came of it."""
        if self.state is DraftState.APPROVED:
            self.state = state
            self.version += 1

    def _check_open(self, etag: str, now: datetime) -> None:
        if etag and etag != self.etag:
            raise errors.Conflict(f"draft {self.id!r} has changed since", etag=self.etag)
        if self.state is not DraftState.WAITING:
            raise DraftDecided(self.id, self.state)
        if now >= self.expire_time:
            raise DraftExpired(self.id)

    def _decide(self, state: DraftState, now: datetime) -> None:
        self.state, self.decide_time = state, now
        self.version += 1
