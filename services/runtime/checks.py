"""Checks of a request's fields: every violation is collected, then all are told at once."""

import math
import unicodedata
from collections.abc import Collection
from typing import Any, Self

from services.runtime.errors import InvalidRequest, Violation, quoted

_ENOUGH = 50
_FEW = 100


class Checks:
    """Collects the violations of one request; leaving the `with` block raises InvalidRequest when there are any.

    With the fiftieth it is raised at once: nobody reads more, and whoever sends so many shall not be worked for.
    """

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None and self._violations:
            raise InvalidRequest(self._violations)

    @property
    def count(self) -> int:
        """How many violations there are so far."""
        return len(self._violations)

    def refuse(self, field: str, description: str) -> None:
        """Note that a field breaks a rule."""
        self._violations.append(Violation(field, description))
        if len(self._violations) >= _ENOUGH:
            raise InvalidRequest(self._violations)

    def text(self, field: str, value: str, limit: int, *, required: bool = True, subject: str = "") -> None:
        """Ask for at most `limit` characters, not blank when required, and none of them NUL.

        `subject` says what of the field it is that is asked this; empty: the field itself.

        A sign may stand for a phrase (U+FDFA is 18 letters). What is read is a text's compatibility form: it may have
        twice as many.
        """
        if len(value) > limit:
            self.refuse(field, f"{subject}must have at most {limit} characters, and has {len(value)}")
        elif required and not value.strip():
            self.refuse(field, f"{subject}is required")
        elif "\0" in value:
            self.refuse(field, f"{subject}must not contain a NUL character")
        elif not value.isascii() and len(unicodedata.normalize("NFKC", value)) > 2 * limit + _FEW:
            self.refuse(
                field, f"{subject}must have at most {2 * limit + _FEW} characters in its compatibility form (NFKC)"
            )

    def number(self, field: str, value: float, least: float, limit: float) -> None:
        """Ask for a finite number from `least` to `limit`."""
        if not (math.isfinite(value) and least <= value <= limit):
            self.refuse(field, f"must be {least:g} to {limit:g}, and is {value:g}")

    def enum(self, field: str, value: int, named: Collection[Any]) -> None:
        """Ask for a named value other than the unspecified one."""
        if not value:
            self.refuse(field, "is required")
        elif value not in named:
            self.refuse(field, f"has no value {value}")

    def mask(self, field: str, paths: Collection[str], allowed: Collection[str]) -> None:
        """Ask for at least one path, each of them allowed."""
        if not paths:
            self.refuse(field, "is required")
        for path in paths:
            if path not in allowed:
                self.refuse(field, f"{quoted(path)} can't be set; these can: {', '.join(sorted(allowed))}")
