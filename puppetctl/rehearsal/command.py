"""`puppetctl rehearse`: one rehearsal, or two beside each other, and their report."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from puppetctl.display import Display, open_console
from puppetctl.feed import notice
from puppetctl.personas import PersonaFile, handle_of, persona_files, read_personas
from puppetctl.rehearsal import text
from puppetctl.rehearsal.costs import prices, sources
from puppetctl.rehearsal.html import page
from puppetctl.rehearsal.isolation import LOCAL
from puppetctl.rehearsal.recording import Recording
from puppetctl.rehearsal.report import report
from puppetctl.rehearsal.stage import Plan, rehearse
from puppetctl.stopping import stopped_by_signal
from puppetctl.suite import SuiteError

_DAYS = 7.0
_MOST_DAYS = 365.0
_WIDTH = 80
_STOPPED = 130


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
    recordings: list[Recording] = []
    for plan in plans:
        if not stopped.is_set() and (found := await _watched(plan, environment, stopped, options)):
            recordings.append(found)
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
    given = options.personas or persona_files(demo)
    files = _read(given)
    rehearsals = [(given[0].name, files)]
    if options.beside is not None:
        if len(options.personas) != 1:
            raise SuiteError("--beside compares two personas: give one PERSONA with it")
        rehearsals.append((options.beside.name, _read([options.beside])))
        if given[0].name == options.beside.name:
            rehearsals = [
                (str(path), kept) for path, (_, kept) in zip((given[0], options.beside), rehearsals, strict=True)
            ]
    days = options.days or (_DAYS if options.posts is None else _MOST_DAYS)
    folders = (
        [options.keep] if options.keep is None or len(rehearsals) == 1 else [options.keep / "1", options.keep / "2"]
    )
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
        for (title, personas), folder in zip(rehearsals, folders * len(rehearsals), strict=False)
    ]


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
    """Rehearse, and show how far it is."""
    latest = "starting"
    with Display(open_console(is_plain=options.is_plain), lambda: latest, is_plain=options.is_plain) as display:

        def progress(words: str) -> None:
            nonlocal latest
            latest = f"{plan.title}: {words} · Ctrl-C ends it and reports"
            display.show(notice(datetime.now().astimezone(), plan.title, words))

        return await rehearse(plan, environment, stopped, progress)
