"""What the HTTP APIs have in common: a time limit, and errors that say what the caller should do."""

import contextlib
from collections.abc import Iterator

import httpx2

from services.trading.domain.errors import ChainRateLimited, ChainUnavailable

TIMEOUT_SECONDS = 10.0
"""The most that one HTTP call may take; a caller's deadline cancels it earlier."""

_RETRY_SECONDS, _MAX_RETRY_SECONDS = 1.0, 60.0


def refusal(name: str, response: httpx2.Response) -> ChainRateLimited | ChainUnavailable:
    """Return the error for an answer that is no success; `name` says whose it is."""
    after = _retry_after(response)
    if response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        return ChainRateLimited(f"{name} limits the rate of calls", after, subject=name)
    return ChainUnavailable(f"{name} answered with status {response.status_code}", after)


@contextlib.contextmanager
def understanding(name: str) -> Iterator[None]:
    """Turn what goes wrong on the way, or in reading an answer, into ChainUnavailable.

    The errors are not chained: they hold the URL, which may hold a provider's key.
    """
    try:
        yield
    except httpx2.HTTPError as error:
        raise ChainUnavailable(f"{name} did not answer ({type(error).__name__})") from None
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise ChainUnavailable(f"{name} answered with something else ({type(error).__name__})") from None


def _retry_after(response: httpx2.Response) -> float:
    # The header may also be a date; no API spoken here sends one.
    text = response.headers.get("retry-after", "")
    return min(float(text), _MAX_RETRY_SECONDS) if text.isascii() and text.isdigit() else _RETRY_SECONDS
