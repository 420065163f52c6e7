"""When `up --until` has seen enough: counts of what the characters did. Pure."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Self

from puppet.agents.v1 import activity_pb2 as log_pb

_KINDS = {
    log_pb.ACTIVITY_KIND_POST: "posts",
    log_pb.ACTIVITY_KIND_REPLY: "replies",
    log_pb.ACTIVITY_KIND_TRADE: "trades",
}
NAMES = (*_KINDS.values(), "replies_with_memory", "trade_posts")
"""What can be counted; a trade counts when it is settled."""


@dataclass(frozen=True, slots=True)
class Goals:
    """How many of what are wanted."""

    least: dict[str, int]

    @classmethod
    def parse(cls, given: str) -> Self:
        """Read `posts>=3,replies>=1`. Raises ValueError, which says what can be written."""
        least: dict[str, int] = {}
        for part in given.split(","):
            found = re.fullmatch(r"\s*(\w+)\s*>=\s*(\d{1,9})\s*", part)
            if found is None or found[1] not in NAMES:
                names = ", ".join(NAMES)
                raise ValueError(f"{part.strip()!r} is not NAME>=NUMBER, with one of these names: {names}")
            least[found[1]] = int(found[2])
        return cls(least)

    def missing(self, counted: Counter[str]) -> list[str]:
        """Return what is still missing, in words; nothing is when all goals are reached."""
        return [f"{name}: {counted[name]} of {least}" for name, least in self.least.items() if counted[name] < least]


def counted_as(activity: log_pb.Activity) -> list[str]:
    """Return the names under which an activity counts."""
    kind = _KINDS.get(activity.kind)
    if kind is None:
        return []
    names = [kind]
    if kind == "replies" and activity.memories:
        names.append("replies_with_memory")
    if kind == "posts" and activity.post.HasField("swap"):
        names.append("trade_posts")
    return names
