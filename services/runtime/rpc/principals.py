"""Who there is: a file of names, kinds, scopes and public keys. It holds no secret, and services only read it.

On one machine it lies in the data folder, with the credentials beside it. On several, each service is given a copy or
a read-only mount, and a credential only where it calls others. Who is taken out of the file is refused from the next
call on.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.runtime import private
from services.runtime.errors import Unavailable
from services.runtime.rpc.credentials import ALGORITHM, DELEGATION_TYPE, TOKEN_TYPE, Credential
from services.runtime.rpc.identity import Delegation, Kind, Principal, Unauthenticated

OPERATOR = "operator"
"""The operator whom every suite has from its first start on."""

_LEEWAY_SECONDS = 30
"""How far the clocks of two machines may be apart."""

_MOST_REMEMBERED = 1_000
_MOST_DELEGATION_SECONDS = 600
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Registered:
    """A principal, and the key that proves it."""

    principal: Principal
    public_key: str


class Registry:
    """The principals of a file, which is read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._registered: dict[str, Registered] = {}
        self._remembered: dict[bytes, tuple[float, Any]] = {}

    def find(self, name: str) -> Registered:
        """Return a principal by its name. Raises Unauthenticated."""
        self._refresh()
        if (found := self._registered.get(name)) is None:
            raise Unauthenticated("this principal is unknown, or was revoked")
        return found

    def bearer(self, token: str, service: str) -> Registered:
        """Return whose token for this service it is. Raises Unauthenticated."""
        found: Registered = self._verified(token, TOKEN_TYPE, lambda _claims, it: it, audience=service)
        return found

    def delegation(self, token: str) -> Delegation:
        """Return what a delegation allows. Raises Unauthenticated."""

        def read(claims: dict[str, Any], registered: Registered) -> Delegation:
            if claims["exp"] - claims["iat"] > _MOST_DELEGATION_SECONDS:
                raise Unauthenticated(f"a delegation may hold for {_MOST_DELEGATION_SECONDS} seconds at most")
            methods = frozenset(map(str, claims["methods"]))
            return Delegation(
                registered.principal, str(claims["sub"]), str(claims["agent"]), methods, claims["exp"], token
            )

        found: Delegation = self._verified(token, DELEGATION_TYPE, read, also=("sub", "agent", "methods"))
        return found

    def _verified(
        self,
        token: str,
        kind: str,
        read: Callable[[dict[str, Any], Registered], Any],
        audience: str | None = None,
        also: tuple[str, ...] = (),
    ) -> Any:
        # Verifying a signature takes 0.2 ms: what held once holds until it expires, or the file changes.
        self._refresh()
        digest, now = hashlib.sha256(f"{kind}/{audience}/{token}".encode()).digest(), time.time()
        remembered = self._remembered.get(digest)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        try:
            if jwt.get_unverified_header(token).get("typ") != kind:
                raise Unauthenticated(f"it is no {kind}")
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss", "")
            registered = self.find(str(issuer))
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(registered.public_key))
            claims = jwt.decode(
                token,
                key,
                [ALGORITHM],
                audience=audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["iss", "iat", "exp", *also, *(["aud"] if audience else [])]},
            )
            found = read(claims, registered)
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(f"the {kind} has expired") from None
        except jwt.InvalidAudienceError:
            raise Unauthenticated("the token is for another service") from None
        except (jwt.PyJWTError, ValueError, TypeError, LookupError):
            raise Unauthenticated(f"the {kind} doesn't hold") from None
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (claims["exp"] + _LEEWAY_SECONDS, found)
        return found

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            if (seen := (stat.st_mtime_ns, stat.st_size, stat.st_ino)) == self._seen:
                return
            self._registered = {item.principal.name: item for item in read_file(self._path)}
        except (OSError, ValueError, LookupError, TypeError):
            # Nobody is let in by what was true once.
            self._seen, self._registered, self._remembered = None, {}, {}
            raise Unavailable("the principals' file can't be read") from None
        self._seen, self._remembered = seen, {}


def read_file(path: Path) -> list[Registered]:
    """Read a principals' file. Raises OSError, or ValueError and the like for anything else."""
    return [
        Registered(
            Principal(
                item["name"],
                Kind(item["kind"]),
                None if item.get("agents") is None else frozenset(item["agents"]),
                bool(item["may_write"]),
            ),
            item["public_key"],
        )
        for item in json.loads(path.read_text())["principals"]
    ]


class PrincipalFiles:
    """A folder with the principals' file, and the credentials of those who are on this machine.

    Every change takes a lock, and takes effect whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = folder / "principals.json"

    def credential_path(self, name: str) -> Path:
        """Return where a principal's credential lies."""
        return self.folder / "credentials" / f"{name}.json"

    def prepare(self, services: Iterable[str]) -> None:
        """See to it that the operator and these services are there; the ones that are keep their keys."""
        wanted = [Principal(OPERATOR, Kind.OPERATOR), *(Principal(name, Kind.SERVICE) for name in services)]
        with self._changing() as registered:
            for principal in wanted:
                if principal.name not in registered:
                    registered[principal.name] = self._equipped(principal)

    def list(self) -> list[Principal]:
        """Return every principal, by name."""
        return sorted((item.principal for item in read_file(self.registry)), key=lambda item: item.name)

    def add(self, principal: Principal) -> Path:
        """Add a principal, and return where its credential lies. Raises FileExistsError, or ValueError for its name."""
        if not _NAME.fullmatch(principal.name):
            raise ValueError("a name has 1 to 64 of a-z, 0-9, `-` and `_`, and begins with a letter")
        with self._changing() as registered:
            if principal.name in registered:
                raise FileExistsError(principal.name)
            registered[principal.name] = self._equipped(principal)
        return self.credential_path(principal.name)

    def rotate(self, name: str) -> Path:
        """Give a principal a new key: what the old one has signed no longer holds. Raises LookupError."""
        with self._changing() as registered:
            registered[name] = self._equipped(registered[name].principal, anew=True)
        return self.credential_path(name)

    def revoke(self, name: str) -> None:
        """Take a principal out; its credential opens nothing any more. Raises LookupError."""
        with self._changing() as registered:
            del registered[name]
        self.credential_path(name).unlink(missing_ok=True)

    def _equipped(self, principal: Principal, *, anew: bool = False) -> Registered:
        path = self.credential_path(principal.name)
        # A crash after the credential and before the registry leaves one that is taken up by the next try.
        credential = Credential.read(path) if path.exists() and not anew else Credential.generate(principal.name)
        _write(path, credential.to_json())
        return Registered(principal, credential.public_key)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Registered]]:
        private.make_folder(self.folder / "credentials")
        with os.fdopen(os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = {item.principal.name: item for item in read_file(self.registry)} if self.registry.exists() else {}
            registered = dict(before)
            yield registered
            if registered != before or not self.registry.exists():
                _write(self.registry, json.dumps({"principals": list(map(_written, registered.values()))}, indent=1))


def _written(item: Registered) -> dict[str, Any]:
    principal = item.principal
    return {
        "name": principal.name,
        "kind": principal.kind,
        "agents": None if principal.agents is None else sorted(principal.agents),
        "may_write": principal.may_write,
        "public_key": item.public_key,
    }


def _write(path: Path, text: str) -> None:
    """Put a file there whole or not at all, for its owner's eyes only."""
    private.write_draft(path, text.encode()).replace(path)
    private.make_durable(path.parent)


def main(folder: str, *services: str) -> None:
    """Make the principals of a suite that spans containers, in `FOLDER`: the operator and these services."""
    PrincipalFiles(Path(folder)).prepare(services)


if __name__ == "__main__":
    main(*sys.argv[1:])
