"""What happens by chance: as often as the persona says, in its hours and never in its sleep, by draws that repeat."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from services.agents.domain.chances import Chances
from services.agents.domain.events import RECURRENCE
from services.agents.domain.persona import read_kept, read_persona
from tests.unit.agents.test_persona import minimal, violations

START = datetime(2026, 3, 1, tzinfo=UTC)
LISBON = "Europe/Lisbon"
NEWS = {"type": "news", "text": "It rains"}


def drawn(chances: Chances, until: datetime, speed: float = 1.0) -> list[datetime]:
    """Return all draws until a time."""
    found, time = [], START
    while (after := chances.after(time, speed)) and after < until:
        found.append(after)
        time = after
    return found


@pytest.mark.parametrize("times", [0.1, 1.0, 2.5])
def test_it_happens_as_often_as_is_said_on_average(times: float) -> None:
    found = drawn(Chances(times, tuple(range(24)), "", "wren"), START + timedelta(days=1_000))
    assert len(found) == pytest.approx(1_000 * times, rel=0.25)
    if times == 1.0:
        assert len({time.date() for time in found}) == len(found)


def test_it_happens_in_its_hours_alone_also_through_a_change_of_the_clocks() -> None:
    found = drawn(Chances(3, (0, 9, 23), LISBON, "wren"), START + timedelta(days=365))
    hours = {time.astimezone(read_persona(minimal(behavior=in_lisbon())).behavior.timezone).hour for time in found}
    assert hours == {0, 9, 23}


def in_lisbon(**more: Any) -> dict[str, Any]:
    return {"post_frequency": {"timezone": LISBON}, **more}


def test_the_same_is_drawn_again_and_something_else_for_another_character() -> None:
    hours, until = tuple(range(24)), START + timedelta(days=20)
    assert drawn(Chances(1, hours, "", "wren"), until) == drawn(Chances(1, hours, "", "wren"), until)
    assert drawn(Chances(1, hours, "", "wren"), until) != drawn(Chances(1, hours, "", "finch"), until)


def test_the_newest_is_the_last_one_that_was() -> None:
    chances = Chances(2, tuple(range(24)), "", "wren")
    found = drawn(chances, START + timedelta(days=5))
    for before, after in itertools.pairwise(found):
        assert chances.newest(after - timedelta(microseconds=1), 1.0) == before
        assert chances.newest(after, 1.0) == after


def test_at_another_speed_it_goes_by_the_characters_own_days() -> None:
    found = drawn(Chances(1, tuple(range(24)), "", "wren"), START + timedelta(days=1), 240.0)
    assert len(found) == pytest.approx(240, abs=2)
    assert Chances(1, tuple(range(24)), "", "wren").after(START, 1e-6) is not None


def test_where_no_hour_is_left_nothing_happens() -> None:
    assert Chances(24, (), "", "wren").after(START, 1.0) is None


def test_a_persona_says_what_happens_to_it() -> None:
    given = [
        NEWS | {"times_per_day": 2, "hours": [9.0, 10.0], "mood": {"valence": 0.2}, "post_probability": 1},
        {"type": "mood", "mood": {"valence": -0.5, "arousal": 0.1}, "text": "a bad night"},
        {"type": "interaction", "with": "finch", "text": "gates", "times_per_day": 0.25},
    ]
    first, second, third = read_persona(minimal(behavior={"random_events": given})).behavior.random_events
    assert (first.times_per_day, first.hours, first.push) == (2, (9, 10), (0.2, 0.0, 0.0))
    assert (second.push, second.times_per_day) == ((-0.5, 0.1, 0.0), 1)
    assert (third.counterpart, third.text) == ("finch", "gates")


@pytest.mark.parametrize(
    ("event", "field", "rule"),
    [
        ({"text": "It rains"}, "type", "is required"),
        ({"type": "war"}, "type", "must be one of news, mood, interaction"),
        ({"type": "news"}, "text", "is required for news"),
        ({"type": "mood"}, "mood", "is required for mood"),
        ({"type": "interaction"}, "with", "is required for interaction"),
        (NEWS | {"times_per_day": 25}, "times_per_day", "must be 0.003 to 24"),
        (NEWS | {"hours": [24]}, "hours[0]", "must be 0 to 23"),
        (NEWS | {"mood": {"valence": 3}}, "mood.valence", "must be -2 to 2"),
    ],
)
def test_what_is_wrong_with_one_is_named(event: dict[str, Any], field: str, rule: str) -> None:
    found = violations(minimal(behavior={"random_events": [event]}))
    assert found[f"persona.behavior.random_events[0].{field}"].startswith(rule)


def test_of_a_stored_persona_one_that_breaks_a_rule_does_not_happen() -> None:
    kept = read_kept(minimal(behavior={"random_events": [{"type": "mood"}, NEWS]}))
    assert [event.text for event in kept.behavior.random_events] == ["It rains"]


def test_what_was_stored_is_read_as_it_was_meant() -> None:
    value = {"times_per_day": 0.5, "hours": [7, 8], "time_zone": LISBON, "seed": "wren/ab"}
    stored = {"type": "chances", "value": value}
    chances = Chances(0.5, (7, 8), LISBON, "wren/ab")
    assert RECURRENCE.process_result_value(stored, sqlite.dialect()) == chances
    assert json.loads(json.dumps(RECURRENCE.process_bind_param(chances, sqlite.dialect()))) == stored
