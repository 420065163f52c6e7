"""The figures of a run, as a page of Markdown."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.character.measures import Embed, attribution, kept_share, repeated
from benchmarks.character.texts import BASELINE, PIPELINE, POST, REPLY, Run, Text
from puppetctl.rehearsal.style import broken_rules

_MAX_SHOWN = 5


def report(run: Run, personas: Mapping[str, Mapping[str, Any]], embed: Embed) -> str:
    """Return what of a run can be counted, beside the bare model where that wrote as well."""
    known = Run(run.model, run.seed, [one for one in run.texts if one.author in personas])
    sources = [source for source in (PIPELINE, BASELINE) if any(one.source == source for one in known.texts)]
    authors = len({one.author for one in known.texts})
    parts = [f"# {run.model}, seed {run.seed}, {authors} characters\n"]
    for kind, title in ((POST, "Posts"), (REPLY, "Replies")):
        if any(one.kind == kind for one in known.texts):
            parts.append(f"## {title}\n\n{_table(known, kind, sources, personas, embed)}")
    parts.append(f"## By character\n\n{_by_author(known, personas)}")
    parts += _shown(known, personas, embed)
    return "\n".join(parts)


def _table(run: Run, kind: str, sources: Sequence[str], personas: Mapping[str, Mapping[str, Any]], embed: Embed) -> str:
    said = {source: run.said(source, kind) for source in sources}
    rounds = {source: run.of(source, kind) for source in sources}
    # As many of each author from every source: who has more to go by is known more easily.
    fewest = {name: min(sum(one.author == name for one in said[source]) for source in sources) for name in personas}
    limit = {name: count for name, count in fewest.items() if count > 1}
    rows: list[tuple[str, Callable[[str], str]]] = [
        ("published", lambda source: f"{len(said[source])}"),
        ("rounds that end in silence", lambda source: _share(len(rounds[source]) - len(said[source]), rounds[source])),
        ("keep every hard style rule", lambda source: f"{kept_share(said[source], personas):.1%}"),
        ("near-duplicates", lambda source: _share(len(repeated(said[source], embed)), said[source])),
        (
            f"given to their author (chance {1 / max(1, len(limit)):.0%})",
            lambda source: _known(run, said[source], limit, embed),
        ),
        (
            "seconds for each that is published",
            lambda source: _each(sum(o.seconds for o in rounds[source]), said[source]),
        ),
        ("tokens read for each", lambda source: _each(sum(o.prompt_tokens for o in rounds[source]), said[source])),
        (
            "tokens written for each",
            lambda source: _each(sum(o.completion_tokens for o in rounds[source]), said[source]),
        ),
    ]
    lines = [f"| | {' | '.join(sources)} |", f"|---|{'---:|' * len(sources)}"]
    for label, value in rows:
        cells = [value(source) if said[source] else "" for source in sources]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _by_author(run: Run, personas: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["| | posts | rounds | replies | mentions | keep the style |", "|---|---:|---:|---:|---:|---:|"]
    for author in personas:
        own = [one for one in run.texts if (one.source, one.author) == (PIPELINE, author)]
        if not own:
            continue
        posts, replies = ([one for one in own if one.kind == kind] for kind in (POST, REPLY))
        said = [one for one in own if one.text]
        kept = f"{kept_share(said, personas):.0%}" if said else ""
        cells = (sum(bool(one.text) for one in posts), len(posts), sum(bool(one.text) for one in replies), len(replies))
        lines.append(f"| {author} | {' | '.join(map(str, cells))} | {kept} |")
    return "\n".join(lines) + "\n"


def _shown(run: Run, personas: Mapping[str, Mapping[str, Any]], embed: Embed) -> Iterator[str]:
    """Yield what is wrong with what was published, where something is."""
    said = [one for one in run.texts if one.source == PIPELINE and one.text]
    broken = [(one, rules) for one in said if (rules := broken_rules(one.text, personas[one.author]))]
    if broken:
        items = [f"- {one.author}: {one.text} (it {'; it '.join(rules)})" for one, rules in broken[:_MAX_SHOWN]]
        yield "## Break their style\n\n" + "\n".join(items) + "\n"
    if pairs := repeated([one for one in said if one.kind == POST], embed):
        items = [f"- {first} / {second}" for first, second in pairs[:_MAX_SHOWN]]
        yield "## Nearly the same\n\n" + "\n".join(items) + "\n"


def _known(run: Run, said: Sequence[Text], limit: Mapping[str, int], embed: Embed) -> str:
    found = attribution(said, limit, embed, run.seed)
    return "" if found is None else f"{found:.1%}"


def _share(part: int, whole: Sequence[Text]) -> str:
    return f"{part / len(whole):.1%}" if whole else ""


def _each(total: float, said: Sequence[Text]) -> str:
    each = total / len(said)
    return f"{each:.1f}" if each < 100 else f"{each:,.0f}"
