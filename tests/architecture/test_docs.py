"""What the documents name is there."""

import itertools
import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from puppetctl.__main__ import app

ROOT = Path(__file__).parents[2]
WORLD = (ROOT / "docs" / "world.md").read_text()
_PLACES = ("services", ".")
_SAID = re.compile(r"(?:^|[`\"/>])puppetctl ([a-z][^`\n\"#|;]*)", re.MULTILINE)
"""A command with what follows it in its line, as pages, hints and refusals name it."""


def test_the_tests_that_hold_what_the_world_does_are_there() -> None:
    there = set().union(*(re.findall(r"def (test_\w+)", path.read_text()) for path in (ROOT / "tests").rglob("*.py")))
    named = set(re.findall(r"`(test_\w+)`", WORLD))
    assert len(named) > 50
    assert named <= there


def test_the_modules_that_answer_it_are_there() -> None:
    named = set(re.findall(r"`([a-z_0-9]+(?:/[a-z_0-9]+)+(?:\.\w+)?)`", WORLD))
    assert len(named) > 30
    assert [name for name in sorted(named) if not any((ROOT / place / name).exists() for place in _PLACES)] == []


def _said() -> dict[str, str]:
    """Return the commands that are told of, and where; the page that is made of the commands is left out."""
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", *(ROOT / "services").glob("*/README.md")]
    sources = [path for room in ("puppetctl", "services") for path in (ROOT / room).rglob("*.py")]
    told = [path for path in (*pages, *sources) if path.name != "puppetctl.md"]
    return {words: str(path) for path in told for words in _SAID.findall(path.read_text())}


def _unknown(words: str, root: Any) -> str:
    """Return the command or option of this line that there isn't; empty when all are there."""
    command, parts = root, words.split()
    while parts and (below := getattr(command, "commands", None)):
        name, *parts = parts
        if name.startswith(("-", "{")):
            return ""
        if (command := below.get(name.strip(".,:)"))) is None:
            return str(name)
    options = {"--help"} | {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    # What stands after the end of a command in prose is another's.
    own = (part.strip(".,:)[]") for part in itertools.takewhile(lambda part: part not in ("or", "and"), parts))
    return next((part for part in own if part.startswith("--") and part not in options), "")


def test_a_command_that_anybody_is_told_of_is_there_with_its_options() -> None:
    root, said = get_command(app), _said()
    assert len(said) > 100
    assert {words: where for words, where in said.items() if _unknown(words, root)} == {}
