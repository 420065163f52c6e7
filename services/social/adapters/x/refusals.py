"""What a refusal of X means: for a post, whether it is held, withheld or final; for a read, which error it is."""

from services.runtime.errors import PuppetError
from services.social.adapters.x.answers import Answer
from services.social.domain.errors import WITHHELD_FOR, NetworkUnavailable
from services.social.domain.network import Cause

_KINDS = {
    "credits-depleted": Cause.CREDITS_USED_UP,
    "usage-capped": Cause.USAGE_CAPPED,
    "rate-limit-exceeded": Cause.RATE_LIMITED,
    "client-forbidden": Cause.NOT_CAPABLE,
    "oauth1-permissions": Cause.CREDENTIALS_REFUSED,
    "oauth2-permissions": Cause.CREDENTIALS_REFUSED,
    "unsupported-authentication": Cause.CREDENTIALS_REFUSED,
}
"""Problems that have a type of their own, whatever the status."""

_CODES = {
    64: Cause.ACCOUNT_LOCKED,  # suspended
    326: Cause.ACCOUNT_LOCKED,
    89: Cause.CREDENTIALS_REFUSED,
    261: Cause.CREDENTIALS_REFUSED,  # the app may not write
    453: Cause.NOT_CAPABLE,
    88: Cause.RATE_LIMITED,
    185: Cause.RATE_LIMITED,  # the account's posts of a day
    187: Cause.DUPLICATE,
}
"""Errors that have a number of their own, as X's older servers write them."""

_STATUSES = {
    401: Cause.CREDENTIALS_REFUSED,
    402: Cause.CREDITS_USED_UP,
    408: Cause.OUTCOME_UNKNOWN,
    429: Cause.RATE_LIMITED,
}


def cause_of(answer: Answer) -> Cause:
    """Return what a refusal means; REFUSED when it is about what was asked for, or doesn't say."""
    by_kind = _KINDS.get(answer.kind)
    by_code = next((_CODES[code] for code in sorted(answer.codes & _CODES.keys())), None)
    by_status = Cause.OUTCOME_UNKNOWN if answer.status >= 500 else _STATUSES.get(answer.status)
    if cause := by_kind or by_code or by_status:
        return cause
    if answer.status < 400 or not answer.is_from_the_api:
        return Cause.NETWORK_UNAVAILABLE
    if answer.problem.get("reason") == "client-not-enrolled":
        return Cause.NOT_CAPABLE
    # X gives this refusal no code of its own.
    if answer.status == 403 and "duplicate content" in answer.detail.lower():
        return Cause.DUPLICATE
    return Cause.REFUSED


def read_error(answer: Answer) -> PuppetError:
    """Return the error of a read that was refused for anything but a limit."""
    cause = cause_of(answer)
    # A read of an account's own things that is refused without more words is refused to the account.
    if cause is Cause.REFUSED and answer.status == 403:
        cause = Cause.ACCOUNT_LOCKED
    if error := WITHHELD_FOR.get(cause):
        return error(f"X refused the account: {answer.detail}")
    return NetworkUnavailable(words_of(answer))


def words_of(answer: Answer) -> str:
    """Return a refusal in words."""
    to = answer.headers.get("location", "") if 300 <= answer.status < 400 else ""
    moved = f" (it points to {to[:200]}: is the base URL right?)" if to else ""
    return f"X answered {answer.status}: {answer.detail}{moved}"
