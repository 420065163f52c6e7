"""An object of a persona file, read field by field: violations are collected; what is never asked for is unknown.

How a field was read also says what of it may be kept: the values of known fields, and of secrets and of unknown fields
that they are there. Nobody can tell a secret by its name or its looks.
"""

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from services.agents.domain.persona.secrets import REDACTED
from services.runtime.errors import InvalidRequest, Violation

_ENOUGH = 50
_MOST_UNKNOWN = 1_000
_LONGEST_NAME = 100
_MAX_ITEMS = 1_000
_ALIKE = 0.75
"""How much of two names must be the same for one to be meant by the other; 1 is all."""


@dataclass(slots=True)
class Findings:
    """What reading a persona brought to light, by path."""

    violations: list[Violation] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    """By the path of a field that nobody knows, the name that may have been meant; empty where none is like it."""

    def refuse(self, path: str, description: str) -> None:
        """Note that a field breaks a rule. Raises InvalidRequest with the fiftieth."""
        self.violations.append(Violation(path, description))
        if len(self.violations) >= _ENOUGH:
            raise InvalidRequest(self.violations)


class Lenient(Findings):
    """What is found in a persona that was read before, whatever has become a violation since."""

    def refuse(self, path: str, description: str) -> None:
        """Let it be."""


class _How(Enum):
    LEAF = "a text, a number, or a list of such"
    SECRET = "never kept"  # noqa: S105 - a kind of field


class Section:
    """An object of the file, at its path. What is missing or null is empty; the fiftieth violation is raised."""

    def __init__(self, raw: Any, path: str, findings: Findings) -> None:
        self.path = path
        self._findings = findings
        self._read: dict[str, _How | Section | list[Any]] = {}
        self._parts: list[Section] = []
        self._raw: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
        if raw is not None and not isinstance(raw, Mapping):
            self._refuse(path, "must be an object")

    def refuse(self, name: str, description: str) -> None:
        """Note that a field breaks a rule."""
        self._refuse(f"{self.path}.{name}", description)

    def raw(self, name: str) -> Any:
        """Return a field as it is; None when it is missing."""
        self._read.setdefault(name, _How.LEAF)
        return self._raw.get(name)

    def secret(self, name: str) -> str:
        """Return a text that is kept nowhere."""
        value = self.text(name)
        self._read[name] = _How.SECRET
        return value

    def address(self, name: str) -> str:
        """Return a URL; one that says more than a scheme and a host may hold a key, and isn't kept."""
        value = self.text(name)
        try:
            parts = urlsplit(value)
            says_more = bool(parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/"))
        except ValueError:
            says_more = True
        if says_more:
            self._read[name] = _How.SECRET
        return value

    def unused(self, name: str) -> None:
        """Know a field of which nothing is used: that it is there is kept, and whether it says yes or no."""
        if not isinstance(self.raw(name), bool):
            self._read[name] = _How.SECRET

    def names(self) -> list[str]:
        """Return the names of all fields."""
        return list(self._raw)

    def section(self, name: str) -> "Section":
        """Return the object of this name."""
        part = self._read[name] = self._part(self.raw(name), f"{self.path}.{name}")
        return part

    def text(self, name: str, most: int = 1_000, *, required: bool = False) -> str:
        """Return a text of at most `most` characters, without white space at its ends."""
        value = self.raw(name)
        if value is not None and not isinstance(value, str):
            self.refuse(name, "must be a text")
            return ""
        return self._checked(name, value or "", most, required=required)

    def prose(self, name: str, most: int = 4_000) -> str:
        """Return a text, or several joined by commas."""
        value = self.raw(name)
        return ", ".join(self.texts(name)) if isinstance(value, list | tuple) else self.text(name, most)

    def texts(self, name: str, most: int = 1_000) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.raw(name)
        if isinstance(value, str):
            self.refuse(name, "must be a list of texts")
            value = [value]
        texts = []
        for at, item in self._items(name, value):
            if not isinstance(item, str):
                self.refuse(at, "must be a text")
            elif text := self._checked(at, item, most):
                texts.append(text)
        return tuple(texts)

    def entries(self, name: str) -> "Iterator[str | Section]":
        """Go through a list whose items are texts or objects."""
        kept: list[Any] = []
        for at, item in self._items(name, self.raw(name)):
            if isinstance(item, str):
                kept.append(item)
                if text := self._checked(at, item, 8_000):
                    yield text
            else:
                part = self._part(item, f"{self.path}.{at}")
                kept.append(part)
                yield part
        if kept:
            self._read[name] = kept

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        value = self.raw(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(name, "must be true or false")
            return default
        return value

    def number(self, name: str, least: float, most: float) -> float | None:
        """Return a number from `least` to `most`; None when it is missing."""
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.refuse(name, "must be a number")
            return None
        if not least <= value <= most:
            self.refuse(name, f"must be {least:g} to {most:g}, and is {value:g}")
            return None
        return float(value)

    def whole(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number from `least` to `most`; None when it is missing."""
        value = self.number(name, least, most)
        if value is not None and not value.is_integer():
            self.refuse(name, f"must be a whole number, and is {value:g}")
            return None
        return None if value is None else int(value)

    def positive(self, name: str, most: float) -> float | None:
        """Return a number greater than 0, up to `most`; None when it is missing."""
        value = self.number(name, 0, most)
        if value == 0:
            self.refuse(name, "must be greater than 0")
            return None
        return value

    def span(self, least_name: str, most_name: str, default: tuple[float, float], most: float) -> tuple[float, float]:
        """Return two numbers greater than 0, the first not above the second; one that is missing follows the other."""
        low, high = self.positive(least_name, most), self.positive(most_name, most)
        if low is None and high is None:
            return default
        if low is None or high is None:
            given = low if high is None else high
            return given or default[0], given or default[1]
        if low > high:
            self.refuse(least_name, f"must be at most {most_name}, which is {high:g}, and is {low:g}")
        return low, high

    def close(self) -> None:
        """Note every field here and below that nobody has asked for."""
        known = {_folded(name): name for name in self._read}
        for name in self._raw:
            if name not in self._read and len(self._findings.unknown) < _MOST_UNKNOWN:
                name = name[:_LONGEST_NAME]
                meant = difflib.get_close_matches(_folded(name), known, 1, _ALIKE)
                self._findings.unknown[f"{self.path}.{name}"] = known[meant[0]] if meant else ""
        for part in self._parts:
            part.close()

    def kept(self) -> dict[str, Any]:
        """Return what may be stored and shown, once everything was read: `[redacted]` stands for the rest."""
        return {
            name: _kept(value, self._read.get(name, _How.SECRET))
            for name, value in self._raw.items()
            if name in self._read or len(name) <= _LONGEST_NAME
        }

    def _part(self, raw: Any, path: str) -> "Section":
        part = Section(raw, path, self._findings)
        self._parts.append(part)
        return part

    def _items(self, name: str, value: Any) -> Iterator[tuple[str, Any]]:
        if value is None:
            return
        if not isinstance(value, list | tuple):
            self.refuse(name, "must be a list")
        elif len(value) > _MAX_ITEMS:
            self.refuse(name, f"must have at most {_MAX_ITEMS} entries, and has {len(value)}")
        else:
            yield from ((f"{name}[{index}]", item) for index, item in enumerate(value))

    def _checked(self, name: str, value: str, most: int, *, required: bool = False) -> str:
        if required and not value.strip():
            self.refuse(name, "is required")
        elif len(value) > most:
            self.refuse(name, f"must have at most {most} characters, and has {len(value)}")
        elif "\0" in value:
            self.refuse(name, "must not contain a NUL character")
        else:
            return value.strip()
        return ""

    def _refuse(self, path: str, description: str) -> None:
        self._findings.refuse(path, description)


def _folded(name: str) -> str:
    """Return a name as it is compared: `postExamples` and `post-examples` are `post_examples`."""
    return name.replace("_", "").replace("-", "").casefold()


def _kept(value: Any, how: _How | Section | list[Any]) -> Any:
    if value is None or value in ("", [], {}):
        return value
    if isinstance(how, Section):
        return how.kept() if isinstance(value, Mapping) else REDACTED
    if isinstance(how, list):
        return [item.kept() if isinstance(item, Section) else item for item in how]
    if how is _How.LEAF and isinstance(value, str | int | float):
        return value
    if how is _How.LEAF and isinstance(value, list | tuple):
        return [item if isinstance(item, str | int | float) else REDACTED for item in value]
    return REDACTED
