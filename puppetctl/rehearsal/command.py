"""`puppetctl rehearse`: one rehearsal, or two beside each other, and their report."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from puppetctl.characters.personas import PersonaFile, handle_of, persona_files, read_personas
from puppetctl.local.stopping import stopped_by_signal
from puppetctl.rehearsal import text
from puppetctl.rehearsal.costs import prices, sources
from puppetctl.rehearsal.html import page
from puppetctl.rehearsal.isolation import LOCAL
from puppetctl.rehearsal.recording import Recording
from puppetctl.rehearsal.report import report
from puppetctl.rehearsal.stage import Plan, rehearse
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import Display, open_console
from puppetctl.terminal.feed import notice

_DAYS = 7.0
_MOST_DAYS = 365.0
_WIDTH = 80
_STOPPED = 130
_NEW, _OLD = "new", "old"


@dataclass(frozen=True, slots=True)
class Options:
    """What `rehearse` was asked for."""

    personas: Sequence[Path]
    days: float | None = None
    posts: int | None = None
    speed: float = 3600.0
    seed: int = 0
    output: Path | None = None
    beside: Path | None = None
    provider: str = LOCAL
    is_alone: bool = False
    price_in: float | None = None
    price_out: float | None = None
    keep: Path | None = None
    is_plain: bool = False


async def run(options: Options, environment: Mapping[str, str], demo: Path) -> int:
    """Rehearse and report; `demo` is the folder of the demo characters. Raises SuiteError.

    The exit code is 130 when it was stopped before anything had happened.
    """
    plans = make_plans(options, demo)
    if options.output is not None and not options.output.resolve().parent.is_dir():
        raise SuiteError(f"--output: there is no folder {options.output.resolve().parent}")
    stopped, console = stopped_by_signal(), open_console(is_plain=options.is_plain)
    # One after another: side by side they would take the machine from each other.
    tried = [await _watched(plan, environment, stopped, options) for plan in plans]
    recordings = [found for found in tried if found is not None]
    if not recordings:
        return _STOPPED
    is_own_price = options.price_in is not None or options.price_out is not None
    made = report(recordings, prices(options.price_in, options.price_out), sources(is_own=is_own_price))
    console.width = min(console.width, _WIDTH)
    for part in text.lines(made):
        console.print(part)
    if options.output is not None:
        options.output.write_text(page(made), encoding="utf-8")
        console.print(f"\nthe page: {options.output}", markup=False, soft_wrap=True)
    return 0


def make_plans(options: Options, demo: Path) -> list[Plan]:
    """Return what is rehearsed, one after another. Raises SuiteError for what doesn't go together, or can't be read."""
    paths = [options.personas or persona_files(demo)]
    keep = options.keep.resolve() if options.keep is not None else None
    folders = [keep]
    if options.beside is not None:
        if len(options.personas) != 1:
            raise SuiteError("--beside compares two personas: give one PERSONA with it")
        paths.append([options.beside])
        folders = [keep / name if keep else None for name in (_NEW, _OLD)]
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise SuiteError(f"--keep: {keep} isn't empty, and a rehearsal needs a folder of its own")
    days = options.days or (_DAYS if options.posts is None else _MOST_DAYS)
    return [
        Plan(
            title=title,
            personas=personas,
            neighbours=[] if options.is_alone or not options.personas else _neighbours(personas, demo),
            days=days,
            speed=options.speed,
            seed=options.seed,
            posts=options.posts,
            provider=options.provider.strip().lower(),
            folder=folder,
        )
        for title, personas, folder in zip(_titles(paths), map(_read, paths), folders, strict=True)
    ]


def _titles(paths: Sequence[Sequence[Path]]) -> list[str]:
    """Return what the rehearsals are called: by their files, with their folders where the names alone are the same."""
    names = [paths_of[0].name if len(paths_of) == 1 else f"{len(paths_of)} characters" for paths_of in paths]
    return names if len(set(names)) == len(names) else [str(paths_of[0]) for paths_of in paths]


def _read(paths: Sequence[Path]) -> list[PersonaFile]:
    files, refused = read_personas(paths)
    if refused:
        raise SuiteError("\n".join(refused))
    return files


def _neighbours(personas: Sequence[PersonaFile], demo: Path) -> list[PersonaFile]:
    """Return the demo characters that are others than those that are rehearsed."""
    taken = {name.lower() for file in personas for name in (file.id, handle_of(file.id))}
    return [file for file in _read(persona_files(demo)) if not taken & {file.id.lower(), handle_of(file.id).lower()}]


async def _watched(
    plan: Plan, environment: Mapping[str, str], stopped: asyncio.Event, options: Options
) -> Recording | None:
    """Rehearse, unless it was stopped before, and show how far it is."""
    if stopped.is_set():
        return None
    latest = "starting"
    with Display(open_console(is_plain=options.is_plain), lambda: latest, is_plain=options.is_plain) as display:

        def progress(words: str) -> None:
            nonlocal latest
            latest = f"{plan.title}: {words} · Ctrl-C ends it and reports"
            display.show(notice(datetime.now().astimezone(), plan.title, words))

        return await rehearse(plan, environment, stopped, progress)
