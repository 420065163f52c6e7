"""When a character does something next. Its hours pass `speed` times as fast as ours."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.agents.domain.hours import is_asleep, is_peak, waking
from services.agents.domain.persona import Behavior

_DRAWS = 3
_FORGOTTEN = timedelta(minutes=15)
"""What is overdue by more than this isn't caught up with: a machine that has slept doesn't wake with a burst."""
_RISING = timedelta(hours=1)
"""Of a character's time: what falls into its sleep comes within so much after it, each thing by a draw of its own."""
_CATCHING_UP = timedelta(minutes=30)
"""Of a character's time: within so much it does what it would have done long ago."""
_LATE = timedelta(minutes=15)
"""Of a character's time: an answer that is late by less comes at once."""


CROWDED = timedelta(hours=2)
"""How far ahead is looked for what else is planned."""
_FIRST_A_SECOND = 5
"""How many first deeds of characters that are started together come in a second, as far as their pauses allow."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """How often something is done: a pause in minutes of the character's time, and the first one after its start."""

    low: float
    high: float
    first_low: float
    first_high: float
    in_peak_hours: bool = False
    """True for what is rather done in the peak hours of its persona."""
    whim: float = 0.0
    """How likely a pause is shorter than `low`: any up to that is as likely then."""


def first_due(
    pauses: Pauses,
    behavior: Behavior,
    now: datetime,
    speed: float,
    rng: random.Random,
    spread: timedelta = timedelta(),
) -> datetime:
    """Return when a started character does something first: sooner where it acts more often than that.

    The draw keeps characters that are started together apart; among many it is from all of `spread`, as far as the
    longest pause allows.
    """
    often = pauses.high / pauses.first_high
    high = pauses.first_high * min(1.0, often)
    high = max(high, min(spread * speed / timedelta(minutes=1), pauses.high))
    first = timedelta(minutes=rng.uniform(pauses.first_low * min(1.0, often), high) / speed)
    return awake_due(now + first, behavior, speed, rng)


def spread_of(crowd: int) -> timedelta:
    """Return over how long first deeds are spread while so much is planned for `CROWDED` already."""
    return timedelta(seconds=crowd / _FIRST_A_SECOND)


def next_due(pauses: Pauses, behavior: Behavior, now: datetime, speed: float, rng: random.Random) -> datetime:
    """Return when a character does something again: a draw from its range, perhaps rather in its peak hours.

    It is later than its longest pause only where the character sleeps then, and sooner than its shortest on a whim.
    """
    low, high = (0.0, pauses.low) if pauses.whim and rng.random() < pauses.whim else (pauses.low, pauses.high)
    draws = [now + timedelta(minutes=rng.uniform(low, high) / speed) for _ in range(_DRAWS)]
    due = draws[0]
    if pauses.in_peak_hours:
        due = next((one for one in draws if _is_preferred(behavior, one, speed)), due)
    return awake_due(due, behavior, speed, rng)


def awake_due(due: datetime, behavior: Behavior, speed: float, rng: random.Random) -> datetime:
    """Return this time, or, where the character sleeps then, one soon after it wakes."""
    while is_asleep(behavior, due, speed):
        due = waking(behavior, due, speed) + rng.random() * _RISING / speed
    return due


def in_reach(
    pauses: Pauses, due: datetime, behavior: Behavior, now: datetime, speed: float, rng: random.Random
) -> datetime:
    """Return when something planned is due: as planned, or anew when that is later than its longest pause allows.

    The persona, the speed or the clock may have been others when it was planned.
    """
    if is_forgotten(due, now):
        return first_due(pauses, behavior, now, speed, rng)
    latest = now + timedelta(minutes=pauses.high / speed)
    if behavior.quiet_hours is not None:
        latest = waking(behavior, latest, speed) + _RISING / speed
    if due > latest:
        return next_due(pauses, behavior, now, speed, rng)
    return awake_due(due, behavior, speed, rng)


def is_forgotten(due: datetime, now: datetime) -> bool:
    """Say whether something is overdue for so long that nobody would still catch up with it."""
    return now - due > _FORGOTTEN


def caught_up(behavior: Behavior, now: datetime, speed: float, rng: random.Random) -> datetime:
    """Return when something is done that was due long ago: soon, and not all at once."""
    return awake_due(now + rng.random() * _CATCHING_UP / speed, behavior, speed, rng)


def reply_due(said: datetime, behavior: Behavior, now: datetime, speed: float, rng: random.Random) -> datetime:
    """Return when a mention is answered: after a delay of its own since it was said, and not before now.

    Sleep comes before that. What should have been answered long ago, or in the sleep, is answered soon.
    """
    delay = timedelta(minutes=rng.uniform(behavior.min_response_minutes, behavior.max_response_minutes) / speed)
    planned = said + delay
    due = awake_due(planned, behavior, speed, rng)
    if due >= now:
        return due
    if due == planned and (now - due) * speed <= _LATE:
        return awake_due(now, behavior, speed, rng)
    return caught_up(behavior, now, speed, rng)


def _is_preferred(behavior: Behavior, due: datetime, speed: float) -> bool:
    return is_peak(behavior, due, speed) and not is_asleep(behavior, due, speed)
