"""When a character does something next. Its hours pass `speed` times as fast as ours."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.agents.domain.persona import Behavior, Persona

_DRAWS = 3
_FORGOTTEN = timedelta(minutes=15)
"""What is overdue by more than this isn't caught up with: a machine that has slept doesn't wake with a burst."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """How often something is done: a pause in minutes of the character's time, and the first one after its start."""

    low: float
    high: float
    first_low: float
    first_high: float
    in_peak_hours: bool = False
    """True for what is rather done in the peak hours of its persona."""


def first_due(pauses: Pauses, now: datetime, speed: float, rng: random.Random) -> datetime:
    """Return when a started character does something first: sooner where it acts more often than that.

    The draw keeps characters that are started together apart.
    """
    often = pauses.high / pauses.first_high
    return now + timedelta(minutes=rng.uniform(pauses.first_low, pauses.first_high) * min(1.0, often) / speed)


def next_due(pauses: Pauses, behavior: Behavior, now: datetime, speed: float, rng: random.Random) -> datetime:
    """Return when a character does something again: a draw from its range, perhaps rather in its peak hours."""
    draws = [now + timedelta(minutes=rng.uniform(pauses.low, pauses.high) / speed) for _ in range(_DRAWS)]
    if not pauses.in_peak_hours:
        return draws[0]
    peak, zone = behavior.peak_posting_hours, behavior.timezone
    return next((due for due in draws if due.astimezone(zone).hour in peak), draws[0])


def in_reach(
    pauses: Pauses, due: datetime, behavior: Behavior, now: datetime, speed: float, rng: random.Random
) -> datetime:
    """Return when something planned is due: as planned, or anew when that is later than its longest pause allows.

    The persona, the speed or the clock may have been others when it was planned.
    """
    if is_forgotten(due, now):
        return first_due(pauses, now, speed, rng)
    longest = timedelta(minutes=pauses.high / speed)
    return due if due <= now + longest else next_due(pauses, behavior, now, speed, rng)


def is_forgotten(due: datetime, now: datetime) -> bool:
    """Say whether something is overdue for so long that nobody would still catch up with it."""
    return now - due > _FORGOTTEN


def reply_due(said: datetime, persona: Persona, now: datetime, speed: float, rng: random.Random) -> datetime:
    """Return when a mention is answered: after a delay of its own since it was said, and not before now."""
    behavior = persona.behavior
    delay = timedelta(minutes=rng.uniform(behavior.min_response_minutes, behavior.max_response_minutes) / speed)
    return max(now, said + delay)
