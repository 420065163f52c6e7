"""When something happens again: recurrence rules of RFC 5545, in the hours of a time zone."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

_FREQUENCIES = frozenset(("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
_NUMBERS: Mapping[str, tuple[int, int]] = {
    "INTERVAL": (1, 366),
    "COUNT": (1, 10_000),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
}
_ONE_OF_EACH = frozenset(("INTERVAL", "COUNT"))
_DAY = re.compile(r"(?:[+-]?[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)")
_UNTIL = re.compile(r"\d{8}(?:T\d{6}Z?)?")
_NUMBER = re.compile(r"-?\d{1,5}")
_MAX_PARTS = 40
_LEAP_YEAR = 2028


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule, without `RRULE:`, and the IANA name of the time zone of its hours and days."""

    rule: str
    time_zone: str = "UTC"

    def after(self, start: datetime, time: datetime) -> datetime | None:
        """Return the first occurrence after a time of what happens first at `start`; None when there is none.

        An hour that the change to summer time leaves out is an hour later, and one that comes twice is the first.
        """
        zone = ZoneInfo(self.time_zone)
        # Within the rule it is the hours on the wall that count.
        moment = time.astimezone(zone).replace(tzinfo=None)
        for found in self._rule(start, zone).xafter(moment):
            due = found.replace(tzinfo=zone).astimezone(UTC)
            if due > time:
                return due
        return None

    def newest(self, start: datetime, time: datetime) -> datetime | None:
        """Return the last occurrence that isn't after a time; None when there was none."""
        zone = ZoneInfo(self.time_zone)
        found = self._rule(start, zone).before(time.astimezone(zone).replace(tzinfo=None), inc=True)
        return None if found is None else found.replace(tzinfo=zone).astimezone(UTC)

    def first(self, start: datetime) -> datetime | None:
        """Return the first occurrence, at `start` or later."""
        zone = ZoneInfo(self.time_zone)
        found = next(iter(self._rule(start, zone)), None)
        return None if found is None else found.replace(tzinfo=zone).astimezone(UTC)

    def _rule(self, start: datetime, zone: ZoneInfo) -> rrule:
        begin = start.astimezone(zone).replace(tzinfo=None, microsecond=0)
        parts = dict(part.split("=", 1) for part in self.rule.upper().split(";"))
        if (until := parts.get("UNTIL", "")).endswith("Z"):
            moment = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            parts["UNTIL"] = f"{moment.astimezone(zone):%Y%m%dT%H%M%S}"
        # Nine o'clock is nine o'clock sharp, whatever second the event was made at.
        parts.setdefault("BYSECOND", "0" if "BYMINUTE" in parts else str(begin.second))
        rule = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=begin)
        if not isinstance(rule, rrule):
            raise TypeError("a rule is one rule")
        return rule


def fault_of(rule: str) -> str:
    """Say what is wrong with a rule, as what follows its field's name; empty when nothing is."""
    parts: dict[str, str] = {}
    for part in rule.upper().split(";"):
        name, sign, value = part.partition("=")
        if not (sign and value) or name in parts:
            return "must be parts such as FREQ=DAILY, each once, with ; between them"
        parts[name] = value
    if parts.get("FREQ") not in _FREQUENCIES:
        return f"must have a FREQ out of {', '.join(sorted(_FREQUENCIES))}"
    if "COUNT" in parts and "UNTIL" in parts:
        return "must not have both COUNT and UNTIL"
    return next((fault for name, value in parts.items() if (fault := _fault_of_part(name, value))), "") or _never(parts)


def _fault_of_part(name: str, value: str) -> str:
    items = value.split(",")
    if name == "FREQ":
        return ""
    if name == "UNTIL":
        return "" if _is_time(value) else "must have an UNTIL such as 20270101T000000Z"
    if len(items) > (1 if name in _ONE_OF_EACH else _MAX_PARTS):
        return f"has too many values in {name}"
    if name == "BYDAY":
        return "" if all(map(_DAY.fullmatch, items)) else "must have days in BYDAY such as MO or -1FR"
    if name not in _NUMBERS:
        return f"has {name[:20]}, which is not known"
    least, limit = _NUMBERS[name]
    is_good = all(
        _NUMBER.fullmatch(item) and least <= int(item) <= limit and (least > -1 or int(item)) for item in items
    )
    return "" if is_good else f"must have whole numbers from {least} to {limit} in {name}"


def _is_time(value: str) -> bool:
    if not _UNTIL.fullmatch(value):
        return False
    try:
        datetime.strptime(value.rstrip("Z"), "%Y%m%dT%H%M%S" if "T" in value else "%Y%m%d")  # noqa: DTZ007
    except ValueError:
        return False
    return True


def _never(parts: Mapping[str, str]) -> str:
    """Refuse days that no month has, which would be looked for until the end of the calendar."""
    if "BYMONTHDAY" not in parts or "BYMONTH" not in parts:
        return ""
    longest = max(calendar.monthrange(_LEAP_YEAR, int(month))[1] for month in parts["BYMONTH"].split(","))
    is_there = any(abs(int(day)) <= longest for day in parts["BYMONTHDAY"].split(","))
    return "" if is_there else "never happens: these months don't have such a day"
