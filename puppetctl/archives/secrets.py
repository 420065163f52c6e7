"""The key of an archive's secrets: made from a passphrase, and never a part of the archive."""

import base64
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import typer
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from puppetctl.suite import SuiteError

PASSPHRASE = "PUPPET_CTL_PASSPHRASE"  # noqa: S105 - the name of a variable
_MIN = 8
_CHECKED = b"puppet-engine archive"
_MAX_COST, _MAX_BLOCK, _MAX_LANES = 2**20, 16, 4
"""What a file may ask for: 2 GiB of memory would be too much of a favour."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How the key of an archive is derived from its passphrase, and something that only this key opens."""

    salt: str
    n: int
    r: int
    p: int
    check: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Derivation":
        """Return what an archive tells. Raises SuiteError when that is nothing reasonable."""
        try:
            found = cls(**told)
            fits = 1 < found.n <= _MAX_COST and 0 < found.r <= _MAX_BLOCK and 0 < found.p <= _MAX_LANES
        except TypeError:
            fits = False
        if not fits:
            raise SuiteError("the archive doesn't say how its secrets are sealed")
        return found

    def key(self, passphrase: str) -> str:
        """Return the key, which takes a moment."""
        made = Scrypt(salt=base64.b64decode(self.salt), length=32, n=self.n, r=self.r, p=self.p)
        return base64.urlsafe_b64encode(made.derive(passphrase.encode())).decode()

    def opened(self, passphrase: str) -> str:
        """Return the key. Raises SuiteError when the passphrase isn't the one."""
        key = self.key(passphrase)
        try:
            Fernet(key).decrypt(self.check.encode())
        except InvalidToken:
            raise SuiteError("this is not the passphrase of the archive") from None
        return key

    def told(self) -> dict[str, Any]:
        """Return it as an archive tells it."""
        return asdict(self)


def new_key(passphrase: str) -> tuple[Derivation, str]:
    """Return a key from a passphrase, and how it is derived. Raises SuiteError when that is too short."""
    if len(passphrase) < _MIN:
        raise SuiteError(f"the passphrase must have at least {_MIN} characters")
    plain = Derivation(base64.b64encode(os.urandom(16)).decode(), 2**16, 8, 1)
    key = plain.key(passphrase)
    return Derivation(plain.salt, plain.n, plain.r, plain.p, Fernet(key).encrypt(_CHECKED).decode()), key


def ask(environment: Mapping[str, str], *, is_new: bool) -> str:
    """Return the passphrase that the environment has, or somebody at the terminal. Raises SuiteError."""
    if passphrase := environment.get(PASSPHRASE):
        return passphrase
    if not sys.stdin.isatty():
        raise SuiteError(f"nobody is there to ask for the passphrase: set {PASSPHRASE}")
    asked: str = typer.prompt("Passphrase of the archive", hide_input=True, confirmation_prompt=is_new, err=True)
    return asked
