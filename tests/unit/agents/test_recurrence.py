"""When what recurs happens: by the clock on the wall, through changes of it, and never where a rule can't."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from services.agents.domain.events import EventRecord, EventState, ScheduledPost
from services.agents.domain.recurrence import Recurrence, fault_of

NINE = Recurrence("FREQ=DAILY;BYHOUR=9;BYMINUTE=0", "Europe/Berlin")
START = datetime(2026, 10, 20, 12, 34, 56, 789, UTC)


def occurrences(recurrence: Recurrence, start: datetime, number: int) -> list[datetime]:
    """Return the first occurrences, each after the one before."""
    found: list[datetime] = []
    due = recurrence.first(start)
    while due is not None and len(found) < number:
        found.append(due)
        due = recurrence.after(start, due)
    return found


def test_nine_stays_nine_when_the_clocks_change() -> None:
    dues = occurrences(NINE, START, 10)
    assert [due.hour for due in dues] == [7] * 4 + [8] * 6
    assert {later - due for due, later in itertools.pairwise(dues)} == {timedelta(days=1), timedelta(hours=25)}


def test_an_hour_that_the_clocks_leave_out_is_an_hour_later_and_one_that_comes_twice_comes_once() -> None:
    night = Recurrence("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "Europe/Berlin")
    spring = occurrences(night, datetime(2027, 3, 27, 12, tzinfo=UTC), 2)
    assert spring == [datetime(2027, 3, 28, 1, 30, tzinfo=UTC), datetime(2027, 3, 29, 0, 30, tzinfo=UTC)]
    autumn = occurrences(night, datetime(2026, 10, 24, 12, tzinfo=UTC), 2)
    assert autumn == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)]


def test_what_a_rule_leaves_out_is_taken_from_the_first_time() -> None:
    assert occurrences(Recurrence("FREQ=WEEKLY"), START, 2) == [
        START.replace(microsecond=0),
        START.replace(microsecond=0) + timedelta(days=7),
    ]


def test_a_rule_ends_by_its_count_or_its_last_time() -> None:
    assert len(occurrences(Recurrence("FREQ=HOURLY;COUNT=3"), START, 9)) == 3
    assert len(occurrences(Recurrence("FREQ=DAILY;UNTIL=20261022T235959Z", "Asia/Tokyo"), START, 9)) == 3


def test_occurrences_that_were_missed_are_left_out_together() -> None:
    event = EventRecord(content=ScheduledPost(), start_time=START, recurrence=NINE, create_time=START)
    event.happen(2, START + timedelta(days=30), 1.0)
    assert event.next_time == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert (event.state, event.occurrences, event.deliveries) == (EventState.SCHEDULED, 1, 2)


def test_what_happens_once_is_over_then_and_what_is_over_is_not_cancelled() -> None:
    event = EventRecord(content=ScheduledPost(), start_time=START, next_time=START, create_time=START)
    event.happen(1, START, 1.0)
    event.cancel(START)
    assert (event.state, event.next_time) == (EventState.DELIVERED, None)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=30",
        "freq=monthly;byday=-1fr",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=HOURLY;INTERVAL=6;COUNT=10",
        "FREQ=DAILY;UNTIL=20270101",
    ],
)
def test_rules_of_rfc_5545_are_taken(rule: str) -> None:
    assert fault_of(rule) == ""
    assert Recurrence(rule).first(START) is not None


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("", "must be parts"),
        ("FREQ", "must be parts"),
        ("FREQ=DAILY;FREQ=DAILY", "each once"),
        ("RRULE:FREQ=DAILY", "must have a FREQ"),
        ("FREQ=SECONDLY", "must have a FREQ"),
        ("FREQ=MINUTELY", "must have a FREQ"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "both COUNT and UNTIL"),
        ("FREQ=DAILY;COUNT=0", "in COUNT"),
        ("FREQ=DAILY;INTERVAL=9999", "in INTERVAL"),
        ("FREQ=DAILY;BYHOUR=24", "in BYHOUR"),
        ("FREQ=DAILY;BYHOUR=-1", "in BYHOUR"),
        ("FREQ=DAILY;BYMONTHDAY=0", "in BYMONTHDAY"),
        ("FREQ=MONTHLY;BYDAY=6MO", "in BYDAY"),
        ("FREQ=DAILY;UNTIL=20271399", "UNTIL such as"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS, which is not known"),
        ("FREQ=DAILY;BYHOUR=" + ",".join("1" * 41), "too many values"),
        ("FREQ=HOURLY;BYMONTH=2,4;BYMONTHDAY=31", "never happens"),
    ],
)
def test_what_is_no_rule_or_never_happens_is_said(rule: str, fault: str) -> None:
    assert fault in fault_of(rule)
