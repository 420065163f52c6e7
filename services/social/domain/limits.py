"""What a network lets an account and its app do, as far as it has said so."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sqlmodel import BigInteger, DateTime, Field, SQLModel

from services.runtime.columns import text_of
from services.social.domain.network import Cause

DAY = timedelta(hours=24)

SHORT_WINDOW = "15min"
DAY_WINDOW = "24hour"
CAP_WINDOW = "cap"
CREDITS_WINDOW = "credits"
_CAUSES = {CAP_WINDOW: Cause.USAGE_CAPPED, CREDITS_WINDOW: Cause.CREDITS_USED_UP}


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
class LimitTold:
    """A limit as a network told it: so many times in a window, of which so many remain until it is reset."""

    scope: Scope
    action: Action
    window: str
    allowed: int
    """0 when it isn't told."""
    remaining: int
    reset_time: datetime

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

    @property
    def cause(self) -> Cause:
        """Why a post is held back by it."""
        return _CAUSES.get(self.window, Cause.RATE_LIMITED)

    def holds_back(self, action: Action, now: datetime) -> bool:
        """Tell whether it keeps this from being done now."""
        return self.remaining <= 0 and self.reset_time > now and self.action in (action, Action.ANY)


def last_reset(limits: Iterable[Limit], action: Action, now: datetime) -> Limit | None:
    """Return the limit that keeps an action from being done for the longest; None when none does."""
    holding = (limit for limit in limits if limit.holds_back(action, now))
    return max(holding, key=lambda limit: limit.reset_time, default=None)


@dataclass(frozen=True, slots=True)
class Quota:
    """So many posts in 24 hours, 0 when that isn't known, of which a share is for posts that answer nobody."""

    posts_a_day: int = 0
    reserved_share: Decimal = Decimal("0.5")

    def replies_a_day(self, limits: Iterable[Limit]) -> int | None:
        """Return how many posts in 24 hours may be replies; None when no limit is known.

        What the network tells counts as well as what was set: the smallest one holds.
        """
        told = (limit.allowed for limit in limits if limit.action is Action.POST and limit.window == DAY_WINDOW)
        known = [posts for posts in (self.posts_a_day, *told) if posts]
        return math.floor(min(known) * (1 - self.reserved_share)) if known else None
