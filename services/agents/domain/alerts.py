"""Alerts: what a person should look after, told once for its cause, and once more when it is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import DateTime, Field, SQLModel

from services.agents.domain.hours import waking
from services.agents.domain.persona import Behavior
from services.runtime.columns import text_of

CALM = timedelta(minutes=5)
"""How long a cause must be gone to be over: what comes and goes is told of once."""
BUDGET_PART = 0.8
"""The part of a day's budget whose use is told of."""
_LONG = timedelta(hours=1)
_RISING = timedelta(hours=1)
"""Of a character's time: within so much after its sleep it does what fell into it."""


class AlertKind(StrEnum):
    """What an alert is about."""

    BUDGET_NEARLY_SPENT = "budget_nearly_spent"
    KEY_REFUSED = "key_refused"
    ACCOUNT_QUIET = "account_quiet"
    """The network has locked or limited the account."""
    CHARACTER_SILENT = "character_silent"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A cause of hindrances that is told of: after how long, and whether it is one for all characters who have it."""

    kind: AlertKind
    is_shared: bool = False
    after: timedelta = timedelta()


TROUBLES = {
    "CREDENTIALS_REFUSED": Trouble(AlertKind.KEY_REFUSED),
    "PROVIDER_REFUSED": Trouble(AlertKind.KEY_REFUSED, is_shared=True),
    "CHAIN_ACCESS_REFUSED": Trouble(AlertKind.KEY_REFUSED, is_shared=True),
    "BUDGET_EXHAUSTED": Trouble(AlertKind.BUDGET_NEARLY_SPENT),
    "ACCOUNT_LOCKED": Trouble(AlertKind.ACCOUNT_QUIET),
    "CREDITS_USED_UP": Trouble(AlertKind.ACCOUNT_QUIET, is_shared=True),
    "USAGE_CAPPED": Trouble(AlertKind.ACCOUNT_QUIET, is_shared=True),
    "NETWORK_RATE_LIMITED": Trouble(AlertKind.ACCOUNT_QUIET, after=_LONG),
}
"""By the reasons of the services that refuse."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is to be told of now: of whom, by ids and names, and why."""

    kind: AlertKind
    cause: str
    agents: tuple[tuple[str, str], ...]
    words: str
    is_shared: bool = False

    @property
    def key(self) -> tuple[str, AlertKind, str]:
        """Names the alert: nobody's in particular where it is shared."""
        return "" if self.is_shared else self.agents[0][0], self.kind, self.cause


class AlertRecord(SQLModel, table=True):
    """An alert that was told of, and isn't over."""

    __tablename__ = "alert"

    agent_id: str = Field(primary_key=True)
    """Empty for what concerns several."""
    kind: AlertKind = Field(primary_key=True, sa_type=text_of(AlertKind))
    cause: str = Field(primary_key=True)
    names: str
    """Of whom, for the message that it is over."""
    begin_time: datetime = Field(sa_type=DateTime(timezone=True))
    gone_time: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    """Since when its cause is gone; None while it is there."""

    @property
    def key(self) -> tuple[str, AlertKind, str]:
        """Names the alert."""
        return self.agent_id, self.kind, self.cause


def silent_from(behavior: Behavior, since: datetime, speed: float) -> datetime:
    """Return when a character that has said nothing since a time is silent: after twice its longest pause, awake."""
    longest = timedelta(hours=behavior.max_hours_between_posts) / speed
    risen = _RISING / speed
    latest = waking(behavior, since + longest, speed) + risen
    return waking(behavior, latest + longest, speed) + risen
