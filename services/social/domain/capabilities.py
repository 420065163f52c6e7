"""What a network and the tier of an app allow, by their published rules."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from services.runtime.errors import InvalidRequest, Violation
from services.runtime.text.weight import TextLimit


class Tier(StrEnum):
    """How much of its API a network opens to the app: everything, or what X's self-serve plans include."""

    FULL = "full"
    SELF_SERVE = "self_serve"


class ReplyScope(StrEnum):
    """Whom an account may reply to."""

    MENTIONED = "mentioned"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an account may do."""

    text_limit: TextLimit
    reply_scope: ReplyScope
    can_post: bool
    can_quote: bool
    can_like: bool
    can_repost: bool
    can_follow: bool
    can_thread: bool
    can_attach_media: bool
    can_edit: bool
    can_delete: bool

    def check(self, text: str) -> None:
        """Raise InvalidRequest when a text is longer than the network takes it."""
        weight, limit = self.text_limit.weigh(text), self.text_limit.max_weight
        if weight > limit:
            words = f"must have at most {limit} characters as the network weighs them, and has {weight}"
            raise InvalidRequest([Violation("text", words)])


@dataclass(frozen=True, slots=True)
class PostQuota:
    """How much an account may post in a time; None where that isn't known."""

    window: timedelta
    max_posts: int | None
    max_replies: int | None
