"""Setting up: each step is told with its time, and one that fails says why."""

import sys
from pathlib import Path

import pytest

from tools.setup import SetupError, Step, run, steps


def test_each_step_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = [sys.executable, "-c", "print('chatter')"]
    run([Step("one", [nothing]), Step("another", [nothing, nothing])], moves=False)
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(":")[0] for line in lines] == ["[1/2] one", "[2/2] another"]


def test_a_step_under_way_is_shown_where_somebody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    run([Step("one", [[sys.executable, "-c", ""]])], moves=True)
    assert "[1/1] one … 0 s" in capsys.readouterr().out


def test_a_step_that_fails_says_what_its_command_said_and_is_the_last() -> None:
    fails = [sys.executable, "-c", "import sys; sys.exit('no such package')"]
    with pytest.raises(SetupError, match="no such package"):
        run([Step("one", [fails]), Step("never", [["/nowhere/at/all"]])], moves=False)


def test_everything_that_is_fetched_is_fetched_by_its_hash() -> None:
    commands = [command for step in steps("python3", Path(".venv")) for command in step.commands]
    fetching = [command for command in commands if any("requirements/" in part for part in command)]
    assert len(fetching) == 3
    assert all("--require-hashes" in command for command in fetching)
