"""Whether a text gives a known secret away, asked of fingerprints, so that nobody has to keep the secret itself."""

import base64
import codecs
import hashlib
import secrets
from collections.abc import Iterable, Iterator

from services.runtime.text.identifiers import readings
from services.runtime.text.normal import normal_form, squeezed

MAX_SIGNS = 5_000
"""Letters in normal form of a text that is asked about: one sign may be eighteen, and each is hashed many times."""
_WINDOW = 12
_MIN = 8
"""Shorter secrets are words: to refuse them would refuse speech."""


def unfolds_too_far(text: str) -> bool:
    """Say whether a text of a fitting length is too long in its normal form to be asked about."""
    return len(text) <= MAX_SIGNS < len(normal_form(text))


class Fingerprints:
    """The salted hashes of runs of letters and digits of some secrets, in each way to write them.

    The salt is made anew for each process and leaves it no more than the hashes do.
    """

    def __init__(self, window: int = _WINDOW, stride: int = 1) -> None:
        """Take how long the runs are, and how many letters one begins after another.

        What is found is `window + stride - 1` letters of a secret in a row.
        """
        self._window = window
        self._stride = stride
        self._salt = secrets.token_bytes(16)
        self._known: dict[int, set[bytes]] = {}

    def add(self, values: Iterable[str]) -> None:
        """Know these secrets from now on; those of fewer than eight letters and digits are left out."""
        for value in values:
            for form in _forms(value):
                length = min(self._window, len(form))
                self._known.setdefault(length, set()).update(self._windows(form, length, self._stride))

    def are_in(self, text: str) -> bool:
        """Say whether so many letters of a known secret, or all of a shorter one, stand in a text, however written."""
        forms = {squeezed(reading) for reading in readings(text)}
        return any(
            window in known
            for length, known in list(self._known.items())
            for form in forms
            for window in self._windows(form, length)
        )

    def _windows(self, form: str, length: int, stride: int = 1) -> Iterator[bytes]:
        for start in range(0, len(form) - length + 1, stride):
            window = form[start : start + length].encode()
            yield hashlib.blake2b(window, key=self._salt, digest_size=12).digest()


def _forms(secret: str) -> Iterator[str]:
    if len(squeezed(secret)) < _MIN:
        return
    raw = secret.encode()
    yield from map(squeezed, (secret, secret[::-1], codecs.encode(secret, "rot13"), raw.hex()))
    yield from map(squeezed, (base64.b32encode(raw).decode(), base64.b85encode(raw).decode()))
    # In the middle of a longer text, base64 reads otherwise at each of three offsets; the ends depend on neighbours.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        yield squeezed(encoded[(0, 2, 3)[offset] : len(encoded) - 1])
