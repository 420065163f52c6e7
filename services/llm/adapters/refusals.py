"""What goes wrong at a provider, in the domain's words."""

import contextlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

from services.llm.domain.errors import Failure, ProviderRateLimited, ProviderRefused, ProviderUnavailable

log = logging.getLogger(__name__)

_LASTING = {401: "refused the key", 402: "has no credit left"}
_REFUSALS = {403: "refused this request, or the key", 404: "has no such model or path"}
_TRANSIENT = frozenset({408, 409, 425})
_RATE_LIMIT_SECONDS = 20.0
_DOWN_SECONDS = 5.0
_LONGEST_SECONDS = 86_400.0
_LASTING_SECONDS = 60.0
"""For so long a key or an account that was refused isn't tried again."""
_CODE = re.compile(r"[a-z_]{1,64}")
_STATUS = re.compile("[45][0-9]{2}")
_STATUS_OF = {"rate_limit_exceeded": 429, "insufficient_quota": 429, "invalid_prompt": 400}
"""The statuses that an answer with one of these codes would have had, had it not begun well."""
_USED_UP = re.compile(r"quota|billing|credit|balance", re.IGNORECASE)
_SAYING = ("message", "detail", "error")
_MAX_WORDS = 200
_PART_OF_KEY, _PART_OF_PROMPT = 4, 16
"""So many characters in a row are no chance: whoever says them has them from the request."""
_NAMED = re.compile(r"[`'\"]([a-z_]{1,40})[`'\"]|\b([a-z]+_[a-z_]{1,40}|temperature)\b")


class FieldsRefused(ProviderRefused):
    """The provider refused fields of the request; `fields` are all that it may have meant, unless it `is_sure`."""

    def __init__(self, provider: str, why: str, fields: frozenset[str], *, is_sure: bool) -> None:
        super().__init__(provider, why)
        self.fields = fields
        self.is_sure = is_sure


@contextlib.contextmanager
def translate_errors(provider: str) -> Iterator[None]:
    """Turn what the SDK and the shapes of the answers raise into the domain's errors.

    What a server says about a refusal is passed on when it repeats neither the prompt nor a part of the key.
    """
    try:
        yield
    except APIStatusError as error:
        log.warning(
            "provider refused",
            extra={"provider": provider, "status": error.status_code, "code": _code(_refusal_in(error))},
        )
        said = _refusal_in(error)
        headers, label = error.response.headers, f"HTTP {error.status_code}"
        raise _of_status(provider, error.status_code, label, headers, said, _words(said, error.request)) from None
    except (TimeoutError, APITimeoutError):
        raise ProviderUnavailable(provider, "did not answer in time", may_be_billed=True) from None
    except APIConnectionError as error:
        never_sent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)
        why = "could not be reached" if never_sent else "could not be reached, or broke off"
        raise ProviderUnavailable(provider, why, may_be_billed=not never_sent) from None
    except APIError as error:
        # An error in the middle of a stream.
        raise _of_error(provider, _refusal_of(error.body), error.request) from None
    except (ValueError, RecursionError):
        # An answer that is no JSON, or JSON of another shape.
        raise ProviderUnavailable(provider, "answered something else than text", may_be_billed=True) from None


def retry_after(headers: Mapping[str, str], default: float) -> float:
    """Return after how many seconds the headers of a refusal ask to come back, at most a day."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if value.replace(".", "", 1).isdecimal():
            return min(float(value) * unit, _LONGEST_SECONDS)
    try:
        time = parsedate_to_datetime(headers.get("retry-after", ""))
        seconds = (time.replace(tzinfo=time.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return default
    return min(max(seconds, 0.0), _LONGEST_SECONDS)


def read_answer(provider: str, response: httpx2.Response) -> object:
    """Return what was answered; raise the error that gateways tell of with HTTP 200."""
    data: object = response.json()
    raise_told_error(provider, data, response.request)
    return data


def raise_told_error(provider: str, data: object, request: httpx2.Request) -> None:
    """Raise the error that an answer, or an event of a stream, tells of."""
    if (told := _told_error(data)) is not None:
        raise _of_error(provider, told, request)


def _told_error(data: object) -> Mapping[str, Any] | None:
    if not isinstance(data, Mapping):
        return None
    if data.get("type") == "response.failed":
        return _refusal_of(data.get("response"))
    is_error = data.get("type") == "error" or data.get("status") == "failed" or data.get("error")
    return _refusal_of(data) if is_error and not data.get("choices") else None


def _of_error(provider: str, refusal: Mapping[str, Any], request: httpx2.Request) -> Failure:
    """Return the failure that an answer tells of; a code that is the status of another answer means what that does."""
    words, number = _words(refusal, request), refusal.get("code")
    if isinstance(number, int | str) and _STATUS.fullmatch(str(number)):
        return _of_status(provider, int(number), f"error {number}", {}, refusal, words)
    if isinstance(number, str) and (status := _STATUS_OF.get(number, 0)):
        return _of_status(provider, status, f"error {status}", {}, refusal, words)
    said = f": {words}" if words else ""
    return ProviderUnavailable(provider, f"answered with an error ({_code(refusal) or 'error'}){said}", _DOWN_SECONDS)


def _of_status(
    provider: str, status: int, label: str, headers: Mapping[str, str], refusal: Mapping[str, Any], words: str
) -> Failure:
    code = _code(refusal)
    cause = f"({label}, {code})" if code else f"({label})"
    if status == 429 and not _USED_UP.search(code):
        return ProviderRateLimited(provider, retry_after(headers, _RATE_LIMIT_SECONDS))
    if status == 429:
        return ProviderRefused(provider, f"its quota is used up {cause}", _LASTING_SECONDS)
    said = f": {words}" if words else ""
    if status >= 500 or status in _TRANSIENT:
        return ProviderUnavailable(provider, f"failed with {label}{said}", retry_after(headers, _DOWN_SECONDS))
    if status in _LASTING:
        return ProviderRefused(provider, f"{_LASTING[status]} {cause}{said}", _LASTING_SECONDS)
    if status in _REFUSALS:
        return ProviderRefused(provider, f"{_REFUSALS[status]} {cause}{said}")
    param = refusal.get("param")
    if isinstance(param, str) and _CODE.fullmatch(param):
        cause = f"{cause[:-1]}: {param})"
    named, mentioned = frozenset(_named(refusal)), frozenset(_mentioned(refusal))
    why = f"refused the request {cause}{said}"
    return FieldsRefused(provider, why, named or mentioned, is_sure=bool(named))


def _refusal_in(error: APIStatusError) -> Mapping[str, Any]:
    """Return the error object of a refusal; an error that is a text alone is its message, and a page is none."""
    if isinstance(error.body, str) and "json" in error.response.headers.get("content-type", ""):
        return {"message": error.body}
    return _refusal_of(error.body)


def _refusal_of(body: object) -> Mapping[str, Any]:
    """Return the error object of an answer, wherever it is: alone, in `error`, or in a list as Google has it."""
    if isinstance(body, list) and body:
        return _refusal_of(body[0])
    if not isinstance(body, Mapping):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, Mapping) else body


def _words(refusal: Mapping[str, Any], request: httpx2.Request) -> str:
    """Return what a server says, in one line; nothing when it repeats the key, or what the model was asked."""
    words = next((said for name in _SAYING if isinstance(said := refusal.get(name), str)), "")
    line = "".join(sign for sign in " ".join(words.split()) if sign.isprintable())[:_MAX_WORDS]
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    is_repeated = shares_run(line, key, _PART_OF_KEY) or shares_run(line, _asked(request), _PART_OF_PROMPT)
    return "" if is_repeated else line


def shares_run(text: str, other: str, length: int) -> bool:
    """Say whether two texts have so many characters in a row in common."""
    return any(text[start : start + length] in other for start in range(len(text) - length + 1))


def _asked(request: httpx2.Request) -> str:
    """Return the texts of a request, but for the model's name, in one line."""
    try:
        body = json.loads(request.content)
    except ValueError:
        return ""
    texts = _texts([value for name, value in body.items() if name != "model"])
    return " ".join(" ".join(texts).split())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _named(refusal: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields that an error names, as its `param` or in the places of its details."""
    if isinstance(param := refusal.get("param"), str):
        yield param
    details = refusal.get("detail")
    places = [item.get("loc") for item in details if isinstance(item, Mapping)] if isinstance(details, list) else []
    yield from (place[-1] for place in places if isinstance(place, list) and place and isinstance(place[-1], str))


def _mentioned(refusal: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields that stand in the words of an error, which may repeat a prompt's."""
    words = refusal.get("message")
    for quoted, bare in _NAMED.findall(words[:2_000] if isinstance(words, str) else ""):
        yield quoted or bare


def _code(refusal: Mapping[str, Any]) -> str:
    """Return a code such as `model_not_found`; anything that might be more than a code is left out."""
    for name in ("code", "status", "type"):
        value = refusal.get(name)
        if isinstance(value, str) and _CODE.fullmatch(value.lower()):
            return value.lower()
    return ""
