"""`puppetctl import`: from files of other projects to persona files."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from puppetctl import files
from puppetctl.characters.personas import struct_of
from puppetctl.importing import registry, report, sources
from puppetctl.importing.errors import Unreadable
from puppetctl.importing.registry import Imported
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import open_console
from puppetctl.terminal.words import plain

_MAX_SKIPPED = 5
_MAX_TABLES = 3
"""Of how many characters the values are shown."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `form` is the name of a format, empty to recognise it."""

    out: Path
    form: str = ""
    name: str = ""
    force: bool = False
    as_json: bool = False


@dataclass(slots=True)
class _Outcome:
    """What came of the files."""

    written: list[tuple[Imported, Path]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def run(paths: Sequence[Path], options: Options) -> int:
    """Write a persona file for each character in these files and folders, and tell what was taken of it.

    A bad file costs its character, and the exit code is 1. Raises SuiteError when there is nothing to do.
    """
    outcome = _Outcome()
    form = registry.named(options.form)
    if options.form and form is None:
        raise SuiteError(f"no format is called {options.form!r}: {', '.join(one.name for one in registry.FORMATS)}")
    for path, is_named in _candidates(paths, outcome):
        try:
            _import(path, form, options, outcome, is_named=is_named)
        except Unreadable as error:
            outcome.refused.append((str(path), str(error)))
        except OSError as error:
            outcome.refused.append((str(path), error.strerror or str(error)))
    if options.name and len(outcome.written) > 1:
        outcome.refused.append(("--name", "is for one character, and several were found"))
        outcome.written.clear()
    _write(options, outcome)
    if options.as_json:
        _print_json(outcome)
    else:
        _print(outcome, options.out)
    return 1 if outcome.refused or not outcome.written else 0


def _candidates(paths: Sequence[Path], outcome: _Outcome) -> Iterator[tuple[Path, bool]]:
    for path in paths:
        try:
            yield from sources.candidates([path])
        except (Unreadable, OSError) as error:
            outcome.refused.append(
                (str(path), error.strerror or str(error) if isinstance(error, OSError) else str(error))
            )


def _import(path: Path, wanted: registry.Format | None, options: Options, outcome: _Outcome, *, is_named: bool) -> None:
    found = False
    for document in sources.documents(path):
        form = wanted or registry.recognise(document)
        if form is None or (wanted and not wanted.recognises(document.content) and not is_named):
            continue
        found = True
        try:
            imported = registry.convert(document, form, options.name)
            _check(imported)
        except Unreadable as error:
            outcome.refused.append((document.label, str(error)))
            continue
        outcome.written.append((imported, options.out / f"{imported.id}.json"))
    if not found and is_named:
        raise Unreadable(
            "holds no character of a known format: elizaOS (JSON, TypeScript), ZerePy, SillyTavern (JSON, PNG, CHARX), "
            "SOUL.md, Puppet Engine"
        )
    if not found:
        outcome.skipped.append(str(path))


def _check(imported: Imported) -> None:
    """Refuse what no message can hold; the service says the rest."""
    try:
        struct_of(imported.persona).SerializeToString()
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"holds something that is no text: {error}") from None


def _write(options: Options, outcome: _Outcome) -> None:
    """Write the files; one that is there already, or was just written, is not written over."""
    wanted, outcome.written = outcome.written, []
    ids: dict[str, str] = {}
    if wanted:
        options.out.mkdir(parents=True, exist_ok=True)
    for imported, path in wanted:
        if (other := ids.setdefault(imported.id, imported.label)) != imported.label:
            outcome.refused.append(
                (imported.label, f"would be {imported.id!r}, as {other} is: import it with a --name")
            )
            continue
        text = json.dumps(imported.persona, ensure_ascii=False, indent=2) + "\n"
        try:
            with files.writing(path, force=options.force, otherwise="give another --name or --out") as file:
                file.write(text.encode())
        except SuiteError as error:
            outcome.refused.append((imported.label, str(error)))
        else:
            outcome.written.append((imported, path))


def _print(outcome: _Outcome, out: Path) -> None:
    console, errors = open_console(), open_console(to_errors=True)
    for imported, path in outcome.written:
        title = f"{plain(imported.label)}: {imported.format.title}, {plain(imported.persona['name'])}, is now {path}"
        console.print(f"{title} ({report.in_short(imported)})", markup=False, soft_wrap=True)
        if len(outcome.written) <= _MAX_TABLES:
            for part in report.tables(imported):
                console.print(part)
    for label, words in outcome.refused:
        errors.print(f"{plain(label)}: {plain(words)}", markup=False, soft_wrap=True, style="red")
    if outcome.skipped:
        console.print(f"no characters: {_listed(outcome.skipped)}", markup=False, soft_wrap=True, style="dim")
    if len(outcome.written) > _MAX_TABLES:
        console.print("--json, or one of them alone, shows what became of each value", markup=False)
    if not (outcome.written or outcome.refused or outcome.skipped):
        errors.print("nothing to import: there are no files that could hold a character", style="red")
    if outcome.written:
        few = len(outcome.written) <= _MAX_TABLES
        files = " ".join(_quoted(path) for _, path in outcome.written) if few else _quoted(out) + "/*.json"
        console.print("what strangers wrote is a prompt from now on: read it first", markup=False)
        console.print(f"next: puppetctl apply {files}", markup=False, soft_wrap=True)


def _print_json(outcome: _Outcome) -> None:
    answer: dict[str, Any] = {
        "characters": [report.as_json(imported, str(path)) for imported, path in outcome.written],
        "refused": [{"source": label, "why": words} for label, words in outcome.refused],
        "skipped": outcome.skipped,
    }
    # In ASCII nothing that a stranger wrote can steer the terminal it is shown on.
    open_console().out(json.dumps(answer, indent=2), highlight=False)


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _MAX_SKIPPED} more" if len(paths) > _MAX_SKIPPED else ""
    return ", ".join(map(plain, paths[:_MAX_SKIPPED])) + more


def _quoted(path: Path) -> str:
    return f"'{path}'" if " " in str(path) else str(path)
