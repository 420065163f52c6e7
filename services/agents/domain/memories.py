"""Memories as behaviour uses them. What may move a post or a trade has a type of its own."""

from dataclasses import dataclass
from enum import StrEnum

OWN_WORDS = ("post", "interaction")
"""The kinds of memory that hold what an agent has said. They are compared with, but nothing is made from them:
a reply may echo a stranger, whose words would come back as the agent's own."""

GROUNDED = ("core", "recent", "event", "trade", "relationship", "reflection", "general")
"""The kinds of memory that posts may be made from."""

TRADE_GROUNDS = ("core", "recent", "event", "trade", "general")
"""The kinds of memory that trades may be made from: none that grows out of what others say, as relationships and
reflections do."""

LATE = 4
"""So many of its latest posts a model is shown that writes another one."""


class TrustedProvenance(StrEnum):
    """Where a trusted memory comes from; there are no values for other characters and strangers."""

    SELF = "self"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class TrustedMemory:
    """A memory of the character's own words and deeds, or from whoever runs it.

    Posts and trades take only these: the words of a stranger can't reach them, since this type can't hold them.
    """

    id: str
    text: str
    provenance: TrustedProvenance
    kind: str = "general"
    valence: float = 0.0
    subject: str = ""
    relevance: float | None = None
    """How well it fits what was searched for, 0 to 1; None where nothing was."""

    def __post_init__(self) -> None:
        """Raise ValueError for any other provenance, also where no type checker looks."""
        TrustedProvenance(self.provenance)
