"""What the characters' clock showed while they were rehearsed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from services.agents.domain.hours import own_time

BEGINNING = datetime(2026, 1, 5, tzinfo=UTC)
"""What the characters' clock shows when a rehearsal begins: a Monday, so that two of them are alike."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEK_SECONDS = 7 * 86_400
_CYCLE_SECONDS = 146_097 * 86_400
_MAX_OFF = 0.1


def aligned(speed: float, now: datetime, shown: datetime) -> float:
    """Return a speed next to this one at which the characters' clock shows a given time now.

    It shows our time since 1970 times the speed, from the beginning again after 400 years; where the speeds that give
    the date are too far from the one that is wanted, it is the weekday and the hour alone.
    """
    seconds, wanted = now.timestamp(), (shown - _EPOCH).total_seconds()
    for period in (_CYCLE_SECONDS, _WEEK_SECONDS):
        found = (wanted + round((seconds * speed - wanted) / period) * period) / seconds
        if abs(found - speed) <= _MAX_OFF * speed:
            break
    return found


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the characters lived at one speed."""

    begin: datetime
    speed: float
    end: datetime | None = None
    """None while it lasts."""


@dataclass(frozen=True, slots=True)
class OwnClock:
    """The stretches of a rehearsal, oldest first, and none before it begins; what is between them wasn't lived."""

    stretches: Sequence[Stretch]

    @property
    def begin(self) -> datetime:
        """When the rehearsal began, by our clock."""
        return self.stretches[0].begin

    def at(self, time: datetime) -> datetime:
        """Return what the characters' clock showed, in UTC."""
        return own_time(time, self._stretch(time).speed)

    def lived(self, time: datetime) -> timedelta:
        """Return how much of their own time the characters had lived since the beginning."""
        total = timedelta()
        for stretch in self.stretches:
            end = min(time, stretch.end) if stretch.end else time
            total += max(timedelta(), end - stretch.begin) * stretch.speed
        return total

    def day(self, time: datetime, zone: tzinfo) -> int:
        """Return which of the days it was, from midnight to midnight in a zone: the first is 1."""
        first = self.at(self.begin).astimezone(zone)
        return (timedelta(hours=first.hour, minutes=first.minute) + self.lived(time)).days + 1

    def speed_at(self, time: datetime) -> float:
        """Return how many of their hours passed in one of ours."""
        return self._stretch(time).speed

    def _stretch(self, time: datetime) -> Stretch:
        return next((one for one in reversed(self.stretches) if one.begin <= time), self.stretches[0])
