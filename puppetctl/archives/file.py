"""The file of an archive: a ZIP of JSON lines, with a manifest that says what is in it.

Its last 64 bytes, which are the ZIP's comment, are the digest of all that is before them. So whatever was cut off, or
changed by a bit, is known before anything of it is used.
"""

import contextlib
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from puppetctl import files
from puppetctl.suite import SuiteError

FORMAT = 1
"""Which format is written; a newer one is refused."""

BUDGET, ACCOUNT, WALLET = "budget", "account", "wallet"
RELATIONSHIPS, MEMORIES, AGENT = "relationships", "memories", "agent"
SECTIONS = (BUDGET, ACCOUNT, WALLET, RELATIONSHIPS, MEMORIES, AGENT)
"""What an archive has of a character, in the order in which that is restored: the agent itself comes last."""
_ADDED = frozenset((BUDGET,))
"""Sections that the first archives of this format don't have."""

_MANIFEST = "manifest.json"
_MAX_MANIFEST, _MAX_LINE = 16 * 2**20, 64 * 2**20
_AT_ONCE = 2**20
_UNSEALED = b"0" * 64


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an archive, and how many lines it has."""

    name: str
    lines: int


@dataclass(frozen=True, slots=True)
class Character:
    """A character of an archive."""

    id: str
    name: str
    was_active: bool
    sections: Mapping[str, Section]


@dataclass(slots=True)
class Manifest:
    """What an archive says of itself."""

    id: str
    create_time: str
    version: str
    is_suite: bool
    secrets: dict[str, Any] | None
    characters: list[Character] = field(default_factory=list)


class Writer:
    """Writes an archive."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    @contextlib.contextmanager
    def section(self, name: str, sections: dict[str, Section]) -> Iterator["Lines"]:
        """Write a part of the next character; it is added to its sections at the end of the block."""
        path = f"characters/{len(self.manifest.characters) + 1:06}/{name}.jsonl"
        with self._archive.open(path, "w", force_zip64=True) as file:
            lines = Lines(file)
            yield lines
        sections[name] = Section(path, lines.count)


class Lines:
    """Writes JSON lines, and counts them."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.count = 0

    def write(self, line: str) -> None:
        """Write a line, which has no line break."""
        self._file.write(line.encode() + b"\n")
        self.count += 1


@contextlib.contextmanager
def writing(path: Path, manifest: Manifest, *, force: bool) -> Iterator[Writer]:
    """Write an archive, which is only there when all of it is. Raises SuiteError when the file can't be written."""
    # For its owner alone, whatever the umask is: it holds what others wrote to a character in private.
    with files.writing(path, force=force, mode=0o600) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            yield Writer(archive, manifest)
            told = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1, sort_keys=True).encode()
            archive.writestr(_MANIFEST, told)
            archive.comment = _UNSEALED
        seal(file)


def seal(file: IO[bytes]) -> None:
    """Write the digest of all that is before the last bytes of a file in their place."""
    digest = _digest(file)
    file.seek(-len(digest), os.SEEK_END)
    file.write(digest)


class Reader:
    """An archive that was found whole."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def lines(self, section: Section) -> Iterator[str]:
        """Yield the lines of a part."""
        with self._archive.open(section.name) as file:
            for line in iter(lambda: file.readline(_MAX_LINE), b""):
                yield line.decode().removesuffix("\n")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open an archive, all of which was compared with its digest. Raises SuiteError for any other file."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file) or _digest(file) != _last(file):
                raise SuiteError(f"{path} is no archive, or was cut off or changed")
            with zipfile.ZipFile(file) as archive:
                yield Reader(archive, _manifest(archive))
    except OSError as error:
        raise SuiteError(f"{path} can't be read: {error.strerror or error}") from None


def _digest(file: IO[bytes]) -> bytes:
    digest, left = hashlib.sha256(), file.seek(0, os.SEEK_END) - len(_UNSEALED)
    file.seek(0)
    while left > 0 and (part := file.read(min(left, _AT_ONCE))):
        digest.update(part)
        left -= len(part)
    return digest.hexdigest().encode()


def _last(file: IO[bytes]) -> bytes:
    file.seek(max(0, file.seek(0, os.SEEK_END) - len(_UNSEALED)))
    return file.read()


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        if archive.getinfo(_MANIFEST).file_size > _MAX_MANIFEST:
            raise SuiteError("the manifest of the archive is too large")
        told = json.loads(archive.read(_MANIFEST))
        if told["format"] > FORMAT:
            raise SuiteError(
                f"the archive has the format {told['format']}, and this version reads up to {FORMAT}: use a newer one"
            )
        characters = [
            Character(
                one["id"],
                one["name"],
                one["was_active"],
                _sections(one["sections"]),
            )
            for one in told["characters"]
        ]
        own = {name: told[name] for name in ("id", "create_time", "version", "is_suite", "secrets")}
        return Manifest(**own, characters=characters)
    except (KeyError, TypeError, ValueError) as error:
        raise SuiteError("the manifest of the archive can't be read") from error


def _sections(told: Mapping[str, Any]) -> dict[str, Section]:
    names = [name for name in SECTIONS if name in told or name not in _ADDED]
    return {name: Section(**told[name]) for name in names}


def now() -> str:
    """Return the time as a manifest tells it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
