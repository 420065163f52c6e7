"""`puppetctl logs`: what the programs of a suite have logged below its data folder, together and by their times."""

import json
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from rich.text import Text

from puppetctl.local.rotation import KEPT
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import open_console
from puppetctl.terminal.output import print_line
from puppetctl.terminal.words import plain

_BLOCK = 65_536
_POLL_SECONDS = 0.25
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_STYLES = {"debug": "dim", "warning": "yellow", "error": "red", "critical": "bold red"}
_SHOWN = frozenset(("time", "level", "service", "logger", "message", "program", "exception"))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are asked for: the last `count` of these programs, or of all."""

    programs: Sequence[str]
    level: str = "info"
    count: int = 50
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a log: an object, or a text where a library writes otherwise."""

    program: str
    fields: dict[str, Any]

    @classmethod
    def read(cls, program: str, raw: bytes) -> "Line":
        """Return a line as it stands in a file."""
        text = raw.decode(errors="replace").rstrip()
        try:
            fields = json.loads(text)
        except ValueError:
            fields = None
        return cls(program, fields if isinstance(fields, dict) and "message" in fields else {"message": text})

    @property
    def time(self) -> str:
        """When it was written, as it sorts; empty where that doesn't stand there."""
        return str(self.fields.get("time", ""))

    @property
    def level(self) -> str:
        """How much it matters."""
        return str(self.fields.get("level", "info")).lower()

    def matters(self, level: str) -> bool:
        """Say whether it matters at least so much."""
        return _LEVELS.get(self.level, 20) >= _LEVELS[level]

    def object(self) -> dict[str, Any]:
        """Return what a program gets."""
        return {"program": self.program, **self.fields}

    def words(self) -> Text:
        """Return what people see: when, who, what, and what belongs to it."""
        line = Text.assemble(
            (_clock(self.time), "dim"),
            "  ",
            (f"{self.program:<14}", "bold"),
            (plain(str(self.fields["message"])), _STYLES.get(self.level, "")),
        )
        rest = [
            f"{name}={value}" for name, value in self.fields.items() if name not in _SHOWN and value not in ("", None)
        ]
        line.append(plain(f"  {' '.join(rest)}") if rest else "", "dim")
        if told := self.fields.get("exception"):
            line.append("".join(f"\n    {plain(one)}" for one in str(told).splitlines()), "dim")
        return line


def logs(wanted: Wanted, data_dir: Path, *, as_json: bool) -> int:
    """Show lines of logs. Raises SuiteError where there are none."""
    files = _files(wanted.programs, data_dir / "logs")
    followed = [Followed(name, path) for name, path in files.items()]
    for line in last(files, wanted):
        _show(line, as_json=as_json)
    while wanted.follows:
        for line in _by_time(line for file in followed for line in file.news() if line.matters(wanted.level)):
            _show(line, as_json=as_json)
        time.sleep(_POLL_SECONDS)
    return 0


def last(files: dict[str, Path], wanted: Wanted) -> list[Line]:
    """Return the last lines of these logs that matter, oldest first."""
    found: list[Line] = []
    for name, path in files.items():
        lines = (Line.read(name, raw) for raw in _backwards(path))
        newest = list(islice((line for line in lines if line.matters(wanted.level)), wanted.count))
        found += _dated(reversed(newest))
    return list(_by_time(found))[-wanted.count :] if wanted.count else []


class Followed:
    """A log, and how far it was read: from its end on."""

    def __init__(self, program: str, path: Path) -> None:
        self._program = program
        self._path = path
        self._place = path.stat().st_size
        self._rest = b""

    def news(self) -> Iterator[Line]:
        """Yield the lines that were completed since."""
        with self._path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < self._place:
                # It was full, and was emptied.
                self._place, self._rest = 0, b""
            file.seek(self._place)
            read = file.read()
        self._place += len(read)
        *lines, self._rest = (self._rest + read).split(b"\n")
        yield from (Line.read(self._program, raw) for raw in lines if raw.strip())


def _files(programs: Sequence[str], folder: Path) -> dict[str, Path]:
    there = {path.name.removesuffix(".log"): path for path in sorted(folder.glob("*.log"))}
    if not there:
        raise SuiteError(f"{folder} has no logs: a suite that `puppetctl up` has started writes them there")
    if unknown := next((name for name in programs if name not in there), None):
        raise SuiteError(f"{unknown!r} has no log in {folder}; these have: {', '.join(there)}")
    return {name: path for name, path in there.items() if not programs or name in programs}


def _backwards(path: Path) -> Iterator[bytes]:
    """Yield the lines of a log from its end, and then those that were put aside."""
    yield from _lines_backwards(path)
    for number in range(1, KEPT + 1):
        aside = path.with_name(f"{path.name}.{number}")
        if aside.exists():
            yield from _lines_backwards(aside)


def _lines_backwards(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        place, rest = file.seek(0, os.SEEK_END), b""
        while place:
            step = min(_BLOCK, place)
            place -= step
            file.seek(place)
            rest, *lines = (file.read(step) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line.strip())
        if rest.strip():
            yield rest


def _dated(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield lines, oldest first, each with a time: that of the line before, where it has none of its own."""
    before = ""
    for line in lines:
        before = line.time or before
        yield Line(line.program, {"time": before, **line.fields})


def _by_time(lines: Iterable[Line]) -> Iterator[Line]:
    return iter(sorted(lines, key=lambda line: line.time))


def _clock(time_: str) -> str:
    try:
        return f"{datetime.fromisoformat(time_).astimezone():%H:%M:%S}"
    except ValueError:
        return " " * 8


def _show(line: Line, *, as_json: bool) -> None:
    if as_json:
        print_line(line.object())
    else:
        open_console().print(line.words(), soft_wrap=True)
