"""What checks found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What came of a check."""

    PASSED = "passed"
    FAILED = "failed"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Result:
    """One check: what it is about, what was checked, and what was wrong."""

    about: str
    """`Service/Method`, or the name of a part of every service, for example `health`."""
    name: str
    is_required: bool
    state: State
    faults: Sequence[str] = ()
    """What was wrong, or why it was left out."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of a service."""

    service: str
    target: str
    needed_by: str
    results: Sequence[Result]

    def of(self, state: State, *, is_required: bool) -> Sequence[Result]:
        """Return the required or recommended checks that ended like this."""
        return [result for result in self.results if (result.state, result.is_required) == (state, is_required)]

    @property
    def is_passed(self) -> bool:
        """True when no required check failed."""
        return not self.of(State.FAILED, is_required=True)

    @property
    def is_locked_out(self) -> bool:
        """True when whatever failed of what is required failed since the caller wasn't known."""
        failed = self.of(State.FAILED, is_required=True)
        return bool(failed) and all(any("UNAUTHENTICATED" in fault for fault in result.faults) for result in failed)

    @property
    def is_clean(self) -> bool:
        """True when no check failed at all."""
        return self.is_passed and not self.of(State.FAILED, is_required=False)


def judged(about: str, name: str, faults: Iterable[str], *, is_required: bool = False) -> Result:
    """Return a check that passed when there were no faults."""
    found = list(faults)
    return Result(about, name, is_required, State.FAILED if found else State.PASSED, found)
