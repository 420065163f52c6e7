"""The errors that a use case may raise, named by what the caller should do about them.

A service derives its own errors from these and gives each a `reason` from its `*_errors.proto`. Which gRPC status an
error becomes stands in `services.runtime.rpc.status`, and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """A field that breaks a rule: its path in the request, and the rule in words."""

    field: str
    description: str


_FIELD, _DESCRIPTION, _QUOTED, _MAX_VIOLATIONS = 200, 400, 100, 50


def quoted(text: str) -> str:
    """Return a text in quotes, as it may stand in a message: of one with more than 100 characters the beginning."""
    return repr(_cut(text, _QUOTED))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


class PuppetError(Exception):
    """An error that a caller is told of, with its message; anything else that is raised stays inside."""

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata


class InvalidRequest(PuppetError):
    """Change the request: the fields that break a rule are named, up to fifty of them."""

    reason = "INVALID_REQUEST"

    def __init__(self, violations: Sequence[Violation]) -> None:
        # What a caller wrote may stand in both: what is answered and logged doesn't grow with it.
        self.violations = tuple(
            Violation(_cut(item.field, _FIELD), _cut(item.description, _DESCRIPTION))
            for item in violations[:_MAX_VIOLATIONS]
        )
        super().__init__("; ".join(f"{item.field}: {item.description}" for item in self.violations))


class RequestIdReused(InvalidRequest):
    """Use a new request_id: this one was used before with another body."""

    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        super().__init__([Violation("request_id", f"{request_id!r} was used before with another body")])


class NotFound(PuppetError):
    """Use another id: nothing that the caller may see has this one."""


class AlreadyExists(PuppetError):
    """Use what is there, or choose another name."""


class WrongState(PuppetError):
    """Change the state of the system first; repeating the call alone will not help."""


class Forbidden(PuppetError):
    """Ask for the right to do this."""


class Conflict(PuppetError):
    """Read again, then repeat: somebody else has changed it since."""

    reason = "ETAG_MISMATCH"


class RetryLater(PuppetError):
    """Repeat the call after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float = 1.0, **metadata: str) -> None:
        super().__init__(message, **metadata)
        self.retry_after = retry_after


class Unavailable(RetryLater):
    """Repeat the call after `retry_after` seconds: something that is needed does not answer, or is overloaded."""

    reason = "UNAVAILABLE"


class Stopping(Unavailable):
    """Repeat the call, here or elsewhere: the service is being stopped, and most often started again."""

    def __init__(self) -> None:
        super().__init__("the service is stopping")


class TooLate(PuppetError):
    """Give the call more time: it was not done at its deadline."""

    reason = "DEADLINE_EXCEEDED"


class Unimplemented(PuppetError):
    """Call another RPC: this service has none of this name."""

    reason = "UNIMPLEMENTED"


class Exhausted(RetryLater):
    """Come back after `retry_after` seconds: a limit is reached; `subject` says whose."""

    def __init__(self, message: str, retry_after: float, subject: str, **metadata: str) -> None:
        super().__init__(message, retry_after, **metadata)
        self.subject = subject


class Unreachable(Exception):
    """The database can't be opened; the message says where it is and why, and no password."""
