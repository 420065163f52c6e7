"""Secrets at rest: sealed with Fernet (AES-128-CBC and HMAC-SHA256), under a key that is no part of the database."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken


class Keystore:
    """Seals and opens secrets with one key."""

    def __init__(self, key: str | bytes) -> None:
        """Take a Fernet key: 32 bytes in URL-safe base64. Raises ValueError for anything else."""
        self._fernet = Fernet(key)

    @classmethod
    def open(cls, key: str, path: Path) -> Self:
        """Use the key given; else the one in the file, made, for its owner's eyes only, when it isn't there."""
        if key:
            return cls(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_new(path, Fernet.generate_key())
        return cls(path.read_bytes())

    def seal(self, secret: str) -> str:
        """Return the secret as text that only this key opens."""
        return self._fernet.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Return the secret. Raises ValueError when it was sealed under another key, or changed."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise ValueError("this secret was sealed under another key") from error


def _write_new(path: Path, key: bytes) -> None:
    """Put the key there whole or not at all; whoever is first wins."""
    # Not named after the process: in containers every replica may be number 1, and would write into the other's draft.
    draft = path.with_suffix(f".{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
