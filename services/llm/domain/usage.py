"""What calls take and what it costs. Money is in whole nano-dollars: 10^9 of them are a US dollar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

NANOS_PER_DOLLAR = 10**9
_NANO_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens that were read and written; the cached ones are among those read, thoughts among those written."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Need:
    """The most that a task can take: tokens, and how many calls of the provider."""

    usage: Usage
    calls: int


@dataclass(frozen=True, slots=True)
class Labels:
    """On whose behalf a call is made and what for; an empty agent is nobody."""

    agent_id: str = ""
    purpose: str = ""
    workflow: str = ""


NOBODY = Labels()


@dataclass(frozen=True, slots=True)
class Bill:
    """What an attempt took. A cost of None isn't known; an estimate is the most that it can have been."""

    usage: Usage = Usage()
    cost_nanos: int | None = 0
    reason: str = ""
    """With which reason it failed; empty when it didn't."""
    is_estimate: bool = False


class Grouping(StrEnum):
    """By what usage is told apart."""

    AGENT = "agent"
    MODEL = "model"
    PURPOSE = "purpose"
    WORKFLOW = "workflow"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which usage is asked for; an empty agent is all of them, and both days count."""

    agent_id: str
    first_day: date
    last_day: date
    group_by: Sequence[Grouping]


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What some attempts took together; what they aren't told apart by is empty."""

    agent_id: str
    provider: str
    model: str
    purpose: str
    workflow: str
    day: str
    usage: Usage
    cost_nanos: int
    attempts: int
    failed: int
    estimated: int


def dollars(nanos: int) -> str:
    """Return nano-dollars as a decimal string of dollars without zeros at its end."""
    whole, rest = divmod(nanos, NANOS_PER_DOLLAR)
    return f"{whole}.{rest:0{_NANO_DIGITS}}".rstrip("0").rstrip(".")


def read_dollars(text: str) -> int:
    """Return a decimal string of dollars as nano-dollars. Raises ValueError for more than nine places, and a sign."""
    whole, _, rest = text.partition(".")
    digits = f"{whole}{rest}"
    if not (whole and digits.isascii() and digits.isdecimal()) or len(rest) > _NANO_DIGITS or text.endswith("."):
        raise ValueError(text)
    return int(Decimal(text) * NANOS_PER_DOLLAR)
