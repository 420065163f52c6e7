"""Memory that a process doesn't use, given back."""

import re
import sys
from pathlib import Path

import pytest

from services.runtime import resident
from services.runtime.resident import GivingBack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are given back as Linux has it")


class Times:
    """Stands in for the clocks: how long it has been, and how much of that this process worked."""

    def __init__(self) -> None:
        self.passed = self.worked = 0.0

    def monotonic(self) -> float:
        return self.passed

    def process_time(self) -> float:
        return self.worked


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    stand_in = Times()
    monkeypatch.setattr(resident, "time", stand_in)
    return stand_in


async def test_at_rest_the_code_that_nobody_runs_is_not_resident(times: Times) -> None:
    giving_back = GivingBack()
    before = _code_resident()
    times.passed, times.worked = 10.0, 0.4
    await giving_back()
    assert _code_resident() < before / 2
    # What is run comes back.
    assert re.findall(r"\d+", "1 and 22") == ["1", "22"]


async def test_while_there_is_work_the_code_stays(times: Times) -> None:
    giving_back = GivingBack()
    times.passed, times.worked = 10.0, 0.4
    await giving_back()
    low = _code_resident()
    times.passed, times.worked = 20.0, 1.0
    await giving_back()
    assert _code_resident() >= low


def _code_resident() -> int:
    """Return how many KiB of what is mapped to be run are resident."""
    found, total = False, 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if mapped := re.match(r"[0-9a-f]+-[0-9a-f]+ (\S+) \S+ \S+ (\d+)", line):
            found = mapped[1] == "r-xp" and mapped[2] != "0"
        elif found and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total
