"""When a character does something next. Its hours pass `speed` times as fast as ours."""

import random
from datetime import datetime, timedelta

from services.agents.domain.entities import ActionKind
from services.agents.domain.persona import Persona

_FIRST_MINUTES = {ActionKind.POST: (0.0, 5.0), ActionKind.REPLY: (0.5, 2.0), ActionKind.TRADE: (2.0, 9.0)}
_DRAWS = 3


def kinds(persona: Persona) -> tuple[ActionKind, ...]:
    """Return what a character does by itself, given an account and, for trades, a wallet."""
    own = (ActionKind.POST, ActionKind.REPLY)
    return (*own, ActionKind.TRADE) if persona.trading.is_enabled else own


def first_due(kind: ActionKind, persona: Persona, now: datetime, speed: float, rng: random.Random) -> datetime:
    """Return when a started character does something first.

    It is within the first ten minutes of the character's time, or sooner where it acts more often than that; the draw
    keeps characters that are started together apart.
    """
    low, high = _FIRST_MINUTES[kind]
    often = _minutes(kind, persona)[1] / high
    return now + timedelta(minutes=rng.uniform(low, high) * min(1.0, often) / speed)


def next_due(kind: ActionKind, persona: Persona, now: datetime, speed: float, rng: random.Random) -> datetime:
    """Return when a character does something again: a draw from its range, for posts rather in its peak hours."""
    low, high = _minutes(kind, persona)
    draws = [now + timedelta(minutes=rng.uniform(low, high) / speed) for _ in range(_DRAWS)]
    if kind is not ActionKind.POST:
        return draws[0]
    behavior = persona.behavior
    return next(
        (due for due in draws if due.astimezone(behavior.timezone).hour in behavior.peak_posting_hours), draws[0]
    )


def in_reach(
    kind: ActionKind, due: datetime, persona: Persona, now: datetime, speed: float, rng: random.Random
) -> datetime:
    """Return when something planned is due: as planned, or anew when that is later than its longest pause allows.

    The persona, the speed or the clock may have been others when it was planned.
    """
    longest = timedelta(minutes=_minutes(kind, persona)[1] / speed)
    return due if due <= now + longest else next_due(kind, persona, now, speed, rng)


def _minutes(kind: ActionKind, persona: Persona) -> tuple[float, float]:
    behavior, trading = persona.behavior, persona.trading
    match kind:
        case ActionKind.POST:
            return behavior.min_hours_between_posts * 60, behavior.max_hours_between_posts * 60
        case ActionKind.REPLY:
            return behavior.min_response_minutes, behavior.max_response_minutes
        case ActionKind.TRADE:
            return trading.min_hours_between_trades * 60, trading.max_hours_between_trades * 60
