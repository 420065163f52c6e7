"""The curve of a mood: few points, and no great change is lost."""

from datetime import UTC, datetime, timedelta

import pytest

from services.agents.domain.mood import HALF_LIFE, NEUTRAL, Mood
from services.agents.domain.mood_history import Curve, Felt, Span

START = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOW, HIGH = Mood(-1, 0.4, 0.5), Mood(1, 0.4, 0.5)


def test_between_two_changes_a_mood_relaxes_in_the_characters_own_time() -> None:
    for speed in (1, 240):
        half_life = HALF_LIFE / speed
        curve = Curve(Span(START, START + 2 * half_life, 2, speed), NEUTRAL, Felt(START, HIGH))
        valences = [felt.mood.valence for felt in curve.points()]
        assert valences == pytest.approx([0.1 + 0.45, 0.1 + 0.225])


def test_of_each_part_the_greatest_change_is_shown_with_its_own_time_and_cause() -> None:
    curve = Curve(Span(START, START + 2 * HOUR, 2, 1), NEUTRAL, Felt(START, NEUTRAL))
    blow = Felt(START + HOUR / 3, LOW, ("trade_loss",))
    curve.add([Felt(START + HOUR / 4, NEUTRAL.moved(0.1, 0, 0), ("posted",)), blow])
    curve.add([Felt(START + HOUR / 2, LOW.moved(0.1, 0, 0), ("posted",))])
    first, second = curve.points()
    assert first == blow
    assert (second.time, second.causes) == (START + 2 * HOUR, ())
    assert -0.9 < second.mood.valence < 0


def test_there_are_never_more_points_than_parts_however_much_has_happened() -> None:
    curve = Curve(Span(START, START + HOUR, 7, 1), NEUTRAL, None)
    curve.add(Felt(START + HOUR * share / 1_000, LOW if share % 2 else HIGH) for share in range(1_001))
    points = list(curve.points())
    assert len(points) == 7
    assert points == sorted(points, key=lambda felt: felt.time)


def test_a_curve_begins_where_the_first_mood_is_known() -> None:
    curve = Curve(Span(START, START + 4 * HOUR, 4, 1), NEUTRAL, None)
    curve.add([Felt(START + 2.5 * HOUR, HIGH, ("created",))])
    times = [felt.time for felt in curve.points()]
    assert times == [START + 2.5 * HOUR, START + 4 * HOUR]
