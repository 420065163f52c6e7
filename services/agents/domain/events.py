"""What happens to characters: news, pushes to their mood, occasions to speak, and posts that are scheduled by hand."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from sqlmodel import DateTime, Field, SQLModel

from services.agents.domain.chances import Chances
from services.agents.domain.mood import MoodChange
from services.agents.domain.recurrence import Recurrence
from services.agents.domain.schedule import is_forgotten
from services.runtime.columns import TypedColumn, text_of
from services.runtime.ids import new_id

EVENT_ID = "evt"


class EventState(StrEnum):
    """How far an event is."""

    SCHEDULED = "scheduled"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    FAILED = "failed"


class EventPriority(StrEnum):
    """How soon agents take an event up."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def within(self) -> timedelta:
        """How long it takes at most, in the characters' own time: at once where nobody should wait."""
        return _WITHIN[self]


_WITHIN = {
    EventPriority.HIGH: timedelta(),
    EventPriority.NORMAL: timedelta(minutes=5),
    EventPriority.LOW: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class News:
    """Something that agents hear of. What the operator doesn't vouch for is a stranger's, whoever brought it."""

    text: str
    is_external: bool
    link: str = ""
    """Where it was read: for people, and never published."""
    post_probability: float = 0.0
    mood: MoodChange | None = None
    feed_event_id: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for a stranger's news that would move a mood."""
        if self.is_external and self.mood is not None:
            raise ValueError("what strangers say moves no mood")


@dataclass(frozen=True, slots=True)
class MoodShift:
    """Something that moves the visible mood, and nothing else."""

    change: MoodChange
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Interaction:
    """An occasion to speak to another agent, about what they choose where the topic is empty."""

    counterpart_id: str
    topic: str = ""


@dataclass(frozen=True, slots=True)
class ScheduledPost:
    """A post about a topic, or about what they choose where it is empty."""

    topic: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed or page to read news from, at most so many at a time."""

    url: str
    post_probability: float = 0.0
    most: int = 3
    """By this name it is stored."""


EventContent: TypeAlias = News | MoodShift | Interaction | ScheduledPost | Feed
"""What happens."""

CONTENT = TypedColumn(
    {"news": News, "mood_shift": MoodShift, "interaction": Interaction, "scheduled_post": ScheduledPost, "feed": Feed}
)
RECURRENCE = TypedColumn({"recurrence": Recurrence, "chances": Chances})


class EventRecord(SQLModel, table=True):
    """Something that happens to agents: once, or again and again."""

    __tablename__ = "event"

    id: str = Field(primary_key=True, default_factory=lambda: new_id(EVENT_ID))
    content: EventContent = Field(sa_type=CONTENT)
    priority: EventPriority = Field(default=EventPriority.NORMAL, sa_type=text_of(EventPriority))
    is_broadcast: bool = False
    """True when it reaches all that are started; else it has targets."""
    start_time: datetime = Field(sa_type=DateTime(timezone=True))
    recurrence: Recurrence | Chances | None = Field(default=None, sa_type=RECURRENCE)
    state: EventState = Field(default=EventState.SCHEDULED, sa_type=text_of(EventState))
    next_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True), index=True)
    """When it happens next; None when it doesn't."""
    occurrences: int = 0
    deliveries: int = 0
    """How many agents it has reached, in all its occurrences."""
    reached_id: str = ""
    """The last agent of those that the occurrence under way has reached; empty when none is under way."""
    principal: str = ""
    persona_key: str = Field(default="", index=True)
    """Names what an agent's persona lets happen by chance, behind the agent's id; empty for all other events."""
    failure: str = ""
    is_feed: bool = False
    etag: str = ""
    last_modified: str = ""
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    end_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """Since when it happens no more."""

    def is_missed(self, now: datetime, speed: float) -> bool:
        """Say whether the newest occurrence of what recurs is too long ago; what happens once still does."""
        if self.recurrence is None or self.reached_id:
            return False
        if isinstance(self.recurrence, Chances):
            newest = self.recurrence.newest(now, speed)
        else:
            newest = self.recurrence.newest(self.start_time, now)
        return newest is None or is_forgotten(newest, now)

    def reach(self, number: int, last_id: str) -> None:
        """Count so many agents that it has reached, of more that it goes on to."""
        self.deliveries += number
        self.reached_id = last_id

    def happen(self, reached: int, now: datetime, speed: float) -> None:
        """Count an occurrence that reached so many agents, or so many more, and go on to the next."""
        self.occurrences += 1
        self.deliveries += reached
        self.reached_id = ""
        self.go_on(now, speed)

    def go_on(self, now: datetime, speed: float) -> None:
        """Go on to the first occurrence after this time; those that were missed are left out."""
        match self.recurrence:
            case Chances() as chances:
                self.next_time = chances.after(now, speed)
            case Recurrence() as recurrence:
                self.next_time = recurrence.after(self.start_time, now)
            case None:
                self.next_time = None
        if self.next_time is None:
            self._end(EventState.DELIVERED, now)

    def fail(self, why: str, now: datetime) -> None:
        """Take down why it couldn't happen; it is over with that when it doesn't happen again."""
        self.failure = why
        if self.next_time is None:
            self._end(EventState.FAILED, now)

    def cancel(self, now: datetime) -> None:
        """Let it happen no more; what is over stays as it is."""
        if self.state is EventState.SCHEDULED:
            self._end(EventState.CANCELLED, now)

    def _end(self, state: EventState, now: datetime) -> None:
        self.state, self.next_time, self.end_time = state, None, now


class SeenItem(SQLModel, table=True):
    """An item of an event's feed that was there before."""

    __tablename__ = "event_seen_item"

    event_id: str = Field(primary_key=True)
    item_id: str = Field(primary_key=True)
    see_time: datetime = Field(sa_type=DateTime(timezone=True))
    """About when it was last there."""


class EventTarget(SQLModel, table=True):
    """An agent that an event reaches."""

    __tablename__ = "event_target"

    event_id: str = Field(primary_key=True)
    agent_id: str = Field(primary_key=True, index=True)
