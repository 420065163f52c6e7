"""Messages to a person outside: stored with what they tell of, and sent until they are taken, or of no use any more."""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import DateTime, Field, SQLModel

from services.runtime.columns import text_of
from services.runtime.ids import new_id

MAX_AGE = timedelta(days=1)
"""How long a message is tried."""
MAX_WAITING = 1_000
"""So many wait at most; the oldest go first, since the newest say how things are."""
KEPT = timedelta(days=7)
"""How long a message is kept, longer than any is tried."""

_LEASE = timedelta(seconds=60)
"""Several times as long as a receiver is given."""
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=3)
_GROWTH = 3.0
_MAX_FAILURE = 200


class MessageState(StrEnum):
    """How far a message is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    """It was tried for as long as it was of use."""
    OVERTAKEN = "overtaken"
    """What it tells of was over before it was taken."""


class MessageRecord(SQLModel, table=True):
    """A message, the same however often it is sent."""

    __tablename__ = "webhook_message"

    id: str = Field(primary_key=True, default_factory=lambda: new_id("msg"))
    body: str
    """The JSON that is signed and sent."""
    draft_id: str = ""
    """The draft that it tells of, if it does."""
    state: MessageState = Field(default=MessageState.WAITING, sa_type=text_of(MessageState))
    attempts: int = 0
    failure: str = ""
    """Why the last attempt failed."""
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    expire_time: datetime = Field(sa_type=DateTime(timezone=True))
    next_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True), index=True)
    """When it is sent next; None when it isn't."""

    def lease(self, now: datetime) -> None:
        """Let one process send it: another one does when that hasn't said in time what came of it."""
        self.attempts += 1
        self.next_time = now + _LEASE

    def end(self, state: MessageState) -> None:
        """Send it no more."""
        self.state, self.next_time = state, None

    def fail(self, why: str, now: datetime, retry_after: float, luck: float) -> None:
        """Send it later, after pauses that grow; `luck` is 0 to 1 and keeps messages apart.

        A receiver may ask for a longer pause, in seconds.
        """
        self.failure = why[:_MAX_FAILURE]
        pause = min(_FIRST_PAUSE * _GROWTH ** min(self.attempts - 1, 20), _LONGEST_PAUSE) * (0.5 + luck)
        pause = max(pause, min(timedelta(seconds=retry_after), _LONGEST_PAUSE))
        if now + pause >= self.expire_time:
            self.end(MessageState.FAILED)
        else:
            self.next_time = now + pause
