"""What the characters' clock shows."""

from datetime import timedelta

import pytest

from puppetctl.rehearsal.own_clock import BEGINNING, OwnClock, Stretch, aligned
from services.agents.domain.hours import own_time
from tests.unit.puppetctl.rehearsal.lives import BEGIN, BERLIN, CLOCK, after

NEARLY = timedelta(milliseconds=50)


@pytest.mark.parametrize("speed", [3600.0, 700.0, 100_000.0])
def test_a_speed_next_to_the_wanted_one_begins_on_the_date_that_is_wanted(speed: float) -> None:
    found = aligned(speed, BEGIN, BEGINNING)
    assert found == pytest.approx(speed, rel=0.01)
    assert abs(own_time(BEGIN, found) - BEGINNING) < NEARLY


@pytest.mark.parametrize("speed", [2.0, 15.0])
def test_at_a_low_speed_the_weekday_and_the_hour_are_right(speed: float) -> None:
    found = aligned(speed, BEGIN, BEGINNING)
    shown = own_time(BEGIN, found) + NEARLY
    assert found == pytest.approx(speed, rel=0.01)
    assert (shown.weekday(), shown.hour, shown.minute) == (0, 0, 0)


def test_a_clock_that_changes_its_speed_goes_on_where_it_was_and_what_lay_between_was_not_lived() -> None:
    stop, again = BEGIN + timedelta(seconds=10), BEGIN + timedelta(seconds=15)
    first = CLOCK.stretches[0]
    slower = aligned(1000.0, again, CLOCK.at(stop))
    clock = OwnClock((Stretch(BEGIN, first.speed, stop), Stretch(again, slower)))
    assert abs(clock.at(again) - clock.at(stop)) < NEARLY
    assert clock.lived(again) == clock.lived(stop) == timedelta(seconds=10) * first.speed
    assert clock.lived(again + timedelta(seconds=1)) - clock.lived(again) == timedelta(seconds=1) * slower
    assert clock.speed_at(stop + timedelta(seconds=1)) == first.speed


def test_days_go_from_midnight_to_midnight_in_a_characters_zone() -> None:
    # It begins at one o'clock there.
    assert [CLOCK.day(after(hours), BERLIN) for hours in (0, 22.5, 23.5, 47.5)] == [1, 1, 2, 3]
