"""What the documents name is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORLD = (ROOT / "docs" / "world.md").read_text()
_PLACES = ("services", ".")


def test_the_tests_that_hold_what_the_world_does_are_there() -> None:
    there = set().union(*(re.findall(r"def (test_\w+)", path.read_text()) for path in (ROOT / "tests").rglob("*.py")))
    named = set(re.findall(r"`(test_\w+)`", WORLD))
    assert len(named) > 50
    assert named <= there


def test_the_modules_that_answer_it_are_there() -> None:
    named = set(re.findall(r"`([a-z_0-9]+(?:/[a-z_0-9]+)+(?:\.\w+)?)`", WORLD))
    assert len(named) > 30
    assert [name for name in sorted(named) if not any((ROOT / place / name).exists() for place in _PLACES)] == []
