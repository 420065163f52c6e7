"""The query parameters of a call, checked as X checks them; all violations are reported at once."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from sandbox.x.database import first_id_at
from sandbox.x.fields import (
    NEWER_NAMES,
    POST_EXPANSIONS,
    POST_FIELDS,
    TWEET_EXPANSIONS,
    TWEET_FIELDS,
    USER_FIELDS,
    Fields,
    Vocabulary,
)
from sandbox.x.posts import Span
from sandbox.x.problems import error_of, invalid, invalid_request

TWEET_LOOKUP = frozenset({"tweet.fields", "user.fields", "expansions", "media.fields", "place.fields", "poll.fields"})
USER_LOOKUP = frozenset({"tweet.fields", "user.fields", "expansions"})
_OLDER_NAMES = {newer: older for older, newer in NEWER_NAMES.items()}
PAGES = TWEET_LOOKUP | {"since_id", "until_id", "start_time", "end_time", "max_results", "pagination_token"}

_TOKEN_PREFIX = "7140dibdnow9c7"  # noqa: S105 - how X's page tokens begin; they are opaque and no secret


def parse_id(text: object) -> int | None:
    """Return the id in a text, or None when it isn't one."""
    if not isinstance(text, str) or not re.fullmatch("[0-9]{1,19}", text, re.ASCII):
        return None
    return number if (number := int(text)) < 2**63 else None


def path_id(path: dict[str, str], name: str) -> int:
    """Return an id that stands in the path."""
    if (number := parse_id(path[name])) is None:
        raise invalid(name, path[name], f"The `{name}` query parameter value [{path[name]}] is not valid")
    return number


def page_token(last_id: int) -> str:
    """Return the token of the page after this id."""
    return f"{_TOKEN_PREFIX}{last_id:x}"


class Query:
    """Reads one call's query parameters; `check` raises for everything that was wrong with them."""

    def __init__(self, query_string: str, allowed: Collection[str], vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        if vocabulary is not Vocabulary.TWEETS and "tweet.fields" in allowed:
            allowed = {*allowed, "post.fields"}
        self._values: dict[str, str] = {}
        self._errors: list[dict[str, Any]] = []
        for name, value in parse_qsl(query_string, keep_blank_values=True):
            if name not in allowed:
                message = f"The query parameter [{name}] is not one of [{','.join(sorted(allowed))}]"
                self._errors.append(error_of(name, value, message))
            self._values[name] = value

    def check(self) -> None:
        """Raise an invalid request that names every bad parameter."""
        if self._errors:
            raise invalid_request(self._errors)

    def text(self, name: str, max_length: int) -> str:
        """Return a required text."""
        value = self._values.get(name, "").strip()
        if not value:
            self._fail(name, "", f"The `{name}` query parameter can not be empty")
        elif len(value) > max_length:
            self._bad(name, f"is longer than {max_length} characters")
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a number within these bounds."""
        value = self._values.get(name)
        if value is None:
            return default
        if not re.fullmatch("[0-9]{1,9}", value, re.ASCII) or not low <= int(value) <= high:
            self._bad(name, f"is not between {low} and {high}")
            return default
        return int(value)

    def some_of(self, name: str, options: frozenset[str]) -> frozenset[str]:
        """Return the options that a comma-separated list chooses."""
        chosen = [part for part in self._values.get(name, "").split(",") if part]
        for part in chosen:
            if part not in options:
                message = f"The `{name}` query parameter value [{part}] is not one of [{','.join(sorted(options))}]"
                self._fail(name, part, message)
        return options.intersection(chosen)

    def many(self, name: str) -> list[str]:
        """Return a required list of 1 to 100 values, each once."""
        values = list(dict.fromkeys(part.strip() for part in self.text(name, 10_000).split(",")))
        if len(values) > 100:
            self._bad(name, f"has {len(values)} values, which is more than 100")
        return values

    def ids(self, name: str) -> list[int]:
        """Return a required list of 1 to 100 ids."""
        values = self.many(name)
        for value in values:
            if value and parse_id(value) is None:
                self._fail(name, value, f"The `{name}` query parameter value [{value}] is not valid")
        return [number for value in values if (number := parse_id(value)) is not None]

    def fields(self, expansions: frozenset[str] = TWEET_EXPANSIONS) -> Fields:
        """Return the fields and expansions asked for; an expanded field is shown as well."""
        if self._vocabulary is Vocabulary.POSTS or "post.fields" in self._values:
            return self._newer_fields()
        related = self.some_of("expansions", expansions)
        shown = {name.partition(".")[0] for name in related} & TWEET_FIELDS
        return Fields(
            self.some_of("tweet.fields", TWEET_FIELDS) | shown, self.some_of("user.fields", USER_FIELDS), related
        )

    def _newer_fields(self) -> Fields:
        """Return what is asked for in the newer vocabulary, under its older names; what is unknown is ignored."""
        chosen = POST_FIELDS.intersection(self._values.get("post.fields", "").split(","))
        expansions = self._values.get("expansions", "").split(",")
        related = frozenset(POST_EXPANSIONS[name] for name in expansions if name in POST_EXPANSIONS)
        shown = {name.partition(".")[0] for name in related} & TWEET_FIELDS
        users = USER_FIELDS.intersection(self._values.get("user.fields", "").split(","))
        return Fields(frozenset(_OLDER_NAMES.get(name, name) for name in chosen) | shown, users, related, is_newer=True)

    def span(self, low: int) -> Span:
        """Return which ids a page covers; `max_results` is at least `low` and at most 100."""
        after = [0, self._id("since_id")]
        before = [Span(0).before, self._id("until_id") or Span(0).before]
        if (start := self._time_ms("start_time")) is not None:
            after.append(first_id_at(start) - 1)
        if (end := self._time_ms("end_time")) is not None:
            before.append(first_id_at(end))
        tokens = {name: self._values[name] for name in ("pagination_token", "next_token") if name in self._values}
        before += [self._token_id(name, token) for name, token in tokens.items()]
        return Span(self.number("max_results", 10, low, 100), max(after), min(before))

    def _id(self, name: str) -> int:
        value = self._values.get(name)
        if value is None:
            return 0
        if (number := parse_id(value)) is None:
            self._bad(name, "is not valid")
        return number or 0

    def _token_id(self, name: str, token: str) -> int:
        try:
            if token.startswith(_TOKEN_PREFIX):
                return min(int(token.removeprefix(_TOKEN_PREFIX), 16), Span(0).before)
        except ValueError:
            pass
        self._bad(name, "is not valid")
        return 0

    def _time_ms(self, name: str) -> int | None:
        value = self._values.get(name)
        if value is None:
            return None
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            self._bad(name, "is not a valid RFC3339 date-time")
            return None
        return int(time.timestamp() * 1000)

    def _bad(self, name: str, why: str) -> None:
        value = self._values[name]
        self._fail(name, value, f"The `{name}` query parameter value [{value}] {why}")

    def _fail(self, name: str, value: str, message: str) -> None:
        self._errors.append(error_of(name, value, message))
