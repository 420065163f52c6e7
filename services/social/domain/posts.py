"""A post of the outbox: a state machine whose every step is written down before the next one is taken.

CLAIMED -> SENT -> SETTLED | FAILED
             |
             v   a lost answer, a crash
          OUTCOME_UNKNOWN -> SETTLED | FAILED, or SENT again after it was looked for and not found
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import DateTime, Field, SQLModel

from services.runtime.columns import text_of
from services.social.domain.network import (
    WITHHELD,
    Cause,
    Duplicate,
    Outcome,
    Published,
    RateLimited,
    Refused,
    SeenPost,
    Unauthorized,
    Undecided,
    Unreachable,
)
from services.social.domain.text import canonical

MAX_LOOKS = 12
_TWIN_LOOKS = 4
_MAX_DOUBLINGS = 6
_CLOCK_SKEW = timedelta(minutes=1)  # how far the network's clock may be behind ours


class PostState(StrEnum):
    """How far a post has come."""

    CLAIMED = "claimed"
    SENT = "sent"
    SETTLED = "settled"
    OUTCOME_UNKNOWN = "unknown"
    FAILED = "failed"


FINAL = (PostState.SETTLED, PostState.FAILED)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a send may hold a post, and how long after a lost answer a post may still appear on the network."""

    lease: timedelta
    visibility: timedelta


class Post(SQLModel, table=True):
    """A post, and what is known of it."""

    id: str = Field(primary_key=True)
    account_id: str
    text: str
    in_reply_to: str
    request_id: str
    create_time: datetime = Field(sa_type=DateTime(timezone=True))
    state: PostState = Field(default=PostState.CLAIMED, sa_type=text_of(PostState))
    state_cause: Cause | None = Field(default=None, sa_type=text_of(Cause))
    """Why it isn't on the network, as a code; None as well when an earlier version said why."""
    state_reason: str = ""
    network_post_id: str | None = None
    finish_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    due_time: datetime | None = Field(sa_type=DateTime(timezone=True))
    """When the outbox takes it up again; for a SENT post the end of its lease; None: not before it is asked to."""
    attempt: int = 0
    """How often it was taken for sending; tells a late answer which send it belongs to."""
    looks: int = 0
    """How often it was looked for in vain since it was last asked for."""
    may_be_posted: bool = False
    """True once a send ended without a decision."""
    is_duplicate: bool = False
    """True once the network refused to post it again, which is evidence that it is there."""

    @property
    def is_final(self) -> bool:
        """True when nothing changes any more."""
        return self.state in FINAL

    @property
    def visible_since(self) -> datetime:
        """When it can have appeared on the network at the earliest, by the network's clock."""
        return self.create_time - _CLOCK_SKEW

    @property
    def is_withheld(self) -> bool:
        """True while what keeps it has to be mended by somebody."""
        return not self.is_final and self.state_cause in WITHHELD

    def is_due(self, now: datetime) -> bool:
        """Tell whether the outbox has something to do for it now."""
        return self.due_time is not None and self.due_time <= now

    def is_as(self, before: "Post") -> bool:
        """Tell whether it hasn't moved since."""
        return (self.state, self.attempt, self.due_time) == (before.state, before.attempt, before.due_time)

    def is_seen_as(self, seen: SeenPost) -> bool:
        """Tell whether a post on the network says the same, in the same place."""
        is_reply = bool(self.in_reply_to)
        return self.in_reply_to == seen.in_reply_to and (
            canonical(self.text, is_reply=is_reply) == canonical(seen.text, is_reply=is_reply)
        )

    def ask(self, now: datetime) -> None:
        """Take it up at once because its request is repeated, unless it is being sent or waited for."""
        is_held = self.state is PostState.CLAIMED and not self.is_due(now)
        is_left = self.state is PostState.OUTCOME_UNKNOWN and (self.due_time is None or self.is_withheld)
        if is_held or is_left:
            self.due_time = now
            self.looks = 0

    def take(self, now: datetime, timing: Timing) -> None:
        """Mark it as being sent, for the time of a lease."""
        self.state = PostState.SENT
        self.state_cause, self.state_reason = None, ""
        self.attempt += 1
        self.due_time = now + timing.lease

    def is_late(self, now: datetime, timing: Timing) -> bool:
        """Tell whether too little of its lease is left to send it: another replica would look for it meanwhile."""
        return self.due_time is None or self.due_time - now < timing.lease / 2

    def expects(self, outcome: Outcome, attempt: int) -> bool:
        """Tell whether the outcome of this attempt still counts: an id always does, the rest only while it is held."""
        if isinstance(outcome, Published):
            return not self.is_final
        return self.state is PostState.SENT and self.attempt == attempt

    def conclude(self, outcome: Outcome, now: datetime, timing: Timing) -> None:
        """Move on by the outcome of a send."""
        match outcome:
            case Published(network_post_id=network_post_id):
                self.settle(network_post_id, now)
            case Refused(reason):
                self._fail(Cause.REFUSED, reason, now)
            case Duplicate(reason) if not self.may_be_posted:
                self._fail(Cause.DUPLICATE, reason, now)
            case Duplicate(reason):
                self.is_duplicate = True
                self._hold(Cause.DUPLICATE, reason, self._next_look(now, timing))
            case RateLimited() | Unauthorized():
                self.hold(outcome)
            case Unreachable(reason):
                self._hold(Cause.NETWORK_UNAVAILABLE, reason, now + timing.visibility * _doubled(self.attempt - 1))
            case Undecided(reason):
                self._doubt(reason, self._next_look(now, timing))

    def abandon(self, timing: Timing) -> None:
        """Doubt it because its lease ended without an outcome."""
        since = self.due_time or self.create_time
        self._doubt("the service stopped while it was being sent", self._next_look(since, timing))

    def restore(self, now: datetime, timing: Timing) -> None:
        """Doubt it, unless it is final: it may have been sent elsewhere since it was archived.

        It is looked for once, and not sent again unless it is asked for again.
        """
        if not self.is_final:
            self.looks = MAX_LOOKS - 1
            self._doubt("it was imported before its outcome was known", now + timing.visibility)

    def settle(self, network_post_id: str, now: datetime) -> None:
        """Finish it: it is on the network."""
        self.state, self.state_cause, self.state_reason = PostState.SETTLED, None, ""
        self.network_post_id = network_post_id
        self.finish_time, self.due_time = now, None

    def miss(self, now: datetime, timing: Timing, *, has_duplicate: bool) -> bool:
        """Note that it isn't on the timeline; the value tells whether it may be sent again.

        With `has_duplicate` another post of the account with the same text is on the network: when this one doesn't
        appear for long, it is the other one that made the network refuse it as a duplicate.
        """
        self.looks += 1
        if self.is_duplicate and has_duplicate and self.looks >= _TWIN_LOOKS:
            self._fail(Cause.DUPLICATE, "another post of this account has the same text", now)
        elif self.looks >= MAX_LOOKS:
            reason = f"{self.state_reason}; looked for {self.looks} times and not found"
            self._hold(Cause.OUTCOME_UNKNOWN, reason, None)
        elif self.is_duplicate:
            self.due_time = self._next_look(now, timing)
        else:
            return True
        return False

    def postpone(self, due: datetime) -> None:
        """Look for it later."""
        self.due_time = due

    def hold(self, held: RateLimited | Unauthorized) -> None:
        """Keep it until the network is asked again."""
        self._hold(held.cause, held.reason, held.until)

    def withdraw(self, now: datetime) -> bool:
        """Take it back when it is certain that it wasn't sent; the value tells whether it was taken back now."""
        if self.state is not PostState.CLAIMED:
            return False
        held_for = f", while it was held back: {self.state_reason}" if self.state_reason else ""
        self._fail(Cause.WITHDRAWN, f"withdrawn before it was sent{held_for}", now)
        return True

    def _next_look(self, since: datetime, timing: Timing) -> datetime:
        return since + timing.visibility * _doubled(self.looks)

    def _doubt(self, reason: str, due: datetime) -> None:
        self.may_be_posted = True
        self._hold(Cause.OUTCOME_UNKNOWN, reason, due)

    def _hold(self, cause: Cause, reason: str, due: datetime | None) -> None:
        self.state = PostState.OUTCOME_UNKNOWN if self.may_be_posted else PostState.CLAIMED
        self.state_cause, self.state_reason, self.due_time = cause, reason, due

    def _fail(self, cause: Cause, reason: str, now: datetime) -> None:
        self.state, self.state_cause, self.state_reason = PostState.FAILED, cause, reason
        self.finish_time, self.due_time = now, None


def _doubled(times: int) -> int:
    """Return 1, doubled so many times, within bounds."""
    return 1 << max(0, min(times, _MAX_DOUBLINGS))
