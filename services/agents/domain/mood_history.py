"""How a character felt over time: from its recorded moods a curve of few points, in which no great change is lost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.agents.domain.mood import HALF_LIFE, Mood, decay

SHOWN = 4 * HALF_LIFE
"""The time of the character's own that a curve shows by itself: a sixteenth of a mood is left after it."""


@dataclass(frozen=True, slots=True)
class Felt:
    """How a character felt at some time, and what had just moved it; nothing where it was only relaxing."""

    time: datetime
    mood: Mood
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is cut into equal parts; `speed` is how many hours of the character pass in one of it."""

    start: datetime
    end: datetime
    parts: int
    speed: float

    def place(self, time: datetime) -> int:
        """Return the part that a time of the span is in, from 0 on."""
        return min(self.parts - 1, int((time - self.start) / (self.end - self.start) * self.parts))

    def end_of(self, part: int) -> datetime:
        """Return the time at which a part ends."""
        return self.start + (self.end - self.start) * (part + 1) / self.parts


class Curve:
    """The points of a curve: of each part of the time the greatest change, or else the mood at the part's end."""

    def __init__(self, span: Span, usual: Mood, before: Felt | None) -> None:
        """Take what the mood relaxes to, and the last one that is known from before the time, if there is one."""
        self._span = span
        self._usual = usual
        self._last = before
        self._greatest: dict[int, tuple[float, Felt]] = {}
        self._at_end: dict[int, Felt] = {}
        self._next_part = 0

    def add(self, changes: Iterable[Felt]) -> None:
        """Take further changes, none of them before the ones that are there."""
        for felt in changes:
            part = self._span.place(felt.time)
            self._relax(part)
            shift = _distance(self._mood_at(felt.time), felt.mood)
            if part not in self._greatest or shift > self._greatest[part][0]:
                self._greatest[part] = (shift, felt)
            self._last = felt

    def points(self) -> Iterator[Felt]:
        """Yield the points, oldest first; parts before the first mood that is known have none."""
        self._relax(self._span.parts)
        for part in range(self._span.parts):
            if part in self._greatest:
                yield self._greatest[part][1]
            elif part in self._at_end:
                yield self._at_end[part]

    def _relax(self, until: int) -> None:
        """Note how it felt at the end of each part before this one."""
        for part in range(self._next_part, until):
            end = self._span.end_of(part)
            if (mood := self._mood_at(end)) is not None:
                self._at_end[part] = Felt(end, mood)
        self._next_part = max(self._next_part, until)

    def _mood_at(self, time: datetime) -> Mood | None:
        if self._last is None:
            return None
        elapsed = max(timedelta(), time - self._last.time)
        return decay(self._last.mood, self._usual, elapsed * self._span.speed)


def _distance(before: Mood | None, after: Mood) -> float:
    """Return how far a mood has moved; nowhere where it is the first that is known."""
    if before is None:
        return 0.0
    return max(
        abs(after.valence - before.valence) / 2,
        abs(after.arousal - before.arousal),
        abs(after.dominance - before.dominance),
    )
