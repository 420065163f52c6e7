"""What a model writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.llm.domain.budget import BudgetState
from services.llm.domain.usage import Usage


class FinishReason(StrEnum):
    """Why a candidate ended."""

    UNSPECIFIED = "unspecified"
    STOP = "stop"
    LENGTH = "length"
    CONTENT_FILTER = "content_filter"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text that a model wrote; `mean_logprob` is the mean natural logarithm of its tokens' probabilities."""

    text: str
    finish_reason: FinishReason
    mean_logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A provider that was asked, or is known to fail: why it didn't write, empty for the one that did."""

    provider: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """What an answer cost in nano-dollars, None when that isn't known; who was asked; how the budgets stand."""

    nanos: int | None = None
    state: BudgetState = BudgetState.FINE
    asked: tuple[Asked, ...] = ()


def sum_nanos(*costs: int | None) -> int | None:
    """Return what several things cost together: None when that isn't known of one."""
    return None if None in costs else sum(cost or 0 for cost in costs)


@dataclass(frozen=True, slots=True)
class Generation:
    """What a provider wrote, and what it took."""

    provider: str
    model: str
    candidates: tuple[Candidate, ...]
    usage: Usage
    background_shown: bool = False
    misses_bills: bool = False
    """Whether some of its calls may have cost what its usage doesn't tell."""
    price: Price = Price()
    is_cached: bool = False
    """Whether it was kept from an identical task, and nothing was asked for it."""


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last part of a stream, after its pieces of text."""

    provider: str
    model: str
    finish_reason: FinishReason
    usage: Usage
    price: Price = Price()


class Trimmer:
    """Takes the white space off the ends of a text that comes in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._started = False

    def feed(self, piece: str) -> str:
        """Return what of the text so far can be passed on; white space is held back until more text follows it."""
        text = self._held + piece
        if not self._started:
            text = text.lstrip()
        ready = text.rstrip()
        self._held = text[len(ready) :]
        self._started = self._started or bool(ready)
        return ready


class StopCutter:
    """Ends a text that comes in pieces at whichever of its stop texts is complete first, for models that take none."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.has_stopped = False

    def feed(self, piece: str) -> str:
        """Return what of the text so far can be passed on; what may be the beginning of a stop text is held back."""
        if self.has_stopped:
            return ""
        text = self._held + piece
        found = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.has_stopped, self._held = True, ""
            return text[: min(found)[1]]
        held = max((self._begun(stop, text) for stop in self._stops), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def end(self) -> str:
        """Return what is left when the text has ended."""
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _begun(stop: str, text: str) -> int:
        """Return how many characters at the end of a text begin a stop text."""
        limit = min(len(stop) - 1, len(text))
        return next((length for length in range(limit, 0, -1) if text.endswith(stop[:length])), 0)
