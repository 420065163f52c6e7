"""What a command has found: tables for people, JSON for programs.

With `--json` a list is a line of JSON for each item, and what is shown alone is one document. Messages of the contracts
have the names of their fields there, as in `puppetctl call`; a field with its default value is left out.
"""

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.box import SIMPLE_HEAD
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from puppetctl.terminal.display import open_console
from puppetctl.terminal.words import plain

Item = Message | Mapping[str, Any]
"""What a program gets: a message, or an object that is JSON already."""


class Listing:
    """A list, shown when it is whole: as a table, or item by item as JSON lines.

    A column whose title begins with `>` stands at the right; the last one takes what room there is.
    """

    def __init__(self, *titles: str, as_json: bool, empty: str) -> None:
        """Take what is said when there is nothing to list."""
        self._as_json = as_json
        self._empty = empty
        self._count = 0
        self._table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for number, title in enumerate(titles):
            side: JustifyMethod = "right" if title.startswith(">") else "left"
            self._table.add_column(title.removeprefix(">"), justify=side, no_wrap=number < len(titles) - 1)

    def __len__(self) -> int:
        return self._count

    def add(self, item: Item, *cells: str | Text) -> None:
        """Add what a program gets, and the cells that people see."""
        self._count += 1
        if self._as_json:
            print_line(item)
        else:
            self._table.add_row(*(Text(plain(cell)) if isinstance(cell, str) else cell for cell in cells))

    def show(self) -> None:
        """Show the table; a program has got its lines already."""
        if not self._as_json:
            open_console().print(self._table if self._count else self._empty)


def print_line(item: Item) -> None:
    """Print an item of a list, or of a stream, as a line of JSON."""
    print(json.dumps(as_object(item), ensure_ascii=False), flush=True)  # noqa: T201


def print_document(item: Item) -> None:
    """Print what is shown alone as a document of JSON."""
    print(json.dumps(as_object(item), ensure_ascii=False, indent=2))  # noqa: T201


def as_object(item: Item) -> Mapping[str, Any]:
    """Return an item as an object of JSON."""
    return MessageToDict(item, preserving_proto_field_name=True) if isinstance(item, Message) else item
