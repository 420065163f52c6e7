"""When something happens by chance: so many times a day on average, in some hours, by draws that anybody can repeat."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime

from services.agents.domain.hours import own_time
from services.agents.domain.persona import zone_of

_DAY_SECONDS, _SLOT_SECONDS = 86_400, 900
"""Clocks differ by whole quarters of an hour: one is within an hour or isn't."""
_MAX_DAYS = 3_650
_MAX_SECONDS = 2e11
"""Before the end of the calendar, for characters whose days are longer than lives."""


@dataclass(frozen=True, slots=True)
class Chances:
    """How many times a day of a character's own time, in which hours of which zone, and what the draws go by."""

    times_per_day: float
    hours: tuple[int, ...]
    time_zone: str
    seed: str

    def after(self, time: datetime, speed: float) -> datetime | None:
        """Return the first draw after a time; None when there is none in the next ten years of the character."""
        day = self._day(time, speed)
        for number in range(day, day + _MAX_DAYS):
            for drawn in self._of_day(number, speed):
                if drawn > time:
                    return drawn
        return None

    def newest(self, time: datetime, speed: float) -> datetime | None:
        """Return the last draw of this day and the one before that isn't after a time."""
        day = self._day(time, speed)
        drawn = [*self._of_day(day - 1, speed), *self._of_day(day, speed)]
        return max((one for one in drawn if one <= time), default=None)

    def _day(self, time: datetime, speed: float) -> int:
        return int(time.timestamp() * speed // _DAY_SECONDS)

    def _of_day(self, number: int, speed: float) -> list[datetime]:
        """Return what is drawn for a day of the character's own clock, in order."""
        rng = random.Random(f"{self.seed}/{number}")
        many = int(self.times_per_day) + (rng.random() < self.times_per_day % 1)
        if not many:
            return []
        zone, begin = zone_of(self.time_zone), number * _DAY_SECONDS
        slots = [
            start
            for start in range(begin, begin + _DAY_SECONDS, _SLOT_SECONDS)
            if own_time(_ours(start, speed), speed).astimezone(zone).hour in self.hours
        ]
        if not slots:
            return []
        return sorted(_ours(rng.choice(slots) + rng.random() * _SLOT_SECONDS, speed) for _ in range(many))


def _ours(own_seconds: float, speed: float) -> datetime:
    return datetime.fromtimestamp(min(own_seconds / speed, _MAX_SECONDS), UTC)
