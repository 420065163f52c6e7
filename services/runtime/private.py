"""Folders and files for their owner's eyes only."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The permissions of everybody but the owner: as a umask, new files get mode 0600 and new folders 0700."""

_DRAFT_BYTES = 8
_OURS = ("auth", "chroma", "logs", "run", "sandbox")


def tighten(folder: Path) -> None:
    """Take a data folder that is there from everybody but its owner: with its files, and what the suite keeps below.

    What belongs to somebody else stays as it is, and so does a folder that is shared on purpose, such as /tmp.
    Raises OSError.
    """
    folder = folder.resolve()
    # The root, or a folder with the sticky bit, is not the suite's own, whatever the settings say.
    if not folder.is_dir() or folder == Path(folder.anchor) or folder.stat().st_mode & stat.S_ISVTX:
        return
    for path in _kept_in(folder):
        # Databases have files that come and go.
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            if is_open_to_others(status) and status.st_uid == os.geteuid():
                path.chmod(stat.S_IMODE(status.st_mode) & ~OTHERS)


def is_open_to_others(status: os.stat_result) -> bool:
    """Tell whether anybody but the owner may read, write or enter it; what is only a link is not."""
    return bool(status.st_mode & OTHERS) and not stat.S_ISLNK(status.st_mode)


def _kept_in(folder: Path) -> Iterator[Path]:
    yield folder
    with os.scandir(folder) as entries:
        yield from (Path(entry) for entry in entries if entry.is_file(follow_symlinks=False) or entry.name in _OURS)
    for name in _OURS:
        for parent, folders, files in os.walk(folder / name):
            yield from (Path(parent, entry) for entry in (*folders, *files))


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for its owner only; one that is there stays as it is. Raises OSError."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o777 & ~OTHERS, exist_ok=True)


def write_new(path: Path, content: bytes) -> None:
    """Put a file there whole or not at all; whoever is first wins."""
    draft = write_draft(path, content)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    make_durable(path.parent)


def write_draft(path: Path, content: bytes) -> Path:
    """Write a file durably beside the one that it is to become, and return where it is."""
    # Not named after the process: in containers every replica may be number 1, and would write into the other's draft.
    draft = path.with_suffix(f".{secrets.token_hex(_DRAFT_BYTES)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def draft_pattern(path: Path) -> str:
    """Return the glob pattern of a file's drafts."""
    return f"{path.stem}.{'[0-9a-f]' * 2 * _DRAFT_BYTES}"


def make_durable(folder: Path) -> None:
    """Let what was made, renamed or deleted in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
