"""An object of a persona file, read field by field: violations are collected; what is never asked for is unknown."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.runtime.errors import InvalidRequest, Violation

_ENOUGH = 50
_MAX_ITEMS = 1_000


@dataclass(slots=True)
class Findings:
    """What reading a persona brought to light, by path."""

    violations: list[Violation] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class Section:
    """An object of the file, at its path. What is missing or null is empty; the fiftieth violation is raised."""

    def __init__(self, raw: Any, path: str, findings: Findings) -> None:
        self.path = path
        self._findings = findings
        self._asked: set[str] = set()
        self._parts: list[Section] = []
        self._raw: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
        if raw is not None and not isinstance(raw, Mapping):
            self._refuse(path, "must be an object")

    def refuse(self, name: str, description: str) -> None:
        """Note that a field breaks a rule."""
        self._refuse(f"{self.path}.{name}", description)

    def raw(self, name: str) -> Any:
        """Return a field as it is; None when it is missing."""
        self._asked.add(name)
        return self._raw.get(name)

    def names(self) -> list[str]:
        """Return the names of all fields."""
        return list(self._raw)

    def section(self, name: str) -> "Section":
        """Return the object of this name."""
        return self._part(self.raw(name), f"{self.path}.{name}")

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
        """Return a list of texts; one text alone is a list of one."""
        value = self.raw(name)
        if isinstance(value, str):
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
        for at, item in self._items(name, self.raw(name)):
            if isinstance(item, str):
                if text := self._checked(at, item, 8_000):
                    yield text
            else:
                yield self._part(item, f"{self.path}.{at}")

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
        self._findings.unknown += [f"{self.path}.{name}" for name in self._raw if name not in self._asked]
        for part in self._parts:
            part.close()

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
        self._findings.violations.append(Violation(path, description))
        if len(self._findings.violations) >= _ENOUGH:
            raise InvalidRequest(self._findings.violations)
