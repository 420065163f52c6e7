"""How fast characters can live."""

from dataclasses import replace
from datetime import timedelta

import pytest

from puppetctl.rehearsal.pace import Lateness, Measured, due_time, followed
from tests.unit.puppetctl.rehearsal.lives import BEGIN, BEHAVIOR, SPEED, after, post, reply

FOUND = Measured(seconds=1.0, latency_seconds=1.5, warming_seconds=5.0)
BUSY = replace(BEHAVIOR, min_hours_between_posts=2.0, max_hours_between_posts=6.0)


def test_characters_live_as_fast_as_is_wanted_where_the_model_follows() -> None:
    assert followed(replace(FOUND, seconds=0.01), [BUSY], 4.0, 3600.0) == 3600.0


def test_the_more_they_do_and_the_longer_a_post_takes_the_slower_they_live() -> None:
    one, four = followed(FOUND, [BUSY], 0.0, 1e6), followed(FOUND, [BUSY] * 4, 0.0, 1e6)
    assert four == pytest.approx(one / 4)
    assert followed(replace(FOUND, seconds=2.0), [BUSY], 0.0, 1e6) == pytest.approx(one / 2)
    assert followed(FOUND, [BUSY], 24.0, 1e6) < one
    # In an hour there is half a post's work of a second, and the model is to be at work for six tenths of the time.
    assert one == pytest.approx(0.6 * 3600 / 0.5)


def test_what_is_planned_says_when_it_was_due() -> None:
    assert due_time(post(3, "hi")) == after(3)
    assert due_time(reply(3, "hi")) is None


def test_they_live_slower_when_what_they_do_comes_an_hour_late_and_more() -> None:
    lateness = Lateness(replace(FOUND, latency_seconds=0.1), BEGIN)
    for hour in range(5):
        lateness.add(post(hour, "hi", late_seconds=2.0))
    assert lateness.better(SPEED, 3600.0) is None, "so few may be late by chance"
    lateness.add(post(6, "hi", late_seconds=2.0))
    slower = lateness.better(SPEED, 3600.0)
    assert slower is not None
    assert slower < SPEED


def test_that_a_post_takes_long_anyway_is_no_falling_behind() -> None:
    lateness = Lateness(replace(FOUND, latency_seconds=2.0), BEGIN)
    for hour in range(12):
        lateness.add(post(hour, "hi", late_seconds=2.0))
    assert lateness.better(SPEED, 3600.0) is None


def test_they_live_faster_when_everything_comes_in_time_and_never_faster_than_is_wanted() -> None:
    lateness = Lateness(FOUND, BEGIN)
    for hour in range(12):
        lateness.add(post(hour, "hi", late_seconds=0.1))
    assert lateness.better(1000.0, 3600.0) == pytest.approx(1600.0)
    assert lateness.better(3600.0, 3600.0) is None


def test_after_a_start_only_what_is_planned_for_later_counts() -> None:
    lateness = Lateness(replace(FOUND, latency_seconds=0.1), BEGIN)
    lateness.begin(BEGIN)
    for hour in range(4):
        lateness.add(post(hour, "hi", late_seconds=9.0))
    first = int(timedelta(seconds=FOUND.warming_seconds) * SPEED / timedelta(hours=1)) + 1
    for hour in range(first, first + 5):
        lateness.add(post(hour, "hi", late_seconds=9.0))
    assert lateness.better(SPEED, 3600.0) is None
    lateness.add(post(first + 6, "hi", late_seconds=9.0))
    assert lateness.better(SPEED, 3600.0) is not None
