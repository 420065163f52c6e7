"""What long work shows on a terminal while it is under way, and nothing elsewhere.

It stands on standard error, so that it is never a part of what a program reads.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from puppetctl.terminal.display import open_console


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """Say what is waited for while the block runs, of which nobody knows how long it takes."""
    console = open_console(to_errors=True)
    if not console.is_terminal:
        yield
        return
    with console.status(f"{words} …", spinner="dots"):
        yield


class Steps:
    """Counts what is done of something that has many parts."""

    def __init__(self, progress: Progress, words: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(words, total=total)

    def done(self, many: int = 1) -> None:
        """Count further parts as done."""
        self._progress.advance(self._task, many)

    def say(self, words: str) -> None:
        """Say what is being done now."""
        self._progress.update(self._task, description=words)


@contextmanager
def steps(words: str, total: int | None = None) -> Iterator[Steps]:
    """Show a bar while the block counts; `total` is how many parts there are, None where nobody knows."""
    console = open_console(to_errors=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Steps(progress, words, total)
