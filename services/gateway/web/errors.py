"""What the gateway itself refuses, beside what the services do."""

from services.runtime import errors
from services.runtime.errors import Violation, quoted


class UnknownHost(errors.Forbidden):
    """Ask by a name that this gateway is known by."""

    reason = "UNKNOWN_HOST"


class CsrfRefused(errors.Forbidden):
    """Ask from the page itself, with the header that pages of other sites can't send."""

    reason = "CSRF_REFUSED"


class BodyTooLarge(errors.InvalidRequest):
    """Send less."""

    def __init__(self, limit: int) -> None:
        super().__init__([Violation("body", f"must have at most {limit:,} bytes")])


class UnsupportedEncoding(errors.InvalidRequest):
    """Send the body as it is."""

    def __init__(self, given: str) -> None:
        super().__init__(
            [Violation("Content-Encoding", f"can't be read: send the body as it is, not as {quoted(given)}")]
        )


class TooManyStreams(errors.Exhausted):
    """Close one, or wait until somebody does."""

    reason = "TOO_MANY_STREAMS"


class Missing(errors.NotFound):
    """Use another id: what an endpoint has to find first isn't there. The reason is the service's that has none."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason  # type: ignore[misc]  # of whichever service it is


class Gone(Exception):
    """Whoever asked isn't there any more."""
