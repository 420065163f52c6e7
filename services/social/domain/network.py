"""What a network shows, and how it answers a post."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class Cause(StrEnum):
    """Why a post isn't on the network, or why that isn't known."""

    RATE_LIMITED = "rate_limited"
    USAGE_CAPPED = "usage_capped"
    CREDITS_USED_UP = "credits_used_up"
    CREDENTIALS_REFUSED = "credentials_refused"
    ACCOUNT_LOCKED = "account_locked"
    NOT_CAPABLE = "not_capable"
    NETWORK_UNAVAILABLE = "network_unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


WITHHELD = frozenset((Cause.CREDENTIALS_REFUSED, Cause.ACCOUNT_LOCKED, Cause.NOT_CAPABLE))
"""What somebody has to mend, at the network or by other credentials."""

HELD = WITHHELD | {Cause.RATE_LIMITED, Cause.USAGE_CAPPED, Cause.CREDITS_USED_UP}
"""What holds an account back, and all that it wants to post."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A post of somebody else that concerns an account."""

    network_post_id: str
    author_user_id: str
    author_handle: str
    text: str
    conversation_id: str
    in_reply_to: str
    create_time: datetime
    in_reply_to_user_id: str = ""
    """Who wrote the post that it replies to; empty when it is no reply, or the network doesn't say."""


ConversationPost: TypeAlias = Mention
"""A post of a conversation, whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Posts of a conversation, the oldest first, and what it cost to read them."""

    posts: tuple[ConversationPost, ...]
    calls: int
    """How often the network was called."""
    posts_read: int
    """How many posts it showed, which is what X bills."""
    users_read: int


@dataclass(frozen=True, slots=True)
class SeenPost:
    """A post on an account's own timeline; its links are as they were written."""

    network_post_id: str
    text: str
    in_reply_to: str


@dataclass(frozen=True, slots=True)
class Published:
    """It is on the network, with this id."""

    network_post_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not posted, and it never will be."""

    reason: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """It was not posted now, because the account has a post with this text."""

    reason: str


@dataclass(frozen=True, slots=True)
class RateLimited:
    """It was not posted: a limit, a cap or the credits are used up, until this time, if that is told."""

    until: datetime | None = None
    reason: str = "the network's rate limit is used up"
    cause: Cause = Cause.RATE_LIMITED


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """It was not posted: the account or its app may not. It is tried again at this time, once that is decided."""

    reason: str
    cause: Cause = Cause.CREDENTIALS_REFUSED
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """It was not posted: the network was not reached."""

    reason: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """It may or may not have been posted."""

    reason: str


Outcome: TypeAlias = Published | Refused | Duplicate | RateLimited | Unauthorized | Unreachable | Undecided
"""How a send ended."""
