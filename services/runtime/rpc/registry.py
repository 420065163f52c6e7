"""Who there is: a file of names, kinds, scopes and public keys. It holds no secret, and services only read it.

On one machine it lies in the data folder, with the credentials beside it. On several, each service is given a copy or
a read-only mount, and a credential only where it calls others. Who is taken out of the file is refused from the next
call on.
"""

import base64
import hashlib
import json
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.runtime.errors import Unavailable
from services.runtime.nesting import is_shallow
from services.runtime.rpc.credentials import ALGORITHM, DELEGATION_TYPE, TOKEN_TYPE
from services.runtime.rpc.identity import Delegation, Kind, Principal, Unauthenticated
from services.runtime.settings import SettingsError

_LEVELS = 4
_LEEWAY_SECONDS = 30
"""How far the clocks of two machines may be apart."""

_MOST_REMEMBERED = 1_000
_MOST_DELEGATION_SECONDS = 600
MOST_TOKEN_SECONDS = 31 * 24 * 3600
"""The longest that a token may hold, however long its signer would have it."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A principal, and the key that proves it."""

    principal: Principal
    public_key: str


class PrincipalsError(SettingsError):
    """The principals' file can't be used; the message says why."""


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
        found: Registered = self._verified(
            token, TOKEN_TYPE, lambda _claims, it: it, MOST_TOKEN_SECONDS, audience=service
        )
        return found

    def delegation(self, token: str) -> Delegation:
        """Return what a delegation allows. Raises Unauthenticated."""

        def read(claims: dict[str, Any], registered: Registered) -> Delegation:
            methods, named = frozenset(map(str, claims["methods"])), claims["agent"]
            agents = frozenset(map(str, named)) if isinstance(named, list) else frozenset((str(named),))
            return Delegation(registered.principal, str(claims["sub"]), agents, methods, claims["exp"], token)

        found: Delegation = self._verified(
            token, DELEGATION_TYPE, read, _MOST_DELEGATION_SECONDS, also=("sub", "agent", "methods")
        )
        return found

    def _verified(
        self,
        token: str,
        kind: str,
        read: Callable[[dict[str, Any], Registered], Any],
        longest: int,
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
            _check_kind(token, kind)
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
            if not isinstance(claims["exp"], int) or not isinstance(claims["iat"], int):
                raise TypeError("times are whole seconds")
            if claims["exp"] - claims["iat"] > longest:
                raise Unauthenticated(f"a {kind} may hold for {longest} seconds at most")
            if audience is not None and claims["aud"] != audience:
                raise Unauthenticated("the token is for other services too")
            found, until = read(claims, registered), claims["exp"] + _LEEWAY_SECONDS
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(f"the {kind} has expired") from None
        except jwt.InvalidAudienceError:
            raise Unauthenticated("the token is for another service") from None
        except (jwt.PyJWTError, ValueError, TypeError, LookupError):
            raise Unauthenticated(f"the {kind} doesn't hold") from None
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (until, found)
        return found

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
            if (seen := (status.st_mtime_ns, status.st_size, status.st_ino)) == self._seen:
                return
            self._registered = {item.principal.name: item for item in read_principals(self._path)}
        except (OSError, PrincipalsError) as error:
            # Nobody is let in by what was true once.
            self._seen, self._registered, self._remembered = None, {}, {}
            raise Unavailable(f"nobody is known: {error}") from None
        self._seen, self._remembered = seen, {}


def _check_kind(token: str, kind: str) -> None:
    """Raise Unauthenticated for what is no token of this kind by its own words, and ValueError for what is none."""
    if not all(map(_is_shallow, token.split(".", 2)[:2])):
        raise Unauthenticated(f"the {kind} doesn't hold")
    if jwt.get_unverified_header(token).get("typ") != kind:
        raise Unauthenticated(f"it is no {kind}")


def _is_shallow(part: str) -> bool:
    """Tell whether a part of a token can be read: nobody has vouched for it yet. Raises ValueError."""
    return is_shallow(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode(), _LEVELS)


def read_principals(path: Path) -> list[Registered]:
    """Read a principals' file. Raises PrincipalsError."""
    return [_read(path, item) for item in _content(path)["principals"]]


def read_revoked(path: Path) -> list[str]:
    """Return the names that were revoked, of those that would be made again by themselves. Raises PrincipalsError."""
    return [str(name) for name in _content(path).get("revoked", [])]


def write_principals(registered: Iterable[Registered], revoked: Iterable[str]) -> str:
    """Return what stands in a principals' file."""
    written = [
        {
            "name": item.principal.name,
            "kind": item.principal.kind,
            "agents": None if item.principal.agents is None else sorted(item.principal.agents),
            "may_write": item.principal.may_write,
            "public_key": item.public_key,
        }
        for item in registered
    ]
    return json.dumps({"principals": written, "revoked": sorted(revoked)}, indent=1) + "\n"


def _content(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PrincipalsError(f"{path} could be written by others: take that from them (chmod go-w)")
        content = json.loads(path.read_text())
    except OSError as error:
        raise PrincipalsError(f"{path} can't be read: {error.strerror}") from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("principals"), list):
        raise PrincipalsError(f"{path} is no file of principals")
    return content


def _read(path: Path, item: Any) -> Registered:
    try:
        agents = item.get("agents")
        scope = None if agents is None else frozenset(map(str, agents))
        principal = Principal(str(item["name"]), Kind(item["kind"]), scope, bool(item["may_write"]))
        return Registered(principal, str(item["public_key"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        raise PrincipalsError(f"{path} holds something that is no principal") from None
