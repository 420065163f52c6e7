"""`puppetctl rehearse`: one rehearsal, or two beside each other, and their report."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from puppetctl import files
from puppetctl.characters.personas import PersonaFile, persona_files, read_personas
from puppetctl.local import model
from puppetctl.local.stopping import stopped_by_signal
from puppetctl.rehearsal import text
from puppetctl.rehearsal.asking import ask
from puppetctl.rehearsal.costs import prices, sources
from puppetctl.rehearsal.html import page
from puppetctl.rehearsal.isolation import LOCAL
from puppetctl.rehearsal.plan import Plan
from puppetctl.rehearsal.recording import Recording
from puppetctl.rehearsal.report import report
from puppetctl.rehearsal.stage import rehearse
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import Display, open_console
from puppetctl.terminal.feed import notice
from services.runtime.given_accounts import handle_of

_DAYS = 7.0
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
    force: bool = False
    beside: Path | None = None
    provider: str = LOCAL
    is_alone: bool = False
    price_in: float | None = None
    price_out: float | None = None
    keep: Path | None = None
    is_plain: bool = False
    model: str = ""
    beside_model: str = ""
    beside_provider: str = ""
    explains: bool = False


async def run(options: Options, environment: Mapping[str, str], demo: Path) -> int:
    """Rehearse and report; `demo` is the folder of the demo characters. Raises SuiteError.

    The exit code is 130 when it was stopped before anything had happened.
    """
    plans = make_plans(options, demo)
    if options.output is not None and not options.output.resolve().parent.is_dir():
        raise SuiteError(f"--output: there is no folder {options.output.resolve().parent}")
    if options.output is not None:
        # Before anything is lived, which takes long.
        files.check_free(options.output, force=options.force)
    for plan in plans:
        if plan.uses_sandbox_model:
            model.agree(model.with_model(environment, plan.model))
    stopped, console = stopped_by_signal(), open_console(is_plain=options.is_plain)
    # One after another: side by side they would take the machine from each other.
    tried = [await _watched(plan, environment, stopped, options) for plan in plans]
    recordings = [found for found in tried if found is not None]
    if not recordings:
        return _STOPPED
    is_own_price = options.price_in is not None or options.price_out is not None
    made = report(recordings, prices(options.price_in, options.price_out), sources(is_own=is_own_price))
    console.width = min(console.width, _WIDTH)
    for part in text.lines(made, explains=options.explains):
        console.print(part)
    if options.output is not None:
        with files.writing(options.output, force=options.force) as file:
            file.write(page(made).encode())
        console.print(f"\nthe page: {options.output}", markup=False, soft_wrap=True)
    return 0


def make_plans(options: Options, demo: Path) -> list[Plan]:
    """Return what is rehearsed, one after another. Raises SuiteError for what doesn't go together, or can't be read."""
    cast = _Cast(options.personas or persona_files(demo), options.provider.strip().lower(), options.model)
    casts, keep = [cast], options.keep.resolve() if options.keep is not None else None
    folders = [keep]
    if options.beside is not None and len(options.personas) != 1:
        raise SuiteError("--beside compares two personas: give one PERSONA with it")
    if options.beside is not None or options.beside_model or options.beside_provider:
        paths = cast.paths if options.beside is None else [options.beside]
        provider = options.beside_provider.strip().lower() or (LOCAL if options.beside_model else cast.provider)
        casts.append(_Cast(paths, provider, options.beside_model or cast.model))
        folders = [keep / name if keep else None for name in (_NEW, _OLD)]
    for option, asked in (("--model", options.model), ("--beside-model", options.beside_model)):
        if asked and LOCAL not in [one.provider for one in (casts[:1] if option == "--model" else casts[1:])]:
            raise SuiteError(f"{option} is of the sandbox's model, and another provider is named beside it")
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise SuiteError(f"--keep: {keep} isn't empty, and a rehearsal needs a folder of its own")
    return [
        Plan(
            title=title,
            personas=personas,
            neighbours=[] if options.is_alone or not options.personas else _neighbours(personas, demo),
            days=options.days or (_DAYS if options.posts is None else None),
            speed=options.speed,
            seed=options.seed,
            posts=options.posts,
            provider=one.provider,
            model=one.model,
            folder=folder,
        )
        for one, title, personas, folder in zip(
            casts, _titles(casts), [_read(one.paths) for one in casts], folders, strict=True
        )
    ]


@dataclass(frozen=True, slots=True)
class _Cast:
    """Which personas are rehearsed together, and who writes for them."""

    paths: Sequence[Path]
    provider: str
    model: str

    @property
    def writer(self) -> str:
        """Who writes, in words."""
        return self.provider if self.provider != LOCAL else Path(self.model).name or "the sandbox's model"


def _titles(casts: Sequence[_Cast]) -> list[str]:
    """Return what the rehearsals are called: by what they differ in, their files or who writes.

    Files whose names alone are the same are named with their folders.
    """
    names = [one.paths[0].name if len(one.paths) == 1 else f"{len(one.paths)} characters" for one in casts]
    if len(casts) > 1 and casts[0].paths != casts[1].paths and names[0] == names[1]:
        names = [str(one.paths[0]) for one in casts]
    writers = [one.writer for one in casts]
    if len(casts) == 1 or len(set(writers)) == 1:
        return names
    return writers if names[0] == names[1] else [", ".join(pair) for pair in zip(names, writers, strict=True)]


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

        does = ask if plan.days is None else rehearse
        return await does(plan, environment, stopped, progress)
