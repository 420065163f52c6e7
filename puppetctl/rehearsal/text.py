"""A report as text for a terminal of 80 columns. Pure: a report in, renderables out."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from puppetctl.characters.moods import curve
from puppetctl.rehearsal.figures import Bond, Fallen, Figures, Said
from puppetctl.rehearsal.report import Column, Report, Section, facts, profit, trade_rows
from puppetctl.terminal.words import plain

_BARS = " ▁▂▃▄▅▆▇█"
_MAX_SAID = 6
_MAX_LISTED = 6
_MOOD_POINTS = 44
_QUOTED = 66


def lines(report: Report, *, explains: bool = False) -> Iterator[RenderableType]:
    """Yield the parts of a report, in order; `explains` shows the candidates that fell, too."""
    for head in report.heads:
        yield Text(plain(head))
    for section in report.sections:
        yield Text()
        yield Text(plain(section.name), "bold")
        yield _facts(section, report)
        for column in section.columns:
            if column.title:
                yield Text(f"\n{plain(column.title)}", "bold")
            yield from _column(column, explains=explains)
    yield Text()
    for note in (*report.notes, report.sources):
        yield Text(plain(note), "dim")


def _facts(section: Section, report: Report) -> Table:
    # Two personas that are compared are told apart by their files.
    table = Table("", *(plain(column.title) for column in section.columns), box=SIMPLE_HEAD, pad_edge=False)
    table.show_header = len(section.columns) > 1
    found = [facts(column, report.prices) for column in section.columns]
    for row in zip(*found, strict=True):
        table.add_row(Text(row[0][0], "dim"), *(Text(plain(value)) for _, value in row))
    return table


def _column(column: Column, *, explains: bool) -> Iterator[RenderableType]:
    found = column.figures
    if column.is_asked:
        yield from _asked(found, explains=explains)
    else:
        yield from _hours(found)
        yield from _said("posts", found.posts)
        yield from _said("replies", found.replies)
    yield from _counted("kept silent", found.silences)
    yield from _counted("failed", found.failures)
    yield from _counted("refused by the guard", found.verdicts.by_rule)
    if found.alike:
        yield _title("near-duplicates")
        for pair in found.alike[:_MAX_LISTED]:
            yield _item(f"{pair.likeness:.0%}", f"{_cut(pair.first)} / {_cut(pair.second)}")
    if found.style and found.style.openings:
        yield _title("openings that come again")
        yield _item("", ", ".join(f"“{words}” {count} times" for words, count in found.style.openings))
    if (points := found.life.moods) and not column.is_asked:
        yield _title("mood")
        yield from curve(points[:: -(-len(points) // _MOOD_POINTS)], found.life.usual_mood)[:3]
    if not column.is_asked:
        yield from _bonds(found.bonds)
    if found.conclusions:
        yield _title("conclusions that it drew")
        yield from (_item("", _cut(words)) for words in found.conclusions[:_MAX_LISTED])
    if trades := trade_rows(column):
        yield _title("trades")
        yield from (_item(time, f"{what}, {state}") for time, what, state in trades[:_MAX_LISTED])
        if words := profit(column):
            yield _item("", words)


def _hours(found: Figures) -> Iterator[RenderableType]:
    limit = max(found.hours)
    if not limit:
        return
    behavior = found.life.behavior
    yield _title("posts by hour of its day")
    bars = "".join(f"{_BARS[-(-count * (len(_BARS) - 1) // limit)]}  " for count in found.hours)
    yield Text(f"  {bars}".rstrip(), "cyan")
    yield Text("  " + "".join(f"{hour:02} " for hour in range(24)).rstrip(), "dim")
    if behavior.peak_posting_hours:
        marks = "".join(f"{'^^' if hour in behavior.peak_posting_hours else '  '} " for hour in range(24)).rstrip()
        yield Text(f"  {marks}  peak", "dim")
    if quiet := behavior.quiet_hours:
        asleep = [(hour - quiet.begin) % 24 < (quiet.end - quiet.begin) % 24 for hour in range(24)]
        yield Text("  " + "".join("zz " if one else "   " for one in asleep).rstrip() + "  asleep", "dim")


def _said(title: str, said: Sequence[Said]) -> Iterator[RenderableType]:
    if not said:
        return
    shown = _spread(said)
    more = f", {len(shown)} of {len(said)}" if len(shown) < len(said) else ""
    yield _title(f"{title}{more}")
    for one in shown:
        if title == "replies":
            yield _item(f"{one.day}/{one.clock:%H:%M}", f"{one.to}: “{_cut(one.about)}”", "dim")
            yield _item("", one.text)
        else:
            yield _item(f"{one.day}/{one.clock:%H:%M}", one.text)


def _asked(found: Figures, *, explains: bool) -> Iterator[RenderableType]:
    """Yield all that was said, and what fell beside it."""
    if found.posts:
        yield _title("posts")
    for place, one in enumerate(found.posts, 1):
        yield _item(f"{place}", one.text)
        yield from (_item("", f"breaks its style: it {rule}", "red") for rule in one.broken)
        yield from _fallen(one.fallen) if explains else ()
    if explains and found.unsaid:
        yield _title("where nothing could be said")
        for unsaid in found.unsaid:
            yield _item("", unsaid.about)
            yield from _fallen(unsaid.fallen)


def _fallen(fallen: Sequence[Fallen]) -> Iterator[RenderableType]:
    for one in fallen:
        yield _item("      fell", f"{one.text} ({one.why})", "dim")


def _spread(said: Sequence[Said]) -> Sequence[Said]:
    """Return some of what was said, from all of the time."""
    step = max(1, -(-len(said) // _MAX_SAID))
    return said[::step]


def _counted(title: str, counted: Sequence[tuple[str, int, str]]) -> Iterator[RenderableType]:
    if counted:
        yield _title(title)
        for reason, count, example in counted[:_MAX_LISTED]:
            yield _item(f"{count:>5}", f"{reason}: {_cut(example)}" if example else reason)


def _bonds(bonds: Sequence[Bond]) -> Iterator[RenderableType]:
    if not bonds:
        return
    yield _title("relationships, from the beginning to the end")
    table = Table(
        "with", "exchanges", "sentiment", "familiarity", "trust", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for bond in bonds[: 2 * _MAX_LISTED]:
        sides = (f"{was:+.2f} → {now:+.2f}" for was, now in zip(bond.before, bond.after, strict=True))
        table.add_row(Text(plain(bond.name)), str(bond.exchanges), *sides)
    yield table


def _title(words: str) -> Text:
    return Text(f"\n{words}", "bold dim")


def _item(head: str, words: str, style: str = "") -> Table:
    """Return words beside their head, wrapped below themselves."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=12)
    table.add_column(overflow="fold")
    table.add_row(Text(plain(head), "dim"), Text(plain(words), style))
    return table


def _cut(words: str) -> str:
    return f"{words[: _QUOTED - 1]}…" if len(words) > _QUOTED else words
