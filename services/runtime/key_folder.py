"""Where a data folder's keys are: in the user's configuration, apart from the databases that they seal."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from services.runtime.private import make_folder, write_new
from services.runtime.settings import SettingsError

_ID_FILE = "keystore.id"
_FOLDER_NOTE = "data-folder"
_ID = re.compile(r"[0-9a-f]{32}")


class KeystoreError(SettingsError):
    """The keys can't be used; the message names the file or the setting, and never a key."""


def folder_of(data_dir: Path) -> Path:
    """Return the folder of a data folder's keys, which is named by an id that both are given when they are first used.

    It lies in the user's configuration: a copy of the data folder opens nothing, and no two data folders share keys,
    unless one is a copy of the other. Raises KeystoreError.
    """
    with explained(data_dir):
        identity = data_dir / _ID_FILE
        if not identity.exists():
            make_folder(data_dir)
            write_new(identity, f"{secrets.token_hex(16)}\n".encode())
        folder = find_folder(data_dir)
        if folder is None:
            raise KeystoreError(f"{identity} holds no id: put the one of its folder in {all_folders()} back")
        if not folder.exists():
            make_folder(folder)
            # For people who find the folder, and for `puppetctl doctor`.
            write_new(folder / _FOLDER_NOTE, f"{data_dir.resolve()}\n".encode())
    return folder


def find_folder(data_dir: Path) -> Path | None:
    """Return the folder of a data folder's keys, or None when it has no id yet. Raises KeystoreError without a home."""
    try:
        identity = (data_dir / _ID_FILE).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return None
    return all_folders() / identity if _ID.fullmatch(identity) else None


def all_folders() -> Path:
    """Return the folder in which each data folder has one for its keys. Raises KeystoreError without a home."""
    given = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        home = Path(given) if given.startswith("/") else Path.home() / ".config"
    except RuntimeError:
        raise KeystoreError("there is no home folder for the keys") from None
    return home / "puppet-engine" / "keys"


def data_folder_of(folder: Path) -> Path | None:
    """Return the data folder that a folder of keys was made for, or None when it doesn't say."""
    try:
        return Path((folder / _FOLDER_NOTE).read_text().strip())
    except (OSError, UnicodeDecodeError):
        return None


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise KeystoreError for an OSError of the block, with the file that it is about, or this one."""
    try:
        yield
    except OSError as error:
        raise KeystoreError(f"{error.filename or path} can't be used for keys: {error.strerror}") from error
