"""Secrets at rest: sealed with Fernet (AES-128-CBC and HMAC-SHA256), under keys that are no part of the database."""

import base64
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from services.runtime.errors import InvalidRequest, Violation


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

    def hand_over(self, sealed: str, key: str) -> str:
        """Return a secret as text that only this key opens; empty when it was sealed under another key than these."""
        other = Keystore([key])
        try:
            return other.seal(self.unseal(sealed))
        except ValueError:
            return ""

    def take_over(self, sealed: str, key: str) -> str:
        """Return a secret that was handed over under this key, sealed anew. Raises ValueError for another key."""
        return self.seal(Keystore([key]).unseal(sealed))

    def is_newest(self, sealed: str) -> bool:
        """Tell whether the newest key has sealed this."""
        try:
            self._newest.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True


def check_sealing_key(key: str) -> None:
    """Raise InvalidRequest unless this is empty, or a key that secrets of an archive can be sealed with."""
    if key:
        try:
            Keystore([key])
        except ValueError:
            raise _refused("must be 32 bytes in URL-safe base64") from None


def opened(keystore: Keystore, sealed: str, key: str) -> str:
    """Return a secret of an archive, sealed anew; empty without a secret or a key. Raises InvalidRequest."""
    if not (sealed and key):
        return ""
    try:
        return keystore.take_over(sealed, key)
    except ValueError:
        raise _refused("is not the key that the secrets were sealed with") from None


def _refused(words: str) -> InvalidRequest:
    return InvalidRequest([Violation("sealing_key", words)])
