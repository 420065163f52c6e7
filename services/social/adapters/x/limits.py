"""X's limits, as its headers and its refusals tell them."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from services.social.adapters.x.answers import Answer
from services.social.adapters.x.refusals import cause_of
from services.social.domain.limits import CAP_WINDOW, CREDITS_WINDOW, SHORT_WINDOW, Action, ReportedLimit, Scope
from services.social.domain.network import Cause

_HEADER = re.compile(r"x-(?:rate-limit|(?P<whose>user|app)-limit-(?P<window>[a-z0-9]{1,16}))-limit", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,9}")
_SECONDS = re.compile(r"[0-9]{1,11}")

_FAR = timedelta(days=31)


def reported_limits(answer: Answer, action: Action, now: datetime) -> list[ReportedLimit]:
    """Return every limit that an answer tells of; after a refusal by a limit at least one of them is used up."""
    reported = list(_in_headers(answer.headers, action, now))
    if answer.is_success:
        return reported
    later = _later(answer.headers.get("retry-after", ""), now)
    match cause_of(answer):
        case Cause.CREDITS_USED_UP:
            reported.append(ReportedLimit(Scope.APP, Action.ANY, CREDITS_WINDOW, 0, 0, later))
        case Cause.USAGE_CAPPED:
            reported.append(ReportedLimit(Scope.APP, action, CAP_WINDOW, 0, 0, later))
        case Cause.RATE_LIMITED if not any(limit.is_used_up for limit in reported):
            reported = [limit for limit in reported if limit.window != SHORT_WINDOW]
            reset = _reset(answer.headers.get("x-rate-limit-reset", ""), now) or later
            reported.append(ReportedLimit(Scope.ACCOUNT, action, SHORT_WINDOW, 0, 0, reset))
    return reported


def _in_headers(headers: Mapping[str, str], action: Action, now: datetime) -> Iterator[ReportedLimit]:
    for name in headers:
        if not (found := _HEADER.fullmatch(name)):
            continue
        family = name[: -len("-limit")]
        allowed, remaining = (_number(headers.get(f"{family}-{part}", "")) for part in ("limit", "remaining"))
        if not allowed:
            continue
        window = (found["window"] or SHORT_WINDOW).lower()
        scope = Scope.APP if (found["whose"] or "").lower() == "app" else Scope.ACCOUNT
        reset = _reset(headers.get(f"{family}-reset", ""), now)
        yield ReportedLimit(scope, action, window, allowed, allowed if remaining is None else remaining, reset)


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _later(text: str, now: datetime) -> datetime | None:
    """Return the time that a `Retry-After` names, in seconds or as a date; None when it names none."""
    if _SECONDS.fullmatch(text):
        return _within(now + timedelta(seconds=min(int(text), _FAR.total_seconds())), now)
    try:
        reported = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return _within(reported if reported.tzinfo else reported.replace(tzinfo=UTC), now)


def _reset(text: str, now: datetime) -> datetime | None:
    """Return when a limit is reset: after now, and within a month."""
    if not _SECONDS.fullmatch(text):
        return None
    latest = now + _FAR
    return _within(datetime.fromtimestamp(min(int(text), int(latest.timestamp())), UTC), now)


def _within(reported: datetime, now: datetime) -> datetime:
    return min(max(reported, now + timedelta(seconds=1)), now + _FAR)
