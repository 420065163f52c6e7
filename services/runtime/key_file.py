"""The file that holds a service's keys, apart from the database that they seal: newest first, one a line.

Whatever happens while it changes, there is one whole file with every key that may still be needed: it is written beside
and then put in place in one step, and a key leaves it only by `keep_newest`.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography.fernet import Fernet

from services.runtime.key_folder import KeystoreError, explained
from services.runtime.private import draft_pattern, make_durable, make_folder, write_draft, write_new


class KeyFile:
    """The keys of one service."""

    def __init__(self, path: Path) -> None:
        """Take where the file is, or will be; nothing is touched yet."""
        self.path = path

    def read(self) -> list[bytes]:
        """Return the keys, newest first; none when there is no file. Raises KeystoreError for one that holds others."""
        with explained(self.path):
            try:
                return _keys(self.path)
            except FileNotFoundError:
                return []

    def create(self) -> list[bytes]:
        """Make the first key, unless somebody else has, and return what is there then. Raises KeystoreError."""
        with explained(self.path), self._writing():
            write_new(self.path, Fernet.generate_key() + b"\n")
            return _keys(self.path)

    def add(self) -> None:
        """Put a new key in front; the others go on opening what they have sealed. Raises KeystoreError."""
        with explained(self.path), self._writing():
            _put(self.path, [Fernet.generate_key(), *_keys(self.path)])

    def keep_newest(self) -> None:
        """Forget every key but the newest: what another one sealed is lost. Raises KeystoreError."""
        with explained(self.path), self._writing():
            _put(self.path, _keys(self.path)[:1])

    def adopt(self, earlier: Path) -> None:
        """Take over the keys of a file in another place, behind the own ones, and remove it. Raises KeystoreError."""
        if not earlier.exists() or earlier.resolve() == self.path.resolve():
            return
        with explained(earlier), self._writing():
            own = _keys(self.path) if self.path.exists() else []
            if foreign := [key for key in _keys(earlier) if key not in own]:
                _put(self.path, [*own, *foreign])
            # Only now, when its keys are durable here.
            earlier.unlink()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep `keep_newest` away while a service may still seal with an older key. Raises KeystoreError."""
        if not os.access(self.path.parent, os.W_OK):
            # Mounted from elsewhere, which is where it changes.
            yield
            return
        with explained(self.path), contextlib.ExitStack() as stack:
            descriptor = self._open_lock()
            stack.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            held = stack.pop_all()
        with held:
            yield

    @contextlib.contextmanager
    def unused(self) -> Iterator[bool]:
        """Say whether no service uses the keys, and let those that start wait. Raises KeystoreError."""
        with explained(self.path), contextlib.ExitStack() as stack:
            descriptor = self._open_lock()
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                is_unused = True
            except BlockingIOError:
                is_unused = False
            held = stack.pop_all()
        with held:
            yield is_unused

    def _open_lock(self) -> int:
        return os.open(self.path.with_suffix(".lock"), os.O_RDONLY | os.O_CREAT, 0o600)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Let one writer after the other change the file, without the drafts of those that were killed."""
        make_folder(self.path.parent)
        descriptor = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            for draft in self.path.parent.glob(draft_pattern(self.path)):
                draft.unlink(missing_ok=True)
            yield
        finally:
            os.close(descriptor)


def _keys(path: Path) -> list[bytes]:
    keys = path.read_bytes().split()
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        keys = []
    if not keys:
        raise KeystoreError(f"{path} holds something else than Fernet keys")
    return keys


def _put(path: Path, keys: Sequence[bytes]) -> None:
    """Put the file in place, whole or not at all."""
    draft = write_draft(path, b"".join(key + b"\n" for key in keys))
    draft.replace(path)
    make_durable(path.parent)
