"""Keyset pages: a token holds the last key of its page and a fingerprint of the filters it belongs to."""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from services.runtime.errors import InvalidRequest, Violation
from services.runtime.nesting import is_shallow

T = TypeVar("T")
R = TypeVar("R")

_MAX_LETTERS = 4_096
_LEVELS = 2  # the list, and a time in it
_ABOVE_NUMBERS = 2**63


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is wanted: at most `size` rows after the row with this key, or from the start."""

    size: int
    after: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """One page of rows, and the key of its last row when there are more after it."""

    rows: Sequence[T]
    next_key: tuple[Any, ...] | None
    key_at: Callable[[int], tuple[Any, ...]] = field_of(compare=False)
    """Returns the key of a row by its place: a page may end before its last row."""

    @classmethod
    def cut(cls, rows: Sequence[T], page: Page, key: Callable[[T], tuple[Any, ...]]) -> "Paged[T]":
        """Make a page of rows of which one more than its size was asked for."""

        def key_at(place: int) -> tuple[Any, ...]:
            return key(rows[place])

        if len(rows) <= page.size:
            return cls(rows, None, key_at)
        return cls(rows[: page.size], key_at(page.size - 1), key_at)

    def turned(self, rows: Sequence[R]) -> "Paged[R]":
        """Return the page with what was made of its rows, one by one."""
        return Paged(rows, self.next_key, self.key_at)


def read_page(
    size: int,
    token: str,
    filters: Sequence[object],
    kinds: tuple[type, ...],
    *,
    default: int = 50,
    limit: int = 500,
) -> Page:
    """Return the page that a request asks for; `kinds` are the types of a key's values.

    Raises InvalidRequest when the size is out of bounds, or when the token is not one of these filters.
    """
    violations: list[Violation] = []
    if not 0 <= size <= limit:
        violations.append(Violation("page_size", f"must be 0 to {limit}"))
    after = _read_token(token, filters, kinds) if token else None
    if token and after is None:
        violations.append(Violation("page_token", "is not a token of a request with these filters"))
    if violations:
        raise InvalidRequest(violations)
    return Page(size or default, after)


def _read_token(token: str, filters: Sequence[object], kinds: tuple[type, ...]) -> tuple[Any, ...] | None:
    """Return the key in a token; None for what no token can say. Anybody may write one: it is data like any other."""
    if len(token) > _MAX_LETTERS:
        return None
    try:
        written = base64.urlsafe_b64decode(token.encode()).decode()
        # Decoding passes over what is none of its letters, and over what stands behind the end.
        if base64.urlsafe_b64encode(written.encode()).decode() != token or not is_shallow(written, _LEVELS):
            return None
        fingerprint, *key = json.loads(written, object_hook=_read_time)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    if fingerprint != _fingerprint(filters) or tuple(map(type, key)) != kinds:
        return None
    return tuple(key) if all(map(_is_plausible, key)) else None


def _is_plausible(value: Any) -> bool:
    if isinstance(value, int):
        return -_ABOVE_NUMBERS <= value < _ABOVE_NUMBERS
    if isinstance(value, str):
        # What no database takes for a text.
        return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    return not (isinstance(value, datetime) and value.tzinfo is None)


def next_token(key: Sequence[Any] | None, filters: Sequence[object]) -> str:
    """Return the token of the page after the row with this key, of texts, numbers and times; empty for no next page."""
    if key is None:
        return ""
    text = json.dumps([_fingerprint(filters), *key], default=_write_time)
    return base64.urlsafe_b64encode(text.encode()).decode()


def _fingerprint(filters: Sequence[object]) -> str:
    return hashlib.sha256(repr(list(filters)).encode()).hexdigest()[:16]


def _write_time(time: datetime) -> dict[str, str]:
    return {"time": time.isoformat()}


def _read_time(written: dict[str, str]) -> datetime:
    time = datetime.fromisoformat(written["time"])
    # In UTC a time at either end of the calendar is none. Raises OverflowError.
    return time if time.tzinfo is None else time.astimezone(UTC)
