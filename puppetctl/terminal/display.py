"""The terminal: entries scroll by, and one line below them says how things stand."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

_WIDEST = 100


class _Console(Console):
    """A console whose reader may have seen enough, as every other output's."""

    def on_broken_pipe(self) -> None:
        """Leave to the command how that ends."""
        raise BrokenPipeError


def open_console(*, is_plain: bool = False, to_errors: bool = False) -> Console:
    """Return the console, or that of errors; a plain one has no colours and nothing that moves."""
    console = _Console(
        highlight=False, no_color=is_plain or None, color_system=None if is_plain else "auto", stderr=to_errors
    )
    if console.width > _WIDEST:
        console.width = _WIDEST
    return console


class Display:
    """Prints entries, and keeps a status line below them where the output is a terminal."""

    def __init__(self, console: Console, status: Callable[[], str], *, is_plain: bool = False) -> None:
        """Take what returns the status line; it is asked once for every print."""
        self._console = console
        self._status = status
        self._live: Live | None = None
        if console.is_terminal and not is_plain:
            # It is drawn again only together with an entry, so that it never flickers.
            self._live = Live(console=console, get_renderable=self._line, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, entry: RenderableType, *, is_whole: bool = False) -> None:
        """Print an entry, with its lines broken where the terminal ends, unless they have to stay whole."""
        self._console.print(entry, soft_wrap=is_whole)
        if self._live is not None:
            self._live.refresh()

    def refresh(self) -> None:
        """Draw the status line again."""
        if self._live is not None:
            self._live.refresh()

    def _line(self) -> RenderableType:
        return Text(f"\n{self._status()}", style="dim", no_wrap=True, overflow="ellipsis")
