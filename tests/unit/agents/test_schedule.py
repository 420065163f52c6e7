"""When characters act."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.agents.domain.persona import Persona
from services.agents.domain.schedule import Pauses, first_due, in_reach, is_forgotten, next_due, reply_due, spread_of

NOW = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)
POSTS = Pauses(120, 240, first_low=0, first_high=5, in_peak_hours=True)
LOOKS = Pauses(1, 5, first_low=0.5, first_high=2)
BOTH = pytest.mark.parametrize("pauses", [POSTS, LOOKS], ids=["posts", "looks"])


@BOTH
def test_everything_begins_within_its_first_pause_of_the_characters_time(pauses: Pauses, persona: Persona) -> None:
    for speed in (1.0, 60.0):
        dues = [first_due(pauses, persona.behavior, NOW, speed, random.Random(seed)) for seed in range(50)]
        assert all(NOW <= due <= NOW + timedelta(minutes=pauses.first_high) / speed for due in dues)
        assert len(set(dues)) > 40


def test_among_many_the_first_things_are_spread_as_far_as_the_longest_pause_allows(persona: Persona) -> None:
    spread = spread_of(10_000)
    assert spread == timedelta(seconds=2_000)
    for pauses, limit in ((POSTS, spread), (LOOKS, timedelta(minutes=LOOKS.high))):
        dues = [first_due(pauses, persona.behavior, NOW, 1, random.Random(seed), spread) for seed in range(500)]
        assert all(NOW <= due <= NOW + limit for due in dues)
        in_first_half = sum(due < NOW + limit / 2 for due in dues)
        assert 200 <= in_first_half <= 300
    alone = first_due(POSTS, persona.behavior, NOW, 1, random.Random(1), spread_of(0))
    assert alone == first_due(POSTS, persona.behavior, NOW, 1, random.Random(1))


def test_who_posts_every_few_seconds_begins_as_soon(persona: Persona) -> None:
    hasty = replace(POSTS, low=0.06, high=0.6)
    assert first_due(hasty, persona.behavior, NOW, 1, random.Random(1)) <= NOW + timedelta(minutes=0.6)


@BOTH
def test_the_next_time_lies_within_the_range_whatever_the_speed(pauses: Pauses, persona: Persona) -> None:
    for speed in (1.0, 120.0):
        for seed in range(50):
            wait = next_due(pauses, persona.behavior, NOW, speed, random.Random(seed)) - NOW
            assert timedelta(minutes=pauses.low) / speed <= wait + timedelta(microseconds=1)
            assert wait <= timedelta(minutes=pauses.high) / speed + timedelta(microseconds=1)


def test_a_whim_comes_before_the_shortest_pause_as_often_as_it_is_said(persona: Persona) -> None:
    pauses = Pauses(60.0, 120.0, 1.0, 2.0, whim=0.2)
    rng = random.Random(1)
    drawn = [(next_due(pauses, persona.behavior, NOW, 1.0, rng) - NOW).total_seconds() / 60 for _ in range(5_000)]
    assert 900 < sum(pause < 60 for pause in drawn) < 1_100
    assert max(drawn) <= 120


def test_posts_rather_come_in_peak_hours_of_the_characters_zone(persona: Persona) -> None:
    # From noon in UTC, two to four hours later is 15 to 17 o'clock in Dublin's summer.
    peak = replace(persona.behavior, peak_posting_hours=frozenset({16}))

    def share(pauses: Pauses) -> float:
        dues = [next_due(pauses, peak, NOW, 1, random.Random(seed)) for seed in range(300)]
        return sum(due.astimezone(peak.timezone).hour == 16 for due in dues) / len(dues)

    assert share(POSTS) > 0.75 > 0.6 > share(replace(POSTS, in_peak_hours=False))


def test_the_same_draw_gives_the_same_time(persona: Persona) -> None:
    dues = {next_due(POSTS, persona.behavior, NOW, 1, random.Random("wf-1")) for _ in range(3)}
    assert len(dues) == 1


@BOTH
def test_nothing_is_due_later_than_its_longest_pause_allows(pauses: Pauses, persona: Persona) -> None:
    for speed in (1.0, 60.0):
        latest = NOW + timedelta(minutes=pauses.high) / speed
        for planned in (NOW - timedelta(minutes=10), NOW, latest):
            assert in_reach(pauses, planned, persona.behavior, NOW, speed, random.Random(1)) == planned
        for planned in (latest + timedelta(seconds=1), NOW + timedelta(days=9_000)):
            assert NOW < in_reach(pauses, planned, persona.behavior, NOW, speed, random.Random(1)) <= latest


def test_what_a_sleeping_machine_has_missed_is_begun_anew_and_apart(persona: Persona) -> None:
    slept = NOW - timedelta(hours=8)
    assert is_forgotten(slept, NOW)
    assert not is_forgotten(NOW - timedelta(minutes=1), NOW)
    dues = {in_reach(POSTS, slept, persona.behavior, NOW, 1, random.Random(seed)) for seed in range(20)}
    assert len(dues) > 15
    assert all(NOW <= due <= NOW + timedelta(minutes=5) for due in dues)


def test_each_mention_is_answered_after_a_delay_of_its_own_since_it_was_said(persona: Persona) -> None:
    low, high = (
        timedelta(minutes=minutes)
        for minutes in (persona.behavior.min_response_minutes, persona.behavior.max_response_minutes)
    )
    for speed in (1.0, 60.0):
        dues = [reply_due(NOW, persona.behavior, NOW, speed, random.Random(seed)) for seed in range(50)]
        assert len(set(dues)) > 40
        assert all(low / speed <= due - NOW <= high / speed for due in dues)
    # What was heard a little late is answered at once.
    assert reply_due(NOW - timedelta(minutes=15), persona.behavior, NOW, 1, random.Random(1)) == NOW


def test_what_should_have_been_answered_long_ago_is_answered_within_half_an_hour_and_not_at_once(
    persona: Persona,
) -> None:
    for speed in (1.0, 60.0):
        said = NOW - timedelta(hours=8) / speed
        waits = [reply_due(said, persona.behavior, NOW, speed, random.Random(seed)) - NOW for seed in range(50)]
        assert all(timedelta() <= wait <= timedelta(minutes=30) / speed for wait in waits)
        assert max(waits) - min(waits) > timedelta(minutes=20) / speed
        assert len(set(waits)) > 40
