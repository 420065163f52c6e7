"""A sandbox's folder: for its owner's eyes only, with the token that opens the sandbox's own routes."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

TOKEN_FILE = "admin.token"  # noqa: S105
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def prepare(folder: Path) -> None:
    """Make the folder with mode 0700, and take it and what lies in it from everybody else; raises OSError."""
    os.umask(_OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.iterdir()):
        status = path.lstat()
        # A folder with the sticky bit, such as /tmp, is everybody's on purpose.
        if status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode) and not status.st_mode & stat.S_ISVTX:
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)


def admin_token(folder: Path) -> str:
    """Return the token in the folder, made when it isn't there; raises OSError."""
    path = folder / TOKEN_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Whole or not at all, and whoever is first wins.
        draft = path.with_suffix(f".{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{secrets.token_urlsafe(32)}\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    if token := path.read_text().strip():
        return token
    raise OSError(errno.EINVAL, "the token is empty: delete the file", str(path))
