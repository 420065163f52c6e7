"""What X would bill for: how often each endpoint was called, and how many posts and users were shown."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sandbox.x.limits import LIMITS


class Usage:
    """Counts since the start."""

    def __init__(self) -> None:
        self._calls = Counter(dict.fromkeys(LIMITS, 0))
        self._posts = 0
        self._users = 0

    def count_call(self, endpoint: str) -> None:
        """Count a call, also one that is refused."""
        self._calls[endpoint] += 1

    def count_shown(self, answer: Mapping[str, Any]) -> None:
        """Count what the answer to a read shows."""
        data = answer.get("data", [])
        shown = data if isinstance(data, list) else [data]
        includes = answer.get("includes", {})
        users = [item for item in shown if "username" in item]
        self._users += len(users) + len(includes.get("users", []))
        self._posts += len(shown) - len(users) + len(includes.get("tweets", [])) + len(includes.get("posts", []))

    def totals(self) -> dict[str, Any]:
        """Return everything that was counted."""
        return {"calls": dict(self._calls), "posts_read": self._posts, "users_read": self._users}
