"""`puppetctl new`: asks five questions, and writes the persona file that they answer."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from anyascii import anyascii

from puppetctl import files
from puppetctl.characters.commands import apply
from puppetctl.datadir import running_addresses
from puppetctl.suite import SuiteError
from puppetctl.terminal.display import open_console

_MAX_ID = 40
_SCHEMA = "docs/persona.schema.json"
_ROOTS = (Path(__file__).parents[2], Path(__file__).parents[1])
"""Below which it is in the sources, and in the wheel."""

QUESTIONS = {
    "name": "What is it called?",
    "who": "Who is it, in a sentence or two?",
    "voice": "How does it talk?",
    "interests": "What does it care about? (with commas between)",
    "posts": "What would it post? Some lines of its own; an empty one ends. They do more than any adjective.",
}
"""What is asked, by what it is for."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where the file goes, and what becomes of it."""

    folder: Path
    data_dir: Path
    force: bool = False
    start: bool = False
    asks: bool = False
    """Whether somebody is there to ask."""


Ask = Callable[[str], str]
"""Is handed a question, empty for a further line of the same answer, and returns a line."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered; only a name is needed."""

    name: str
    who: str = ""
    voice: str = ""
    interests: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id that is made from the name: small letters, digits and `-`."""
        return re.sub(r"[^a-z0-9]+", "-", anyascii(self.name).casefold()).strip("-")[:_MAX_ID].strip("-")

    def persona(self) -> dict[str, Any]:
        """Return the persona; what wasn't answered isn't in it. Raises SuiteError for a name that makes no id."""
        if not self.id:
            raise SuiteError(f"{self.name!r} has no letter or digit that an id could be made from: give another name")
        persona: dict[str, Any] = {"id": self.id, "name": self.name.strip(), "is_active": True}
        if self.who:
            persona["description"] = self.who
        personality: dict[str, Any] = {}
        if self.voice:
            personality["speaking_style"] = self.voice
            persona["style_guide"] = {"voice": self.voice}
        if self.interests:
            personality["interests"] = list(self.interests)
        if personality:
            persona["personality"] = personality
        if self.posts:
            persona["post_examples"] = list(self.posts)
        return persona


async def new(given: Answers, options: Options) -> int:
    """Make a character. Raises SuiteError, grpc's errors and OSError."""
    if not (given.name or options.asks):
        raise SuiteError("give it a name: there is no terminal to ask on")
    answers = await asyncio.to_thread(asked, given, _ask) if options.asks else given
    path = write(answers.persona(), options.folder, force=options.force)
    console = open_console()
    console.print(f"written to {path}{_completing(options.folder)}", markup=False, soft_wrap=True)
    is_wanted = options.start or (
        options.asks
        and bool(running_addresses(options.data_dir))
        and await asyncio.to_thread(typer.confirm, "Bring it to life now?", default=True)
    )
    if is_wanted and (code := await apply([path], options.data_dir)):
        return code
    name = answers.id
    told = (
        f"`puppetctl post {name}` lets it post now, `puppetctl chat {name}` talks to it"
        if is_wanted
        else f"`puppetctl rehearse {path} --posts 10` tries it out, `puppetctl apply {path}` brings it to life"
    )
    console.print(f"next: {told}", markup=False, soft_wrap=True)
    return 0


def _ask(question: str) -> str:
    answer: str = typer.prompt(question or "and", default="", show_default=False)
    return answer


def asked(given: Answers, ask: Ask) -> Answers:
    """Return the answers, after asking for each that wasn't given."""
    return Answers(
        given.name or _needed(QUESTIONS["name"], ask),
        given.who or ask(QUESTIONS["who"]).strip(),
        given.voice or ask(QUESTIONS["voice"]).strip(),
        given.interests or split(ask(QUESTIONS["interests"])),
        given.posts or tuple(_lines(QUESTIONS["posts"], ask)),
    )


def _needed(question: str, ask: Ask) -> str:
    while not (answer := ask(question).strip()):
        pass
    return answer


def split(words: str) -> tuple[str, ...]:
    """Return what stands between commas, each once."""
    return tuple(dict.fromkeys(part for word in words.split(",") if (part := word.strip())))


def write(persona: dict[str, Any], folder: Path, *, force: bool) -> Path:
    """Write a persona file into a folder, and return where it is. Raises SuiteError when one is there, and OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{persona['id']}.json"
    text = json.dumps(_schema_beside(folder) | persona, indent=2, ensure_ascii=False) + "\n"
    with files.writing(path, force=force, otherwise="give another name or --out") as file:
        file.write(text.encode())
    return path


def _schema_beside(folder: Path) -> dict[str, str]:
    """Return what an editor completes and checks the fields by, where the schema is above the folder."""
    for up, parent in enumerate((folder.resolve(), *folder.resolve().parents)):
        if (parent / _SCHEMA).is_file():
            return {"$schema": "../" * up + _SCHEMA}
    return {}


def _completing(folder: Path) -> str:
    """Return in words how an editor completes the file's other fields: by itself only below the schema."""
    if _schema_beside(folder):
        return ", where an editor completes the other fields"
    there = next((root / _SCHEMA for root in _ROOTS if (root / _SCHEMA).is_file()), None)
    return f'; with "$schema": "{there.as_uri()}" in it an editor completes the other fields' if there else ""


def _lines(question: str, ask: Ask) -> Iterator[str]:
    line = ask(question).strip()
    while line:
        yield line
        line = ask("").strip()
