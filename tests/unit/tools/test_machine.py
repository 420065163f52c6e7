"""What is told before the setup."""

import pytest

from tools.machine import notes


def test_where_the_suite_was_tried_nothing_is_said() -> None:
    assert notes("Linux", "x86_64", has_compiler=False) == []


@pytest.mark.parametrize(("system", "machine"), [("Linux", "aarch64"), ("Darwin", "arm64")])
def test_elsewhere_what_has_no_wheel_is_named_and_what_building_it_takes(system: str, machine: str) -> None:
    assert "wordllama" in notes(system, machine, has_compiler=True)[1]
    assert "C compiler" in notes(system, machine, has_compiler=False)[2]


def test_of_other_machines_nothing_is_promised() -> None:
    assert "no wheels" in notes("Darwin", "x86_64", has_compiler=True)[1]
