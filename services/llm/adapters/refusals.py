"""What goes wrong at a provider, in the domain's words."""

import contextlib
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError, RateLimitError

from services.llm.domain import ProviderRateLimited, ProviderRefused, ProviderUnavailable

log = logging.getLogger(__name__)

_REFUSALS = {
    401: "refused the key",
    402: "asks for payment",
    403: "refused the key",
    404: "has no such model or path",
}
_TRANSIENT = frozenset({408, 409})
_RATE_LIMIT_SECONDS = 20.0
_DOWN_SECONDS = 5.0
_LONGEST_SECONDS = 86_400.0
_CODE = re.compile(r"[a-z_]{1,64}")


@contextlib.contextmanager
def told(provider: str) -> Iterator[None]:
    """Turn what the SDK and the shapes of the answers raise into the domain's errors.

    What a server says about a refusal is not passed on: it may repeat the prompt, or a part of the key.
    """
    try:
        yield
    except APIStatusError as error:
        log.warning(
            "provider refused", extra={"provider": provider, "status": error.status_code, "code": _code(error.code)}
        )
        raise _of_status(provider, error) from None
    except (TimeoutError, APITimeoutError):
        raise ProviderUnavailable(provider, "did not answer in time") from None
    except APIConnectionError:
        raise ProviderUnavailable(provider, "could not be reached, or broke off") from None
    except (APIError, ValueError):
        # An error in the middle of a stream, or an answer that is no JSON, or JSON of another shape.
        raise ProviderUnavailable(provider, "answered something else than text") from None


def retry_after(headers: Mapping[str, str], default: float) -> float:
    """Return after how many seconds the headers of a refusal ask to come back, at most a day."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if value.replace(".", "", 1).isdecimal():
            return min(float(value) * unit, _LONGEST_SECONDS)
    try:
        time = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return default
    seconds = (time.replace(tzinfo=time.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_SECONDS)


def _of_status(provider: str, error: APIStatusError) -> ProviderRateLimited | ProviderRefused | ProviderUnavailable:
    status, headers = error.status_code, error.response.headers
    if isinstance(error, RateLimitError):
        return ProviderRateLimited(provider, retry_after(headers, _RATE_LIMIT_SECONDS))
    if status >= 500 or status in _TRANSIENT:
        return ProviderUnavailable(provider, f"failed with HTTP {status}", retry_after(headers, _DOWN_SECONDS))
    return ProviderRefused(provider, f"{_REFUSALS.get(status, 'refused the request')} (HTTP {status})")


def _code(code: object) -> str:
    """Return a code such as `model_not_found` for the log; anything that might be more than a code is left out."""
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
