"""What X answers, as far as it isn't what was asked for."""

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

UNREADABLE = (OSError, TimeoutError, ValueError, LookupError, TypeError, AttributeError)
"""What goes wrong where an answer isn't what it should be."""

SOMETHING_ELSE = "it isn't what was asked for"

_PROBLEM_FIELDS = frozenset({"title", "detail", "type", "errors"})


class Answer:
    """What X answered, as far as it isn't what was asked for: its status, its headers, and its problem JSON if any."""

    def __init__(self, status: int, phrase: str, headers: Mapping[str, str], problem: Json) -> None:
        self.status = status
        self.phrase = phrase
        self.headers = headers
        self.problem = problem

    @property
    def is_success(self) -> bool:
        """True when X did what it was asked for."""
        return 200 <= self.status < 300

    @property
    def is_from_the_api(self) -> bool:
        """True when the problem is one of X's API, and not a page of what stands in front of it or elsewhere."""
        return bool(self.problem.keys() & _PROBLEM_FIELDS)

    @property
    def kind(self) -> str:
        """The last part of the problem's type, which is the same under every host; empty for `about:blank`."""
        kind = self.problem.get("type")
        return kind.rpartition("/")[2] if isinstance(kind, str) and "/" in kind else ""

    @property
    def codes(self) -> set[int]:
        """The numbers of the errors, where they have numbers."""
        return {code for error in _errors(self.problem) if isinstance(code := error.get("code"), int)}

    @property
    def detail(self) -> str:
        """What X says is wrong, in its own words."""
        return explain(self.problem) or self.phrase


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"X answered {answer.status}: {answer.detail}")
        self.answer = answer


class NoAnswer(Exception):
    """X gave none that can be used; the message says what happened, and X may have done what it was asked for."""


class NotReached(NoAnswer):
    """No connection was made: X has done nothing."""


def explain(problem: Json) -> str:
    """Return what is wrong, in X's own words; empty when it has none."""
    parts = [problem.get("detail"), *(error.get("message") or error.get("detail") for error in _errors(problem))]
    return " ".join(part for part in parts if isinstance(part, str))[:500]


def _errors(problem: Json) -> list[Json]:
    errors = problem.get("errors")
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
