"""A character's own clock, and when it sleeps.

It shows our time at a speed of 1. At another speed it has run so much faster since 1970, and peak hours, quiet hours
and days go by it. After 400 years, when the calendar repeats itself, it begins again.
"""

from datetime import UTC, date, datetime, time, timedelta

from services.agents.domain.persona import Behavior, QuietHours

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400
_CYCLE_SECONDS = 146_097 * _DAY_SECONDS
"""400 years, after which the Gregorian calendar repeats itself with its weekdays."""
_MICROSECOND = timedelta(microseconds=1)


def own_day(now: datetime, speed: float) -> int:
    """Return the number of the day that it is on the characters' own clock, in UTC."""
    return int(now.timestamp() * speed // _DAY_SECONDS)


def own_time(now: datetime, speed: float) -> datetime:
    """Return what the characters' own clock shows, in UTC."""
    if speed == 1:
        return now.astimezone(UTC)
    return _EPOCH + timedelta(seconds=now.timestamp() * speed % _CYCLE_SECONDS)


def is_peak(behavior: Behavior, now: datetime, speed: float) -> bool:
    """Say whether it is one of the hours in which a character rather posts."""
    return own_time(now, speed).astimezone(behavior.timezone).hour in behavior.peak_posting_hours


def is_asleep(behavior: Behavior, now: datetime, speed: float) -> bool:
    """Say whether a character sleeps."""
    return behavior.quiet_hours is not None and _is_within(behavior, behavior.quiet_hours, own_time(now, speed))


def waking(behavior: Behavior, now: datetime, speed: float) -> datetime:
    """Return when a character that sleeps wakes, and this time of one that is awake."""
    quiet, own = behavior.quiet_hours, own_time(now, speed)
    if quiet is None or not _is_within(behavior, quiet, own):
        return now
    day: date = own.astimezone(behavior.timezone).date()
    woken = own
    # A day may lack its hour awake, where clocks are put forward over it, and a zone may have lacked a whole day.
    while woken <= own or _is_within(behavior, quiet, woken):
        woken = datetime.combine(day, time(quiet.end), behavior.timezone).astimezone(UTC)
        day += timedelta(days=1)
    # Rounded up: it must not be a moment before.
    return now + (woken - own) / speed + (_MICROSECOND if speed != 1 else timedelta())


def _is_within(behavior: Behavior, quiet: QuietHours, own: datetime) -> bool:
    return quiet.holds(own.astimezone(behavior.timezone).hour)
