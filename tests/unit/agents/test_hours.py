"""A character's own clock: what it sleeps through comes in its morning, through every change of its zone's clocks."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from services.agents.domain.hours import is_asleep, is_peak, own_day, own_time, waking
from services.agents.domain.persona import Behavior, Persona, QuietHours
from services.agents.domain.schedule import Pauses, awake_due, first_due, in_reach, next_due, reply_due

POSTS = Pauses(120, 360, first_low=0, first_high=5, in_peak_hours=True)
EVENLY = replace(POSTS, in_peak_hours=False)
NIGHT = QuietHours(23, 7)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
NUMBER = 10_000
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
SPEEDS = pytest.mark.parametrize("speed", [1.0, 60.0, 3600.0])


def living(persona: Persona, zone: str, quiet: QuietHours | None = NIGHT, *peak: int) -> Behavior:
    return replace(
        persona.behavior, timezone=ZoneInfo(zone), quiet_hours=quiet, peak_posting_hours=frozenset(peak or range(24))
    )


def lived(pauses: Pauses, behavior: Behavior, speed: float, start: datetime = START) -> list[datetime]:
    """Return when a character does something so many times, one after the other."""
    rng, dues = random.Random(7), [start]
    for _ in range(NUMBER):
        dues.append(next_due(pauses, behavior, dues[-1], speed, rng))
    return dues


def hour_of(behavior: Behavior, due: datetime, speed: float) -> int:
    return own_time(due, speed).astimezone(behavior.timezone).hour


def chi_square(seen: Counter[int], expected: dict[int, float]) -> float:
    return sum((seen[key] - share) ** 2 / share for key, share in expected.items())


@pytest.mark.parametrize(
    ("zone", "speed"), [*((zone, 1.0) for zone in ZONES), ("Europe/Berlin", 60.0), ("Europe/Berlin", 3600.0)]
)
def test_ten_thousand_pauses_keep_their_bounds_and_the_night_through_changes_of_the_clocks(
    persona: Persona, zone: str, speed: float
) -> None:
    behavior = living(persona, zone)
    dues = lived(POSTS, behavior, speed)
    low, high, slack = 120 * MINUTE / speed, 360 * MINUTE / speed, timedelta(microseconds=2)
    late = 0
    for before, due in pairwise(dues):
        assert due - before >= low - slack
        assert not is_asleep(behavior, due, speed)
        if due - before > high + slack:
            # Longer than the longest pause only where the character would have slept, and within an hour of its waking.
            late += 1
            woke = waking(behavior, before + high, speed)
            assert any(is_asleep(behavior, before + part * high, speed) for part in (0.4, 0.6, 0.8, 1.0))
            assert due <= woke + HOUR / speed + slack
    assert NUMBER / 20 < late < NUMBER / 2


@SPEEDS
def test_without_a_night_the_pauses_of_a_character_are_spread_evenly(persona: Persona, speed: float) -> None:
    dues = lived(EVENLY, living(persona, "Europe/Berlin", None), speed)
    pauses = [(due - before) * speed / MINUTE for before, due in pairwise(dues)]
    seen = Counter(min(9, int((pause - 120) / 24)) for pause in pauses)
    # Nine degrees of freedom: less than one in a thousand draws is further off.
    assert chi_square(seen, dict.fromkeys(range(10), NUMBER / 10)) < 27.9


@SPEEDS
def test_three_draws_look_for_a_peak_hour(persona: Persona, speed: float) -> None:
    behavior = living(persona, "America/New_York", None, 9, 12, 18, 20, 21)
    peaks = sum(is_peak(behavior, due, speed) for due in lived(POSTS, behavior, speed)) / NUMBER
    evenly = sum(is_peak(behavior, due, speed) for due in lived(EVENLY, behavior, speed)) / NUMBER
    assert abs(evenly - 5 / 24) < 0.02
    assert peaks > 1.7 * evenly


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_a_characters_day_is_the_same_by_its_own_clock_in_summer_and_in_winter(persona: Persona, zone: str) -> None:
    behavior = living(persona, zone, NIGHT, 9, 12, 18, 20)
    january = datetime(2026, 1, 1, tzinfo=behavior.timezone).utcoffset()
    hours: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
    for due in lived(POSTS, behavior, 1.0)[1:]:
        local = due.astimezone(behavior.timezone)
        hours[local.utcoffset() == january][local.hour] += 1
    shares = [{hour: seen[hour] / seen.total() for hour in range(24)} for seen in hours.values()]
    assert all(shares[index][hour] == 0 for index in (0, 1) for hour in (23, *range(7)))
    # An hour that had moved with the clocks would be off by several hundredths.
    assert max(abs(shares[0][hour] - shares[1][hour]) for hour in range(24)) < 0.015


@pytest.mark.parametrize("quiet", [NIGHT, QuietHours(1, 2), QuietHours(2, 3), QuietHours(3, 2), QuietHours(0, 1)])
@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 24, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 10, 31, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 3, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 2, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 2, 16, tzinfo=UTC)),  # midnight came twice
        ("America/Sao_Paulo", datetime(2018, 11, 3, tzinfo=UTC)),  # and here it was left out
        ("Pacific/Apia", datetime(2011, 12, 28, tzinfo=UTC)),  # a day was left out
    ],
)
def test_a_character_wakes_at_the_first_minute_of_its_zone_that_is_not_quiet(
    persona: Persona, zone: str, around: datetime, quiet: QuietHours
) -> None:
    behavior = living(persona, zone, quiet)
    minutes = [around + number * MINUTE for number in range(3 * 24 * 60)]
    woken = minutes[-1] + 2 * timedelta(days=1)
    for minute in reversed(minutes):
        if not is_asleep(behavior, minute, 1.0):
            woken = minute
            assert waking(behavior, minute, 1.0) == minute
        elif woken in minutes:
            assert waking(behavior, minute, 1.0) == woken


@SPEEDS
def test_what_falls_into_the_night_comes_within_an_hour_of_the_morning_and_not_at_once(
    persona: Persona, speed: float
) -> None:
    behavior, midnight = living(persona, "Europe/Berlin"), START
    while hour_of(behavior, midnight, speed) != 0:
        midnight += 30 * MINUTE / speed
    morning = waking(behavior, midnight, speed)
    assert hour_of(behavior, morning, speed) == 7
    assert hour_of(behavior, morning - 2 * MINUTE / speed, speed) == 6
    many = [random.Random(seed) for seed in range(200)]
    for dues in (
        [awake_due(midnight, behavior, speed, rng) for rng in many],
        [first_due(POSTS, behavior, midnight, speed, rng) for rng in many],
        [in_reach(POSTS, midnight, behavior, midnight - 1 * HOUR / speed, speed, rng) for rng in many],
        [reply_due(midnight - 5 * MINUTE / speed, behavior, midnight, speed, rng) for rng in many],
        # What it reads when it has got up is answered from then on.
        [reply_due(midnight, behavior, morning + 50 * MINUTE / speed, speed, rng) for rng in many],
    ):
        waits = [(due - morning) * speed for due in dues]
        assert all(timedelta() <= wait <= 90 * MINUTE for wait in waits)
        assert max(Counter(int(wait / (5 * MINUTE)) for wait in waits).values()) < 100
    awake = morning + HOUR / speed
    assert awake_due(awake, behavior, speed, many[0]) == awake


def test_what_is_planned_for_after_the_night_stays_as_it_is_planned(persona: Persona) -> None:
    behavior = living(persona, "Europe/Berlin")
    now = datetime(2026, 1, 5, 20, tzinfo=UTC)
    planned = next(
        due for seed in range(500) if (due := next_due(EVENLY, behavior, now, 1, random.Random(seed))) > now + 6 * HOUR
    )
    for later in range(int((planned - now) / MINUTE)):
        assert in_reach(EVENLY, planned, behavior, now + later * MINUTE, 1, random.Random(1)) == planned


def test_at_a_speed_peak_hours_nights_and_days_go_by_the_same_clock(persona: Persona) -> None:
    assert own_time(START.astimezone(ZoneInfo("Asia/Tokyo")), 1.0) == START
    for speed in (60.0, 3600.0, 86_400.0):
        day, length = own_day(START, speed), timedelta(days=1) / speed
        assert own_day(START + length, speed) == day + 1
        midnights = [START + number * length / 96 for number in range(96)]
        hours = [own_time(time, speed).hour for time in midnights]
        assert sorted(set(hours)) == list(range(24))
        # The day changes where its clock passes midnight.
        [change] = [index for index, (a, b) in enumerate(pairwise(hours)) if b < a] or [-1]
        assert own_day(midnights[change], speed) != own_day(midnights[change + 1], speed) or change == -1
    # A clock that has run for longer than calendars go begins again.
    assert own_time(datetime(9000, 1, 1, tzinfo=UTC), 3600.0).year < 2370
