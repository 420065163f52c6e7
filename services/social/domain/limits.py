"""What a network lets an account and its app do, as far as it has said so."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sqlmodel import BigInteger, DateTime, Field, SQLModel

from services.runtime.columns import text_of
from services.social.domain.capabilities import PostQuota
from services.social.domain.network import Cause

DAY = timedelta(hours=24)

SHORT_WINDOW = "15min"
DAY_WINDOW = "24hour"
CAP_WINDOW = "cap"
CREDITS_WINDOW = "credits"
_CAUSES = {
    CAP_WINDOW: Cause.USAGE_CAPPED,
    CREDITS_WINDOW: Cause.CREDITS_USED_UP,
    "credentials": Cause.CREDENTIALS_REFUSED,
    "lock": Cause.ACCOUNT_LOCKED,
    "capability": Cause.NOT_CAPABLE,
}
WINDOWS = {Cause.RATE_LIMITED: SHORT_WINDOW} | {cause: window for window, cause in _CAUSES.items()}
"""The window of what a network refuses by this cause."""

_PAUSES = {
    SHORT_WINDOW: (timedelta(minutes=1), timedelta(minutes=15)),
    CREDITS_WINDOW: (timedelta(hours=1), timedelta(hours=12)),
    CAP_WINDOW: (timedelta(hours=6), DAY),
    **dict.fromkeys(("credentials", "lock", "capability"), (timedelta(minutes=15), timedelta(hours=6))),
}
_OTHER_PAUSES = (timedelta(hours=1), timedelta(hours=6))
"""The first pause and the longest one, where the network doesn't say when to come back: a cap ends with the month of a
plan, and credits, credentials and locks when somebody sees to them, all of which may be at any time."""


class Action(StrEnum):
    """What is done on a network; each has limits of its own."""

    ANY = "any"
    POST = "post"
    PROFILE = "profile"
    TIMELINE = "timeline"
    MENTIONS = "mentions"
    SEARCH = "search"
    LOOKUP = "lookup"


class Scope(StrEnum):
    """Whom a limit holds for."""

    ACCOUNT = "account"
    APP = "app"


@dataclass(frozen=True, slots=True)
class ReportedLimit:
    """A limit as a network told it: so many times in a window, of which so many remain until it is reset."""

    scope: Scope
    action: Action
    window: str
    allowed: int
    """0 when it isn't told."""
    remaining: int
    reset_time: datetime | None
    """None when the network doesn't say, and it has to be asked again and again, less and less often."""
    reason: str = ""
    """The network's words, where the numbers don't say it all."""

    @property
    def is_used_up(self) -> bool:
        """True when nothing remains."""
        return self.remaining <= 0

    @property
    def lasts_long(self) -> bool:
        """True unless it is reset within a quarter of an hour."""
        return self.window != SHORT_WINDOW


class Limit(SQLModel, table=True):
    """What was told last of a limit of an account or an app."""

    __tablename__ = "network_limit"

    holder: str = Field(primary_key=True)
    """The account's id, or the app's name."""
    action: Action = Field(primary_key=True, sa_type=text_of(Action))
    window: str = Field(primary_key=True)
    allowed: int = Field(sa_type=BigInteger)
    remaining: int = Field(sa_type=BigInteger)
    reset_time: datetime = Field(sa_type=DateTime(timezone=True))
    """When the network is asked again: as it has told, or else after a pause."""
    begin_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """Since when it is used up without a word on when it is reset; None while that is told."""
    reason: str = ""
    """The network's words; empty where what is told of it says it all."""

    def is_over_with(self, action: Action, now: datetime) -> bool:
        """Tell whether it is over when this was done now: nothing else says so of what the network doesn't count."""
        covers = self.action in (action, Action.ANY)
        return covers and self.remaining <= 0 and not self.allowed and self.reset_time <= now

    @property
    def cause(self) -> Cause:
        """Why a post is held back by it."""
        return _CAUSES.get(self.window, Cause.RATE_LIMITED)

    def holds_back(self, action: Action, now: datetime) -> bool:
        """Tell whether it keeps this from being done now."""
        return self.remaining <= 0 and self.reset_time > now and self.action in (action, Action.ANY)


def next_try(before: Limit | None, window: str, now: datetime) -> tuple[datetime, datetime]:
    """Return since when a limit is used up, and when the network is to be asked again, of which it says nothing.

    The pause is as long as it has lasted by now, within bounds. `before` is what was known of it, if anything.
    """
    shortest, longest = _PAUSES.get(window, _OTHER_PAUSES)
    goes_on = before is not None and before.remaining <= 0 and now - before.reset_time <= longest
    begin = before.begin_time if before is not None and goes_on and before.begin_time else now
    return begin, now + min(max(now - begin, shortest), longest)


def last_reset(limits: Iterable[Limit], action: Action, now: datetime) -> Limit | None:
    """Return the limit that keeps an action from being done for the longest; None when none does."""
    holding = (limit for limit in limits if limit.holds_back(action, now))
    return max(holding, key=lambda limit: limit.reset_time, default=None)


@dataclass(frozen=True, slots=True)
class Quota:
    """So many posts in 24 hours, 0 when that isn't known, of which a share is for posts that answer nobody."""

    posts_a_day: int = 0
    reserved_share: Decimal = Decimal("0.5")

    def of(self, limits: Iterable[Limit]) -> PostQuota:
        """Return how many posts there may be in 24 hours, and how many of them may be replies.

        What the network tells counts as well as what was set: the smallest one holds.
        """
        reported = (limit.allowed for limit in limits if limit.action is Action.POST and limit.window == DAY_WINDOW)
        smallest = min((posts for posts in (self.posts_a_day, *reported) if posts), default=None)
        return PostQuota(DAY, smallest, None if smallest is None else math.floor(smallest * (1 - self.reserved_share)))
