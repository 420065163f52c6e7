"""A report as one self-contained page. Pure: a report in, HTML out.

Strangers' words are in it: every text goes through `escape`, and nothing is loaded from anywhere.
"""

from collections.abc import Iterator, Sequence
from html import escape

from puppetctl.rehearsal.figures import Bond, Fallen, Figures, Said, Unsaid
from puppetctl.rehearsal.plots import hours_plot, mood_plot
from puppetctl.rehearsal.report import Column, Report, Section, facts, profit, trade_rows
from puppetctl.terminal.words import plain

_MAX_SAID = 60
_MAX_LISTED = 12

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --card: #f6f7f9; --ink: #1c2024; --soft: #5b6470; --line: #d9dee5;
  --bar: #8fb3dd; --peak: #1f66b1; --quiet: #e9ebf5; --valence: #1f66b1; --arousal: #b0500f; --dominance: #54751d;
  --good: #2c6e31; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --card: #1d2125; --ink: #e7eaee; --soft: #a0a9b4; --line: #343b43;
    --bar: #3f6793; --peak: #7fb5f0; --quiet: #23273a; --valence: #7fb5f0; --arousal: #f0a263; --dominance: #acc973;
    --good: #86c98a; --bad: #f2938c } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; margin: 0 0 .5rem }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line) }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem }
p { margin: .4rem 0 }
nav a { display: inline-block; margin: 0 1rem .4rem 0; color: var(--peak) }
table { border-collapse: collapse; width: 100%; font-size: .92rem; overflow-wrap: break-word }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line) }
th { font-weight: 600; color: var(--soft) }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.columns { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)) }
.columns > * { min-width: 0 }
.soft { color: var(--soft); font-size: .9rem }
.wide { overflow-x: auto }
ol.said { list-style: none; margin: 0; padding: 0; max-height: 34rem; overflow-y: auto }
ol.said li { padding: .5rem .75rem; margin: 0 0 .4rem; background: var(--card); border-radius: .4rem }
blockquote { margin: .2rem 0; padding-left: .6rem; border-left: 3px solid var(--line); color: var(--soft) }
svg { display: block; width: 100%; max-width: 30rem; height: auto; font: 11px system-ui, sans-serif }
.plots { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)) }
.plots > * { min-width: 0 }
svg text { fill: var(--soft) }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: .15rem; vertical-align: -.1rem }
.meter { height: .5rem; background: var(--line); border-radius: .25rem; min-width: 4rem }
.meter span { display: block; height: 100%; background: var(--peak); border-radius: .25rem }
.up { color: var(--good) } .down { color: var(--bad) }
"""


def page(report: Report) -> str:
    """Return the page."""
    names = ", ".join(section.name for section in report.sections)
    links = "".join(f'<a href="#c{place}">{_e(one.name)}</a>' for place, one in enumerate(report.sections))
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        # Even what would be overlooked here runs and loads nothing.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>Rehearsal of {_e(names)}</title><style>{_STYLE}</style></head><body>",
        f"<header><h1>Rehearsal of {_e(names)}</h1>",
        *(f"<p>{_e(head)}</p>" for head in report.heads),
        f"<nav>{links}</nav>" if len(report.sections) > 1 else "",
        "</header><main>",
        *(_section(place, one, report) for place, one in enumerate(report.sections)),
        "</main><footer><h2>About these figures</h2>",
        *(f'<p class="soft">{_e(note)}</p>' for note in (*report.notes, report.sources)),
        "</footer></body></html>",
    ]
    return "\n".join(filter(None, parts)) + "\n"


def _section(place: int, section: Section, report: Report) -> str:
    columns = [f"<div>{''.join(_column(column))}</div>" for column in section.columns]
    head = f'<section id="c{place}"><h2>{_e(section.name)}</h2>{_facts(section, report)}'
    return f'{head}<div class="columns">{"".join(columns)}</div></section>'


def _facts(section: Section, report: Report) -> str:
    titles = "".join(f'<th scope="col">{_e(column.title)}</th>' for column in section.columns)
    head = f"<thead><tr><td></td>{titles}</tr></thead>" if len(section.columns) > 1 else ""
    found = [facts(column, report.prices) for column in section.columns]
    rows = [
        f'<tr><th scope="row">{_e(row[0][0])}</th>{"".join(f"<td>{_e(value)}</td>" for _, value in row)}</tr>'
        for row in zip(*found, strict=True)
    ]
    return f'<div class="wide"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _column(column: Column) -> Iterator[str]:
    found = column.figures
    if column.title:
        yield f"<h3>{_e(column.title)}</h3>"
    if not column.is_asked:
        yield _plots(column)
    yield _said("Posts", found.posts, is_reply=False, is_asked=column.is_asked)
    yield _said("Replies", found.replies, is_reply=True)
    yield _unsaid(found.unsaid)
    yield _counted("Refused by the guard", ("rule", "texts", "for example"), found.verdicts.by_rule)
    yield _counted("Kept silent", ("what, and why", "times", "for example"), found.silences)
    yield _counted("Failed", ("why", "times", "for example"), found.failures)
    yield _repetition(found)
    if not column.is_asked:
        yield _bonds(found.bonds)
    if found.conclusions:
        items = "".join(f"<li>{_e(words)}</li>" for words in found.conclusions[:_MAX_LISTED])
        yield f"<h3>Conclusions that it drew</h3><ul>{items}</ul>"
    yield _trades(column)


def _plots(column: Column) -> str:
    found = column.figures
    plots = [f"<h3>Posts by hour of its day</h3>{hours_plot(found.hours, found.life.behavior)}"]
    if found.life.moods:
        plots.append(f"<h3>Mood</h3>{mood_plot(found.life.moods, column.clock)}")
    return f'<div class="plots">{"".join(f"<div>{plot}</div>" for plot in plots)}</div>'


def _said(title: str, said: Sequence[Said], *, is_reply: bool, is_asked: bool = False) -> str:
    if not said:
        return ""
    shown = said if is_asked else said[:: -(-len(said) // _MAX_SAID)]
    more = f"{len(shown)} of {len(said)}, from all of the time" if len(shown) < len(said) else f"{len(said)}"
    items = "".join(_one(one, is_reply=is_reply, is_asked=is_asked) for one in shown)
    head = f'<h3>{title} <span class="soft">{more}</span></h3>'
    return f'{head}<ol class="said" tabindex="0" aria-label="{title}">{items}</ol>'


def _one(said: Said, *, is_reply: bool, is_asked: bool) -> str:
    parts = [] if is_asked else [f"day {said.day}, {said.clock:%H:%M}"]
    if is_reply:
        parts.append(f"to {said.to}")
    elif said.about:
        parts.append(f"topic: {said.about}")
    parts += [f"feels {said.mood}"] if said.mood else []
    parts += [f"remembers “{said.memory}”"] if said.memory else []
    parts += [f"breaks its style: it {rule}" for rule in said.broken]
    heard = f"<blockquote>{_e(said.about)}</blockquote>" if is_reply and said.about else ""
    under = f'<div class="soft">{_e(" · ".join(parts))}</div>{_fallen(said.fallen)}'
    return f"<li>{heard}{_e(said.text)}{under}</li>"


def _fallen(fallen: Sequence[Fallen]) -> str:
    if not fallen:
        return ""
    items = "".join(f'<li>{_e(one.text)} <span class="soft">{_e(one.why)}</span></li>' for one in fallen)
    count = f"{len(fallen)} candidate{'s' if len(fallen) > 1 else ''} that fell"
    return f'<details class="soft"><summary>{count}</summary><ul>{items}</ul></details>'


def _unsaid(unsaid: Sequence[Unsaid]) -> str:
    items = "".join(f"<li>{_e(one.about)}{_fallen(one.fallen)}</li>" for one in unsaid)
    title = "Where nothing could be said"
    return f'<h3>{title}</h3><ol class="said" tabindex="0" aria-label="{title}">{items}</ol>' if items else ""


def _counted(title: str, heads: tuple[str, str, str], counted: Sequence[tuple[str, int, str]]) -> str:
    if not counted:
        return ""
    limit = max(count for _, count, _ in counted)
    rows = "".join(
        f'<tr><td>{_e(reason)}<div class="meter"><span style="width:{100 * count / limit:.0f}%"></span></div></td>'
        f'<td class="number">{count}</td><td class="soft">{_e(example)}</td></tr>'
        for reason, count, example in counted[:_MAX_LISTED]
    )
    first, second, third = heads
    head = f'<tr><th>{first}</th><th class="number">{second}</th><th>{third}</th></tr>'
    return f'<h3>{title}</h3><div class="wide"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _repetition(found: Figures) -> str:
    parts = [
        f"<li>{pair.likeness:.0%}: {_e(pair.first)}<br>{_e(pair.second)}</li>" for pair in found.alike[:_MAX_LISTED]
    ]
    words = f"<ul>{''.join(parts)}</ul>" if parts else "<p>No two posts are nearly the same.</p>"
    if found.style and found.style.openings:
        openings = ", ".join(f"“{opening}” {count} times" for opening, count in found.style.openings)
        words += f"<p>Openings that come again: {_e(openings)}.</p>"
    return f"<h3>Repetition</h3>{words}" if found.posts else ""


def _bonds(bonds: Sequence[Bond]) -> str:
    if not bonds:
        return ""
    rows = "".join(
        f'<tr><td>{_e(bond.name)}</td><td class="number">{bond.exchanges}</td>'
        f"{''.join(_change(*pair) for pair in zip(bond.before, bond.after, strict=True))}</tr>"
        for bond in bonds[: 2 * _MAX_LISTED]
    )
    titles = "".join(f'<th class="number">{title}</th>' for title in ("exchanges", "sentiment", "familiarity", "trust"))
    table = f"<table><thead><tr><th>with</th>{titles}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<h3>Relationships, from the beginning to the end</h3><div class="wide">{table}</div>'


def _change(before: float, after: float) -> str:
    way = " up" if after - before > 0.005 else " down" if after - before < -0.005 else ""
    return f'<td class="number{way}">{before:+.2f} → {after:+.2f}</td>'


def _trades(column: Column) -> str:
    rows = "".join(
        f"<tr>{''.join(f'<td>{_e(part)}</td>' for part in row)}</tr>" for row in trade_rows(column)[: 4 * _MAX_LISTED]
    )
    if not rows:
        return ""
    words = f"<p>{_e(profit(column))}</p>"
    return f'<h3>Trades</h3><div class="wide"><table><tbody>{rows}</tbody></table></div>{words}'


def _e(text: str) -> str:
    """Return a text as it may stand in an element or in a quoted attribute."""
    return escape(plain(text), quote=True)
