"""Secrets at rest: sealed with Fernet (AES-128-CBC and HMAC-SHA256), under keys that are no part of the database."""

import base64
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


def _fingerprint(key: str | bytes) -> int:
    # Decoded, since one key may be written in several ways.
    secret = base64.urlsafe_b64decode(key)
    return int.from_bytes(hmac.digest(secret, b"fingerprint of a sealing key", "sha256")[:4], signed=True)


class Keystore:
    """Seals secrets with the newest of its keys, and opens what any of them has sealed."""

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        """Take Fernet keys, newest first: 32 bytes each, in URL-safe base64. Raises ValueError for anything else."""
        self._newest, *older = map(Fernet, keys)
        self.fingerprints = tuple(map(_fingerprint, keys))
        """A number of 32 bits for each key, newest first: the same for the same key, and nothing of it."""
        self._any = MultiFernet([self._newest, *older])

    def seal(self, secret: str) -> str:
        """Return the secret as text that only the newest key opens."""
        return self._newest.encrypt(secret.encode()).decode()

    def unseal(self, sealed: str) -> str:
        """Return the secret. Raises ValueError when it was sealed under another key, or changed."""
        try:
            return self._any.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise ValueError("this secret was sealed under another key") from error

    def is_newest(self, sealed: str) -> bool:
        """Tell whether the newest key has sealed this."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True
