"""Why something was done when it was, and how a post came to its topic: what explanations are made of.

Both stand in the database as JSON within the grounds of an activity.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a trigger leaves open: when it was due, who asked for it, and for which event, post or trade.

    What doesn't fit the trigger, or isn't known, is None or empty.
    """

    due_time: datetime | None = None
    principal: str = ""
    event_id: str = ""
    network_post_id: str = ""
    trade_id: str = ""


class TopicOrigin(StrEnum):
    """Where the topics come from that a post chose from."""

    ASKED = "asked"
    INTERESTS = "interests"
    EXAMPLES = "examples"
    KEY_TERMS = "key_terms"
    MEMORIES = "memories"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class TopicOption:
    """A topic that a post might have been about, and how likely it was to be drawn first, 0 to 1."""

    topic: str
    weight: float
    is_recent: bool = False
    """True when it was posted about of late."""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """A topic, what it was chosen from, and what was posted about of late, newest first."""

    topic: str
    origin: TopicOrigin
    options: tuple[TopicOption, ...] = ()
    recent: tuple[str, ...] = ()
