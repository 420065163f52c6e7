"""JSON that somebody else wrote, read within bounds: numbers stay texts until a reader here takes one of a fair size.

A number of a few bytes can cost hours: `int(Decimal("1e400000000"))` writes its digits out. Every reader raises
TypeError or ValueError for what it wasn't told to expect.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

MAX_U64 = 2**64 - 1
"""The largest amount of anything on the chain, in base units."""

_MAX_WORDS = 256
_MAX_MAGNITUDE = 60
_DECIMAL = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,3})?")


def read_json(body: bytes) -> Any:
    """Return what a body of JSON in UTF-8 says, with each number as the text that it was written as."""
    try:
        return json.loads(body.decode(), parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise ValueError("the answer is nested too deep") from None


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object."""
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def sequence(value: Any, limit: int) -> Sequence[Any]:
    """Return a list of so many items at most."""
    if not isinstance(value, list):
        raise TypeError("no list")
    if len(value) > limit:
        raise ValueError("too many items")
    return value


def text(value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def flag(value: Any) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def whole(value: Any, limit: int) -> int:
    """Return a whole number from 0 to `limit`."""
    digits = text(value)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(limit))) or int(digits) > limit:
        raise ValueError("no whole number within bounds")
    return int(digits)


def decimal(value: Any) -> Decimal | None:
    """Return a number; None for one that is beyond what anything here has, or for a text that is no number."""
    if not _DECIMAL.fullmatch(text(value)):
        return None
    number = Decimal(value)
    if not number:
        return Decimal(0)
    return number if abs(number.adjusted()) <= _MAX_MAGNITUDE else None


def words(value: Any, limit: int = _MAX_WORDS) -> str:
    """Return what somebody else wrote, in a form that can be stored and shown: empty for what is no text."""
    shown = value[: 4 * limit] if isinstance(value, str) else ""
    return "".join(letter for letter in shown if letter.isprintable())[:limit]
