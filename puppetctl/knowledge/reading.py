"""Reading the files that a persona's `knowledge_base` names: beside the persona's file, and nowhere else."""

import io
import logging
import os
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from puppetctl.knowledge.passages import Part, of_markdown, passages
from puppetctl.suite import SuiteError

MAX_BYTES, MAX_BYTES_TOGETHER = 5_000_000, 20_000_000
MAX_FILES, MAX_PASSAGES = 50, 5_000
_MAX_PAGES = 2_000

_MARKDOWN, _TEXT, _PDF = (".md", ".markdown"), (".txt", ".text"), (".pdf",)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a file, named as the persona does: its words, and the heading or the page that they stand under."""

    file: str
    text: str
    heading: str = ""
    page: int = 0

    @property
    def words(self) -> str:
        """What is remembered: the words, with what they stand under in front."""
        return f"{self.heading}: {self.text}" if self.heading else self.text


def named_files(persona: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the paths of the fields of a persona that name files, and what they say."""
    memory = persona.get("initial_memory")
    base = memory.get("knowledge_base") if isinstance(memory, Mapping) else None
    field = "initial_memory.knowledge_base"
    if isinstance(base, list):
        lists = {field: base}
    elif isinstance(base, Mapping):
        lists = {f"{field}.{heading}": facts for heading, facts in base.items() if isinstance(facts, list)}
    else:
        lists = {}
    for path, facts in lists.items():
        for place, fact in enumerate(facts):
            if isinstance(fact, Mapping) and "file" in fact:
                yield f"{path}[{place}].file", fact["file"]


def read_knowledge(persona: Mapping[str, Any], folder: Path) -> tuple[Passage, ...]:
    """Return the passages of all files that a persona of this folder names. Raises SuiteError with the field."""
    found: dict[str, list[Passage]] = {}
    size = 0
    for field, name in named_files(persona):
        try:
            data = _bytes_of(name, folder)
            size += len(data)
            if size > MAX_BYTES_TOGETHER:
                raise SuiteError(f"all files together have more than {MAX_BYTES_TOGETHER:,} bytes")
            if name not in found:
                found[name] = [
                    Passage(name, text, part.heading, part.page)
                    for part in _parts(name, data)
                    for text in passages(part)
                ]
            if not found[name]:
                raise SuiteError(f"{name} holds no text")
            if sum(map(len, found.values())) > MAX_PASSAGES or len(found) > MAX_FILES:
                raise SuiteError(f"there are more than {MAX_FILES} files, or {MAX_PASSAGES:,} passages of them")
        except SuiteError as error:
            raise SuiteError(f"{field}: {error}") from None
        except OSError as error:
            raise SuiteError(f"{field}: {name}: {error.strerror}") from None
    return tuple(passage for file in found.values() for passage in file)


def _bytes_of(name: Any, folder: Path) -> bytes:
    """Return what a file holds. Raises SuiteError for one that isn't below the folder, or is none, or too large."""
    if not isinstance(name, str) or not name or "\0" in name or len(name) > 255:
        raise SuiteError("must be the path of a file, of up to 255 characters")
    if "\\" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise SuiteError(f"{name} must be a path below the persona's folder, with / between its parts")
    if Path(name).suffix.lower() not in (*_MARKDOWN, *_TEXT, *_PDF):
        raise SuiteError(f"{name} must be a text (.txt), Markdown (.md) or PDF file (.pdf)")
    try:
        path = (folder / name).resolve(strict=True)
    except RuntimeError:
        raise SuiteError(f"{name} is a link to itself") from None
    if not path.is_relative_to(folder.resolve()):
        raise SuiteError(f"{name} is a link out of the persona's folder")
    # A pipe would be waited for.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise SuiteError(f"{name} is no file")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SuiteError(f"{name} has more than {MAX_BYTES:,} bytes")
    return data


def _parts(name: str, data: bytes) -> Iterator[Part]:
    if Path(name).suffix.lower() in _PDF:
        return _of_pdf(name, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SuiteError(f"{name} is not UTF-8 text") from None
    if "\0" in text:
        raise SuiteError(f"{name} is no text: it holds NUL characters")
    text = _plain(text)
    return of_markdown(text) if Path(name).suffix.lower() in _MARKDOWN else iter((Part(text),))


def _of_pdf(name: str, data: bytes) -> Iterator[Part]:
    # It takes a third of a second, which no other command waits for.
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    if not data.startswith(b"%PDF-"):
        raise SuiteError(f"{name} is no PDF file")
    try:
        pages = PdfReader(io.BytesIO(data)).pages
        if len(pages) > _MAX_PAGES:
            raise SuiteError(f"{name} has more than {_MAX_PAGES:,} pages")
        # Whatever is wrong with a page is wrong with the file.
        texts = [page.extract_text() for page in pages]
    except SuiteError:
        raise
    except Exception as error:
        # Broken files fail in every way that a parser can.
        raise SuiteError(f"{name} can't be read as PDF: it is damaged, or of a kind that isn't known here") from error
    for number, text in enumerate(texts, 1):
        yield Part(_plain(text.replace("-\n", "").replace("\0", "")), page=number)


def _plain(text: str) -> str:
    """Return a text without control characters but for the ends of lines, and with ends of one kind."""
    kept = "".join(one for one in text.replace("\r\n", "\n").replace("\r", "\n") if one in "\n\t" or _is_shown(one))
    return kept.replace("\t", " ")


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cs")
