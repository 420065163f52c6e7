"""Files and folders, and what is in them: a file is known by its content, whatever it is called."""

import base64
import binascii
import io
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puppetctl.importing import literals, markdown, png
from puppetctl.importing.errors import Unreadable
from puppetctl.importing.markdown import MarkdownFiles

MAX_FILE = 64 * 2**20
"""Of a file, in bytes: a card is a picture."""

_MAX_TEXT = 8 * 2**20
_MAX_MARKDOWN = 2**18
_MAX_FILES = 10_000
_SKIPPED = frozenset(("node_modules", "__pycache__"))
_SOUL = "soul.md"
# The newest first.
_CARD_CHUNKS = ("ccv3", "chara")
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Document:
    """Something that may be a character, and where it is; `place` is what its file or folder is called."""

    label: str
    place: str
    content: Any


def candidates(paths: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Go through the files, and the folders that hold one character, below paths; and tell which were named themselves.

    Raises Unreadable when a folder holds too many files to look at.
    """
    for path in paths:
        if not path.is_dir() or _has_soul(path):
            yield path, True
        else:
            yield from ((found, False) for found in _below(path))


def documents(path: Path) -> list[Document]:
    """Return what may be a character in a file or folder; nothing when it is of another kind.

    Raises Unreadable when it is of a kind that holds characters, and broken.
    """
    if path.is_dir():
        return [Document(str(path), path.resolve().name, _soul_folder(path))]
    data = read_bytes(path)
    place = path.name.partition(".")[0]
    if data.startswith(png.SIGNATURE):
        return [Document(_label(path, where), place, card) for where, card in _cards_of(data)]
    if data.startswith(_ZIP):
        return [Document(str(path), place, card) for card in _card_of_archive(data)]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("is UTF-16 text: save it as UTF-8")
    if b"\0" in data[:1024] or not data.strip():
        return []
    return [Document(_label(path, where), place, content) for where, content in _of_text(path.name, _decoded(data))]


def read_bytes(path: Path) -> bytes:
    """Return what is in a file. Raises Unreadable when it can't be read, or is too large."""
    try:
        if not path.is_file():
            raise Unreadable("is not there" if not path.exists() else "is neither a file nor a folder")
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    if len(data) > MAX_FILE:
        raise Unreadable(f"has more than {MAX_FILE:,} bytes")
    return data


def _has_soul(folder: Path) -> bool:
    return any(
        entry.name.casefold() == _SOUL for entry in folder.iterdir() if entry.is_file() and not entry.is_symlink()
    )


def _below(folder: Path) -> Iterator[Path]:
    seen = 0
    for outer, folders, files in os.walk(folder):
        here = Path(outer)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        is_soul = here != folder and _has_soul(here)
        if is_soul:
            yield here
            folders[:] = [name for name in folders if name != "examples"]
        for name in sorted(files):
            seen += 1
            if seen > _MAX_FILES:
                raise Unreadable(f"holds more than {_MAX_FILES:,} files")
            is_read = is_soul and name.casefold().endswith(".md")
            # A link may lead to what nobody meant to show.
            if not name.startswith(".") and not is_read and not (here / name).is_symlink():
                yield here / name


def _label(path: Path, where: str) -> str:
    return f"{path}#{where}" if where else str(path)


def _decoded(data: bytes) -> str:
    if len(data) > _MAX_TEXT:
        raise Unreadable(f"has {len(data):,} bytes, and a character's text may have {_MAX_TEXT:,}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"line {row}: byte {error.start:,} is no UTF-8 text: save it as UTF-8") from None


def _of_text(name: str, text: str) -> Iterator[tuple[str, Any]]:
    """Go through what a text holds, each with where it is in it."""
    start = text.lstrip()[:1]
    if start == "{" or (start == "[" and text.lstrip()[1:].lstrip()[:1] in ("{", "]")):
        content = literals.read_json(text)
        if isinstance(content, list):
            yield from ((f"[{at}]", item) for at, item in enumerate(content))
        else:
            yield "", content
    elif literals.is_program(text):
        yield from literals.read_program(text)
    elif len(text) <= _MAX_MARKDOWN:
        yield "", MarkdownFiles({name: markdown.sections(text)})


def _cards_of(data: bytes) -> Iterator[tuple[str, Any]]:
    """Return the newest card of a picture, and the keyword of its chunk; nothing when it has none."""
    found = {keyword: text for keyword, text in png.texts(data) if keyword in _CARD_CHUNKS}
    if keyword := next((one for one in _CARD_CHUNKS if one in found), ""):
        yield keyword, _json_of(keyword, found[keyword])


def _json_of(keyword: str, text: bytes) -> Any:
    try:
        content = text if text.lstrip().startswith(b"{") else base64.b64decode(b"".join(text.split()), validate=True)
        return literals.read_json(content.decode("utf-8-sig"))
    except binascii.Error as error:
        raise Unreadable(f"chunk {keyword}: is no base64: {error}") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"chunk {keyword}: byte {error.start:,} is no UTF-8 text") from None
    except Unreadable as error:
        raise Unreadable(f"chunk {keyword}: {error}") from None


def _card_of_archive(data: bytes) -> list[Any]:
    """Return the card of a CHARX archive; nothing of any other archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entry = archive.getinfo("card.json")
            with archive.open(entry) as file:
                text = file.read(_MAX_TEXT + 1)
    except KeyError:
        return []
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, ValueError) as error:
        raise Unreadable(f"the archive is damaged: {error}") from None
    if len(text) > _MAX_TEXT:
        raise Unreadable(f"card.json: has more than {_MAX_TEXT:,} bytes")
    try:
        return [literals.read_json(text.decode("utf-8-sig"))]
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Unreadable(f"card.json: {error}") from None


def _soul_folder(folder: Path) -> MarkdownFiles:
    found = MarkdownFiles()
    paths = [path for path in (*folder.iterdir(), *folder.glob("examples/*")) if path.suffix.casefold() == ".md"]
    # The soul first: what it says counts before what others say.
    for path in sorted(paths, key=lambda path: (path.name.casefold() != _SOUL, str(path))):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink():
            try:
                text = _decoded(read_bytes(path))
            except Unreadable as error:
                raise Unreadable(f"{name}: {error}") from None
            if len(text) > _MAX_MARKDOWN:
                raise Unreadable(f"{name}: has more than {_MAX_MARKDOWN:,} characters")
            found[name] = markdown.sections(text)
    return found
