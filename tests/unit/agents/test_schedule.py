"""When characters act."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.agents.domain.entities import ActionKind
from services.agents.domain.persona import Persona
from services.agents.domain.schedule import first_due, in_reach, kinds, next_due

NOW = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("kind", ActionKind)
def test_everything_begins_within_ten_minutes_of_the_characters_time(kind: ActionKind, persona: Persona) -> None:
    for speed in (1.0, 60.0):
        dues = [first_due(kind, persona, NOW, speed, random.Random(seed)) for seed in range(50)]
        assert all(NOW <= due <= NOW + timedelta(minutes=10) / speed for due in dues)
        assert len(set(dues)) > 40


def test_who_posts_every_few_seconds_begins_as_soon(persona: Persona) -> None:
    hasty = replace(
        persona, behavior=replace(persona.behavior, min_hours_between_posts=0.001, max_hours_between_posts=0.01)
    )
    assert first_due(ActionKind.POST, hasty, NOW, 1, random.Random(1)) <= NOW + timedelta(hours=0.01)


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        (ActionKind.POST, timedelta(hours=2), timedelta(hours=4)),
        (ActionKind.REPLY, timedelta(minutes=1), timedelta(minutes=5)),
        (ActionKind.TRADE, timedelta(hours=4), timedelta(hours=8)),
    ],
)
def test_the_next_time_lies_within_the_range_whatever_the_speed(
    kind: ActionKind, least: timedelta, most: timedelta, persona: Persona
) -> None:
    for speed in (1.0, 120.0):
        for seed in range(50):
            wait = next_due(kind, persona, NOW, speed, random.Random(seed)) - NOW
            assert least / speed <= wait + timedelta(microseconds=1)
            assert wait <= most / speed + timedelta(microseconds=1)


def test_posts_rather_come_in_peak_hours_of_the_characters_zone(persona: Persona) -> None:
    # From noon in UTC, two to four hours later is 15 to 17 o'clock in Dublin's summer.
    peak = replace(persona, behavior=replace(persona.behavior, peak_posting_hours=frozenset({16})))
    zone = persona.behavior.timezone

    def share(who: Persona) -> float:
        dues = [next_due(ActionKind.POST, who, NOW, 1, random.Random(seed)) for seed in range(300)]
        return sum(due.astimezone(zone).hour == 16 for due in dues) / len(dues)

    assert share(peak) > 0.75 > 0.6 > share(persona)


def test_the_same_draw_gives_the_same_time(persona: Persona) -> None:
    dues = {next_due(ActionKind.POST, persona, NOW, 1, random.Random("wf-1")) for _ in range(3)}
    assert len(dues) == 1


def test_who_may_not_trade_has_no_trades_due(persona: Persona) -> None:
    assert ActionKind.TRADE in kinds(persona)
    assert ActionKind.TRADE not in kinds(replace(persona, trading=replace(persona.trading, is_enabled=False)))


@pytest.mark.parametrize("kind", ActionKind)
def test_nothing_is_due_later_than_its_longest_pause_allows(kind: ActionKind, persona: Persona) -> None:
    longest = {
        ActionKind.POST: timedelta(hours=4),
        ActionKind.REPLY: timedelta(minutes=5),
        ActionKind.TRADE: timedelta(hours=8),
    }[kind]
    for speed in (1.0, 60.0):
        latest = NOW + longest / speed
        for planned in (NOW - timedelta(days=1), NOW, latest):
            assert in_reach(kind, planned, persona, NOW, speed, random.Random(1)) == planned
        for planned in (latest + timedelta(seconds=1), NOW + timedelta(days=9_000)):
            assert NOW < in_reach(kind, planned, persona, NOW, speed, random.Random(1)) <= latest
