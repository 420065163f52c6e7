"""Entries and the status line."""

import io

from rich.console import Console
from rich.text import Text

from puppetctl.terminal.display import Display


def test_a_pipe_gets_the_entries_and_nothing_else() -> None:
    output = io.StringIO()
    with Display(Console(file=output, width=80), lambda: "the status") as display:
        display.show(Text("an entry"))
        display.refresh()
    assert output.getvalue() == "an entry\n"


def test_a_terminal_gets_the_status_below_the_entries_until_the_end() -> None:
    output = io.StringIO()
    state = "nothing yet"
    with Display(Console(file=output, width=80, force_terminal=True), lambda: state) as display:
        display.show(Text("an entry"))
        state = "1 post"
        display.refresh()
    shown = output.getvalue()
    assert shown.index("nothing yet") < shown.index("an entry") < shown.index("1 post")


def test_a_plain_terminal_gets_no_status() -> None:
    output = io.StringIO()
    with Display(Console(file=output, force_terminal=True), lambda: "the status", is_plain=True) as display:
        display.show(Text("an entry"))
    assert output.getvalue() == "an entry\n"
