"""Why the social service refuses a call."""

from typing import ClassVar

from services.runtime import errors
from services.social.domain.network import Cause


class AccountNotFound(errors.NotFound):
    """No account has this id."""

    reason = "ACCOUNT_NOT_FOUND"

    def __init__(self, account_id: str) -> None:
        super().__init__(f"no account {account_id!r}", id=account_id)


class PostNotFound(errors.NotFound):
    """The outbox has no post with this id."""

    reason = "POST_NOT_FOUND"

    def __init__(self, post_id: str) -> None:
        super().__init__(f"no post {post_id!r}", id=post_id)


class AccountExists(errors.AlreadyExists):
    """The agent has another account on this network, or another agent has this one."""

    reason = "ACCOUNT_EXISTS"

    def __init__(self, agent_id: str, handle: str) -> None:
        named = f"the account @{handle}" if handle else "an account"
        super().__init__(
            f"{agent_id!r} already has {named}: one character has one account, and large letters make no other handle",
            agent_id=agent_id,
            handle=handle,
        )


class CredentialsRefused(errors.WrongState):
    """Register the account again, with credentials that the network takes."""

    reason = "CREDENTIALS_REFUSED"


class NotCapable(errors.WrongState):
    """The account's tier doesn't include this."""

    reason = "NOT_CAPABLE"


class NetworkRateLimited(errors.Exhausted):
    """The network's limit for this account is used up until `retry_after` seconds have passed."""

    reason = "NETWORK_RATE_LIMITED"
    words: ClassVar[str] = "the network's rate limit is used up"


class UsageCapped(NetworkRateLimited):
    """The cap of the app's plan is reached; it is tried again after `retry_after` seconds."""

    reason = "USAGE_CAPPED"
    words = "the usage cap of the network's plan is reached"


class CreditsUsedUp(NetworkRateLimited):
    """The app's credits are used up; it is tried again after `retry_after` seconds."""

    reason = "CREDITS_USED_UP"
    words = "the credits at the network are used up"


class AccountLocked(errors.WrongState):
    """The network lets the account do nothing, until its owner has it opened there."""

    reason = "ACCOUNT_LOCKED"


class AccountBusy(errors.Unavailable):
    """A post of the account is being sent."""

    reason = "ACCOUNT_BUSY"

    def __init__(self) -> None:
        super().__init__("a post of this account is being sent")


class ReplyShareUsedUp(errors.Exhausted):
    """What an account may post a day is used up as far as replies go; posts of its own still go out."""

    reason = "REPLY_SHARE_USED_UP"

    def __init__(self, handle: str, replies: int, retry_after: float) -> None:
        message = (
            f"@{handle} has made the {replies} replies that it may make in 24 hours; the rest is for its own posts"
        )
        super().__init__(message, retry_after, f"@{handle}")


class NetworkUnavailable(errors.Unavailable):
    """The network can't be reached, or doesn't answer as it should."""

    reason = "NETWORK_UNAVAILABLE"


USED_UP_FOR: dict[Cause, type[NetworkRateLimited]] = {
    Cause.RATE_LIMITED: NetworkRateLimited,
    Cause.USAGE_CAPPED: UsageCapped,
    Cause.CREDITS_USED_UP: CreditsUsedUp,
}
"""What is raised when a limit is used up."""

WITHHELD_FOR: dict[Cause, type[errors.WrongState]] = {
    Cause.CREDENTIALS_REFUSED: CredentialsRefused,
    Cause.ACCOUNT_LOCKED: AccountLocked,
    Cause.NOT_CAPABLE: NotCapable,
}
"""What is raised when an account or its app may not do something."""
