"""What a network shows, and how it answers a post."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias


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


@dataclass(frozen=True, slots=True)
class SeenPost:
    """A post on an account's own timeline; its links are as they were written."""

    network_post_id: str
    text: str
    in_reply_to: str


@dataclass(frozen=True, slots=True)
class Published:
    """It is on the network, with this id.

    `posts_a_day` is how many posts in 24 hours the network says that the account may make; 0 when it doesn't say.
    """

    network_post_id: str
    posts_a_day: int = 0


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
    """It was not posted, and may be sent again at this time."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """It was not posted: the network doesn't take the credentials."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """It was not posted: no connection came about."""

    reason: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """It may or may not have been posted."""

    reason: str


Outcome: TypeAlias = Published | Refused | Duplicate | RateLimited | Unauthorized | Unreachable | Undecided
"""How a send ended."""
