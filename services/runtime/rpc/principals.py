"""Makes and changes who there is: the principals' file, and the credentials of those who are on this machine.

Every change takes a lock. A new key is written beside the old one, becomes known with the principals' file, and then
takes the old one's place: whatever is killed, the next change finishes or undoes it.
"""

import builtins
import contextlib
import fcntl
import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from services.runtime import private
from services.runtime.rpc.credentials import Credential, CredentialError
from services.runtime.rpc.identity import Kind, Principal
from services.runtime.rpc.registry import Registered, read_principals, read_revoked, write_principals

OPERATOR = "operator"
"""The operator whom every suite has from its first start on."""

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
"""What a principal may be called: the name is a file's as well."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What the principals' file says while it is changed."""

    registered: dict[str, Registered]
    revoked: set[str]


class PrincipalFiles:
    """A folder with the principals' file and credentials."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = folder / "principals.json"

    def credential_path(self, name: str) -> Path:
        """Return where a principal's credential lies."""
        return self.folder / "credentials" / f"{name}.json"

    def prepare(self, services: Iterable[str]) -> None:
        """See to it that the operator and these services are there, but for those that were revoked.

        Who is there keeps the key. Raises PrincipalsError.
        """
        wanted = [Principal(OPERATOR, Kind.OPERATOR), *(Principal(name, Kind.SERVICE) for name in services)]
        with self._changing() as change:
            for principal in wanted:
                if principal.name not in change.registered and principal.name not in change.revoked:
                    self._equip(change, principal)

    def list(self) -> builtins.list[Principal]:
        """Return every principal, by name. Raises PrincipalsError."""
        return sorted((item.principal for item in read_principals(self.registry)), key=lambda item: item.name)

    def add(self, principal: Principal) -> Path:
        """Add a principal, and return where its credential lies. Raises FileExistsError, or ValueError for its name."""
        if not NAME.fullmatch(principal.name):
            raise ValueError("a name has 1 to 64 of a-z, 0-9, `-` and `_`, and begins with a letter")
        with self._changing() as change:
            if principal.name in change.registered:
                raise FileExistsError(principal.name)
            self._equip(change, principal)
        return self.credential_path(principal.name)

    def rotate(self, name: str) -> Path:
        """Give a principal a new key: what the old one has signed no longer holds. Raises LookupError."""
        with self._changing() as change:
            self._equip(change, change.registered[name].principal)
        return self.credential_path(name)

    def revoke(self, name: str) -> None:
        """Take a principal out; its credential opens nothing any more. Raises LookupError."""
        with self._changing() as change:
            del change.registered[name]
            change.revoked.add(name)
        self.credential_path(name).unlink(missing_ok=True)

    def revoked(self) -> builtins.list[str]:
        """Return the names of those that were revoked and aren't there again. Raises PrincipalsError."""
        return read_revoked(self.registry)

    def lacks(self, name: str) -> bool:
        """Tell whether a principal's credential isn't here, or isn't the one that is known. Raises PrincipalsError."""
        known = {item.principal.name: item.public_key for item in read_principals(self.registry)}
        try:
            return Credential.read(self.credential_path(name)).public_key != known.get(name)
        except CredentialError:
            return True

    def _equip(self, change: _Change, principal: Principal) -> None:
        credential = Credential.generate(principal.name)
        private.write_draft(self.credential_path(principal.name), credential.to_json().encode()).replace(
            self._next_path(principal.name)
        )
        change.registered[principal.name] = Registered(principal, credential.public_key)
        change.revoked.discard(principal.name)

    def _next_path(self, name: str) -> Path:
        return self.credential_path(name).with_suffix(".next")

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Change]:
        private.make_folder(self.folder / "credentials")
        with os.fdopen(os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            is_new = not self.registry.exists()
            registered = [] if is_new else read_principals(self.registry)
            known = {item.principal.name: item for item in registered}
            revoked = set() if is_new else set(read_revoked(self.registry))
            self._settle(known)
            change = _Change(dict(known), set(revoked))
            yield change
            if is_new or change.registered != known or change.revoked != revoked:
                private.make_durable(self.folder / "credentials")
                content = write_principals(change.registered.values(), change.revoked)
                private.write_draft(self.registry, content.encode()).replace(self.registry)
                private.make_durable(self.folder)
            self._settle(change.registered)

    def _settle(self, known: dict[str, Registered]) -> None:
        """Give the new keys that are known their place, and drop those that never became known."""
        for path in (self.folder / "credentials").glob("*.next"):
            credential, found = Credential.read(path), known.get(path.stem)
            if found is not None and found.public_key == credential.public_key:
                path.replace(self.credential_path(path.stem))
            else:
                path.unlink()
        private.make_durable(self.folder / "credentials")


def main(folder: str, *services: str) -> None:
    """Make the principals of a suite that spans containers, in `FOLDER`: the operator and these services."""
    PrincipalFiles(Path(folder)).prepare(services)


if __name__ == "__main__":
    main(*sys.argv[1:])
