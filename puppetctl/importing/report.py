"""What became of each value, as a table for people and as JSON for programs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from puppetctl.importing.draft import Row
from puppetctl.importing.registry import Imported
from puppetctl.terminal.words import plain

_INDEX = re.compile(r"\[\d+\]")
_HEADING = re.compile(r"\[\"(?:[^\"\\]|\\.)*\"\]")
_CHANGED = re.compile(r"(?:cut to|in \d).*")
_BELOW = re.compile(r"(#.*?) > .*")
_LONGEST_PATH = 60
_LONGEST_NOTE = 120
_PATHS = 6
"""How many paths are named where the same is said of more."""

_EMPTY = "is empty"


@dataclass(frozen=True, slots=True)
class Group:
    """What is said of several values: those of one list have one path, with how many they are."""

    target: str
    note: str
    sources: dict[str, int]

    @property
    def paths(self) -> str:
        """The paths of the values, as far as a person reads them."""
        counted = [path if count == 1 else f"{path} ({count})" for path, count in self.sources.items()]
        more = f" and {len(counted) - _PATHS} more" if len(counted) > _PATHS else ""
        return ", ".join(_short(path, _LONGEST_PATH) for path in counted[:_PATHS]) + more


def groups(rows: Sequence[Row]) -> list[Group]:
    """Return the rows by what is said of them, in the order of the first: `bio[] (2)` for `bio[0]` and `bio[1]`."""
    found: dict[tuple[str, str], Group] = {}
    for row in rows:
        # A cut says how long the text was, and code what it is, which would make a group of each.
        note = _CHANGED.sub("cut, or in pieces", row.note) if row.is_taken else row.note.partition(": ...")[0]
        note = "is code, which is not run" if note.startswith("is code, which") else note
        target = _pattern(row.targets)
        group = found.setdefault((target, note), Group(target, note, {}))
        # Below a heading of Markdown there may be many more.
        path = _BELOW.sub(r"\1 > ...", _INDEX.sub("[]", row.source))
        group.sources[path] = group.sources.get(path, 0) + 1
    return list(found.values())


def tables(imported: Imported) -> Iterator[Table | Text]:
    """Go through what to show of a character: what was taken, what was inferred, and what was left, with why."""
    found = groups(imported.rows)
    taken, left = _table("taken", "becomes"), _table("left", "why")
    for group in found:
        if group.target:
            note = f"\n{_short(group.note, _LONGEST_NOTE)}" if group.note else ""
            taken.add_row(Text(group.paths), Text(_short(group.target, _LONGEST_NOTE) + note))
        elif group.note != _EMPTY:
            left.add_row(Text(group.paths), Text(_short(group.note, _LONGEST_NOTE)))
    yield taken
    for words in imported.inferred:
        yield Text(f" {plain(words)}")
    if left.row_count:
        yield left
    for group in found:
        if not group.target and group.note == _EMPTY:
            yield Text(f" empty: {group.paths}", style="dim")


def as_json(imported: Imported, file: str) -> dict[str, Any]:
    """Return everything about a character but its texts: every value of its source by its path."""
    return {
        "source": imported.label,
        "format": imported.format.name,
        "id": imported.id,
        "name": imported.persona["name"],
        "file": file,
        "taken": [
            {"source": row.source, "targets": row.targets, "note": row.note} for row in imported.rows if row.is_taken
        ],
        "inferred": imported.inferred,
        "left": [{"source": row.source, "why": row.note} for row in imported.rows if not row.is_taken],
    }


def in_short(imported: Imported) -> str:
    """Return how much was taken, in words."""
    taken = sum(row.is_taken for row in imported.rows)
    empty = sum(row.note == _EMPTY for row in imported.rows if not row.is_taken)
    return f"{taken} values taken, {len(imported.rows) - taken - empty} left, {empty} empty"


def _pattern(targets: Sequence[str]) -> str:
    """Return targets without the places in their lists."""
    return ", ".join(dict.fromkeys(_HEADING.sub("", _INDEX.sub("[]", target)) for target in targets))


def _table(*titles: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", ratio=1)
    return table


def _short(words: str, limit: int) -> str:
    """Return what strangers wrote as what can't steer the terminal, and isn't longer than a line or two."""
    words = plain(words)
    return words if len(words) <= limit else f"{words[: limit - 1]}…"
