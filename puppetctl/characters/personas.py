"""Persona files: what is read of them before anybody is asked, and what is wrong with the others."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format, struct_pb2

from puppetctl.knowledge.reading import Passage, read_knowledge
from puppetctl.suite import SuiteError
from services.runtime.given_accounts import handle_of
from services.runtime.rpc.bounds import MAX_BYTES


@dataclass(frozen=True, slots=True)
class PersonaFile:
    """A file, and the character that it describes: an object with an `id` and a `name`."""

    path: Path
    persona: Mapping[str, Any]
    knowledge: tuple[Passage, ...] = ()
    """The passages of the files beside it that its `knowledge_base` names."""

    @property
    def id(self) -> str:
        """The character's id."""
        return str(self.persona["id"])


def persona_files(folder: Path) -> list[Path]:
    """Return the persona files of a folder, by name. Raises SuiteError when there are none."""
    if not (found := sorted(folder.glob("*.json"))):
        raise SuiteError(f"{folder}: no persona files (*.json) are there")
    return found


def read_personas(paths: Sequence[Path]) -> tuple[list[PersonaFile], list[str]]:
    """Return the files that can be read, and for each of the others what is wrong with it, by its name and line."""
    files, refused = [], []
    taken: dict[str, Path] = {}
    for path in paths:
        try:
            persona = _read(path)
            file = PersonaFile(path, persona, _knowledge(path, persona))
            _take(file, taken)
        except SuiteError as error:
            refused.append(str(error))
        else:
            files.append(file)
    return files, refused


def struct_of(persona: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a persona as it goes over the wire."""
    return json_format.ParseDict(dict(persona), struct_pb2.Struct())


def _read(path: Path) -> dict[str, Any]:
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise SuiteError(f"{path}: has {size:,} bytes, and a persona may have {MAX_BYTES:,}")
        # With a mark in front, as editors on Windows write it, or without.
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SuiteError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SuiteError(f"{path}: is not UTF-8 text") from None
    if not text.strip():
        raise SuiteError(f"{path}: is empty: a persona is a JSON object with an `id` and a `name`")
    persona = _parsed(path, text)
    if not isinstance(persona, dict) or not all(isinstance(persona.get(name), str) for name in ("id", "name")):
        raise SuiteError(f"{path}: is not a persona: it needs an `id` and a `name`, and all else is optional")
    if not isinstance(persona.get("is_active", True), bool | None):
        raise SuiteError(f"{path}: is_active must be true or false")
    return persona


def _knowledge(path: Path, persona: Mapping[str, Any]) -> tuple[Passage, ...]:
    try:
        return read_knowledge(persona, path.parent)
    except SuiteError as error:
        raise SuiteError(f"{path}: {error}") from None


def _parsed(path: Path, text: str) -> Any:
    try:
        persona = json.loads(text)
        if isinstance(persona, dict):
            struct_of(persona).SerializeToString()
    except json.JSONDecodeError as error:
        hint = "" if text.lstrip().startswith("{") else ": a persona is a JSON object, and begins with {"
        raise SuiteError(f"{path}: line {error.lineno}, column {error.colno}: {error.msg}{hint}") from None
    except (json_format.ParseError, ValueError, RecursionError):
        # What JSON can write and no message can hold: halves of characters, endless numbers, objects a hundred deep.
        words = "holds something that is no text or too large a number, or is nested too deeply"
        raise SuiteError(f"{path}: {words}") from None
    return persona


def _take(file: PersonaFile, taken: dict[str, Path]) -> None:
    """Refuse a character that would be another one, or have its account."""
    for what, name in _names(file):
        if (first := taken.get(f"{what} {name.lower()}")) is not None:
            raise SuiteError(f"{file.path} and {first} have the same {what} {name!r}: give one of them another id")
    taken |= {f"{what} {name.lower()}": file.path for what, name in _names(file)}


def _names(file: PersonaFile) -> Iterator[tuple[str, str]]:
    yield "id", file.id
    yield "account name", handle_of(file.id)
