"""Memories as behaviour uses them. What may move a post or a trade has a type of its own."""

from dataclasses import dataclass
from enum import StrEnum


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

    def __post_init__(self) -> None:
        """Raise ValueError for any other provenance, also where no type checker looks."""
        TrustedProvenance(self.provenance)
