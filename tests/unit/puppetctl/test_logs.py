"""The logs of a suite, together."""

import json
from pathlib import Path

import pytest

from puppetctl.local import logs
from puppetctl.local.logs import Line, Wanted, last
from puppetctl.suite import SuiteError


def entry(second: int, message: str, level: str = "INFO", **more: str) -> str:
    time = f"2026-05-04T09:30:{second:02}.000+00:00"
    return json.dumps({"time": time, "level": level, "service": "s", "logger": "l", "message": message, **more}) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder with the logs of two programs, one of which was put aside in part."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "agents.log.1").write_text(entry(1, "oldest") + entry(2, "older", "WARNING"))
    (tmp_path / "logs" / "agents.log").write_text(entry(5, "refused", "ERROR", agent_id="odd", exception="a\nb"))
    (tmp_path / "logs" / "sandbox.llm.log").write_text(
        entry(3, "loads") + "llama: a line of its own\n" + entry(9, "up")
    )
    return tmp_path


def messages(folder: Path, wanted: Wanted) -> list[str]:
    files = {path.name.removesuffix(".log"): path for path in sorted((folder / "logs").glob("*.log"))}
    chosen = {name: path for name, path in files.items() if not wanted.programs or name in wanted.programs}
    return [str(line.fields["message"]) for line in last(chosen, wanted)]


def test_lines_of_all_programs_stand_by_their_times(folder: Path) -> None:
    assert messages(folder, Wanted(())) == [
        *("oldest", "older", "loads", "llama: a line of its own", "refused", "up"),
    ]


def test_only_the_last_ones_are_shown_also_from_what_was_put_aside(folder: Path) -> None:
    assert messages(folder, Wanted((), count=2)) == ["refused", "up"]
    assert messages(folder, Wanted(("agents",), count=2)) == ["older", "refused"]
    assert messages(folder, Wanted((), count=0)) == []


def test_what_matters_less_is_left_out_before_lines_are_counted(folder: Path) -> None:
    assert messages(folder, Wanted((), level="warning", count=2)) == ["older", "refused"]
    assert messages(folder, Wanted((), level="error")) == ["refused"]


def test_long_logs_are_read_from_their_end(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    many = "".join(entry(number % 60, f"é{number} " + "x" * 200) for number in range(2_000))
    (tmp_path / "logs" / "agents.log").write_text(many)
    [shown] = messages(tmp_path, Wanted((), count=1))
    assert shown.startswith("é1999 ")
    assert len(messages(tmp_path, Wanted((), count=10_000))) == 2_000


def test_people_see_what_belongs_to_a_line_and_programs_get_all_of_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert logs.logs(Wanted(("agents",), level="error"), folder, as_json=False) == 0
    first, *trace = capsys.readouterr().out.splitlines()
    assert first.endswith("agents        refused  agent_id=odd")
    assert [line.strip() for line in trace] == ["a", "b"]
    assert logs.logs(Wanted(("agents",), level="error"), folder, as_json=True) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["program"] == "agents"
    assert json.loads(line)["exception"] == "a\nb"


def test_what_was_logged_cannot_steer_the_terminal() -> None:
    shown = Line("agents", {"message": "\x1b[2J", "agent_id": "\x07"}).words().plain
    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_what_is_followed_is_read_on_through_halves_of_lines_and_an_emptied_file(folder: Path) -> None:
    path = folder / "logs" / "agents.log"
    followed = logs.Followed("agents", path)
    whole = entry(20, "new")

    def news() -> list[str]:
        return [str(line.fields["message"]) for line in followed.news()]

    assert news() == []
    with path.open("a") as file:
        file.write(whole[:20])
    assert news() == []
    with path.open("a") as file:
        file.write(whole[20:])
    assert news() == ["new"]
    path.write_text(entry(21, "after it was emptied"))
    assert news() == ["after it was emptied"]


def test_a_program_without_a_log_is_named_with_those_that_have_one(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"'memory' has no log.*agents, sandbox\.llm"):
        logs.logs(Wanted(("memory",)), folder, as_json=False)
    with pytest.raises(SuiteError, match="puppetctl up"):
        logs.logs(Wanted(()), tmp_path / "empty", as_json=False)
