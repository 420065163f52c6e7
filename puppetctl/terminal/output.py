"""What a command has found: tables for people, JSON for programs.

With `--json` a list is a line of JSON for each item, and what is shown alone is one document. Messages of the contracts
have the names of their fields there, as in `puppetctl call`, and false, 0 and what is empty stand in them, as in the
gateway's answers.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, JustifyMethod, OverflowMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from puppetctl.terminal.display import open_console
from puppetctl.terminal.words import plain

Item = Message | Mapping[str, Any]
"""What a program gets: a message, or an object that is JSON already."""


_FIRST = (18, 32)
"""How narrow and how wide the first column may be, where it names the rows: a name is cut, and an id never is."""

_GAP, _EDGES = 3, 2
_MIN_LAST = 12
"""Below that the last column is a column of syllables."""


class Rows:
    """Rows for people: a table where the terminal has room for it, else each row as a few lines.

    A column whose title begins with `>` stands at the right; the last one takes what room there is. No figure is cut.
    """

    def __init__(self, *titles: str) -> None:
        self._titles = titles
        self._rows: list[tuple[Text, ...]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, *cells: str | Text) -> None:
        """Add a row, of as many cells as there are titles."""
        self._rows.append(tuple(Text(plain(cell)) if isinstance(cell, str) else cell for cell in cells))

    def fitted(self, width: int) -> RenderableType:
        """Return what fits into so many columns of characters."""
        first, *others, last = (self._natural(number) for number in range(len(self._titles)))
        rest = sum(others) + min(last, _MIN_LAST) + _GAP * (len(self._titles) - 1) + _EDGES
        if self._titles[0] != "id":
            least, limit = _FIRST
            first = min(first, max(least, min(width - rest, limit)))
        return self._table(first) if first + rest <= width else Group(*self._in_lines())

    def _natural(self, number: int) -> int:
        widest = max((cell_len(line) for row in self._rows for line in row[number].plain.splitlines()), default=0)
        return max(len(self._titles[number].removeprefix(">")), widest)

    def _table(self, first: int) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for number, title in enumerate(self._titles):
            side: JustifyMethod = "right" if title.startswith(">") else "left"
            is_whole = number < len(self._titles) - 1
            widest = first if number == 0 else None
            overflow: OverflowMethod = "ellipsis" if is_whole else "fold"
            name = title.removeprefix(">")
            table.add_column(name, justify=side, no_wrap=is_whole, overflow=overflow, max_width=widest)
        for row in self._rows:
            table.add_row(*row)
        return table

    def _in_lines(self) -> Iterator[RenderableType]:
        titles = [title.removeprefix(">") for title in self._titles]
        for first, *cells in self._rows:
            yield first
            said = Table.grid(padding=(0, 2))
            for title, cell in zip(titles[1:], cells, strict=True):
                if cell:
                    said.add_row(Text(title, "dim"), cell)
            yield Padding(said, (0, 0, 1, 2))


class Listing:
    """A list, shown when it is whole: to people as rows, or item by item as JSON lines."""

    def __init__(self, *titles: str, as_json: bool, empty: str) -> None:
        """Take what is said when there is nothing to list."""
        self._as_json = as_json
        self._empty = empty
        self._count = 0
        self._rows = Rows(*titles)

    def __len__(self) -> int:
        return self._count

    def add(self, item: Item, *cells: str | Text) -> None:
        """Add what a program gets, and the cells that people see."""
        self._count += 1
        if self._as_json:
            print_line(item)
        else:
            self._rows.add(*cells)

    def show(self) -> None:
        """Show the rows; a program has got its lines already."""
        if not self._as_json:
            console = open_console()
            console.print(self._rows.fitted(console.width) if self._count else self._empty)


def print_line(item: Item) -> None:
    """Print an item of a list, or of a stream, as a line of JSON."""
    print(_in_json(item), flush=True)  # noqa: T201


def print_document(item: Item) -> None:
    """Print what is shown alone as a document of JSON."""
    print(_in_json(item, indent=2))  # noqa: T201


def _in_json(item: Item, indent: int | None = None) -> str:
    # Where the output has no letters but ASCII's they are escaped, so that a program loses none.
    is_ascii = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    return json.dumps(as_object(item), ensure_ascii=is_ascii, indent=indent)


def as_object(item: Item) -> Mapping[str, Any]:
    """Return an item as an object of JSON."""
    if not isinstance(item, Message):
        return item
    return MessageToDict(item, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
