"""Who there is: a file of names, kinds, scopes and public keys. It holds no secret, and services only read it.

On one machine it lies in the data folder, with the credentials beside it. On several, each service is given a copy or
a read-only mount, and a credential only where it calls others. Who is taken out of the file is refused from the next
call on.
"""

import json
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.runtime.errors import Unavailable
from services.runtime.rpc.credentials import DELEGATION_TYPE, SESSION_TYPE, TOKEN_TYPE
from services.runtime.rpc.identity import Delegation, Kind, Principal, Session, Unauthenticated
from services.runtime.rpc.jws import Signed
from services.runtime.settings import SettingsError

log = logging.getLogger(__name__)

_LEEWAY_SECONDS = 30
"""How far the clocks of two machines may be apart."""

_MAX_REMEMBERED = 1_000
_MAX_DELEGATION_SECONDS = 600
MAX_TOKEN_SECONDS = 31 * 24 * 3600
"""The longest that a token or a session may hold, however long its signer would have it."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A principal, and the key that proves it."""

    principal: Principal
    public_key: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Whose token was shown, and who signed it: the same, unless a relay calls in the place of somebody else."""

    registered: Registered
    signer: Registered


class PrincipalsError(SettingsError):
    """The principals' file can't be used; the message says why."""


class Registry:
    """The principals of a file, which is read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._problem = ""
        self._registered: dict[str, Registered] = {}
        self._remembered: dict[tuple[str, str | None, str], tuple[float, Any]] = {}

    def find(self, name: str) -> Registered:
        """Return a principal by its name. Raises Unauthenticated."""
        self._refresh()
        if (found := self._registered.get(name)) is None:
            raise Unauthenticated("this principal is unknown, or was revoked")
        return found

    def bearer(self, token: str, service: str) -> Shown:
        """Return whose token for this service it is. Raises Unauthenticated."""

        def read(claims: Mapping[str, Any], signer: Registered) -> Shown:
            return Shown(self._in_whose_place(claims, signer), signer)

        found: Shown = self._verified(token, TOKEN_TYPE, read, MAX_TOKEN_SECONDS, audience=service)
        return found

    def session(self, token: str, relay: str) -> Session:
        """Return the session that lets this relay call in a principal's place. Raises Unauthenticated."""

        def read(claims: Mapping[str, Any], signer: Registered) -> Session:
            if signer.principal.kind is Kind.SERVICE:
                raise Unauthenticated("a service calls in its own place")
            link = str(claims.get("link", ""))
            return Session(signer.principal, relay, claims["iat"], claims["exp"], link, token)

        found: Session = self._verified(token, SESSION_TYPE, read, MAX_TOKEN_SECONDS, audience=relay)
        return found

    def delegation(self, token: str) -> Delegation:
        """Return what a delegation allows. Raises Unauthenticated."""

        def read(claims: Mapping[str, Any], registered: Registered) -> Delegation:
            methods, named = frozenset(map(str, claims["methods"])), claims["agent"]
            agents = frozenset(map(str, named)) if isinstance(named, list) else frozenset((str(named),))
            issuer = self._in_whose_place(claims, registered).principal
            return Delegation(issuer, str(claims["sub"]), agents, methods, claims["exp"], token)

        found: Delegation = self._verified(token, DELEGATION_TYPE, read, _MAX_DELEGATION_SECONDS)
        return found

    def _in_whose_place(self, claims: Mapping[str, Any], signer: Registered) -> Registered:
        """Return who stands behind what was signed: who did, or who gave the signer, a service, the session in it."""
        if "for" not in claims:
            return signer
        if signer.principal.kind is not Kind.SERVICE:
            raise Unauthenticated("only a service calls in the place of others")
        session = self.session(str(claims["for"]), signer.principal.name)
        if claims["exp"] > session.expires_at:
            raise Unauthenticated("it outlasts the session that it is signed for")
        return self.find(session.principal.name)

    def _verified(
        self,
        token: str,
        kind: str,
        read: Callable[[Mapping[str, Any], Registered], Any],
        longest: int,
        audience: str | None = None,
    ) -> Any:
        # Verifying a signature takes 0.2 ms: what held once holds until it expires, or the file changes.
        self._refresh()
        shown, now = (kind, audience, token), time.time()
        remembered = self._remembered.get(shown)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        try:
            signed = Signed.read(token)
            if signed.kind != kind:
                raise Unauthenticated(f"it is no {kind}")
            claims = signed.claims
            registered = self.find(str(claims["iss"]))
            signed.check(bytes.fromhex(registered.public_key))
            _check_times(claims, now, kind, longest)
            if audience is not None and claims["aud"] != audience:
                raise Unauthenticated("the token is for another service, or for others too")
            found, until = read(claims, registered), claims["exp"] + _LEEWAY_SECONDS
        except (ValueError, TypeError, LookupError):
            raise Unauthenticated(f"the {kind} doesn't hold") from None
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[shown] = (until, found)
        return found

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - `Path.stat` takes half as long again, and every call asks
            if (seen := (status.st_mtime_ns, status.st_size, status.st_ino)) == self._seen:
                return
            self._registered = {item.principal.name: item for item in read_principals(self._path)}
        except (OSError, PrincipalsError) as error:
            # Nobody is let in by what was true once.
            self._seen, self._registered, self._remembered = None, {}, {}
            if (problem := str(error)) != self._problem:
                log.error("nobody is known", extra={"problem": problem})
            self._problem = problem
            raise Unavailable("nobody is known: the file of principals can't be used") from None
        self._seen, self._remembered, self._problem = seen, {}, ""


def _check_times(claims: Mapping[str, Any], now: float, kind: str, longest: int) -> None:
    """Raise Unauthenticated when a token doesn't hold now, and ValueError for times that are no whole seconds."""
    made, ends = claims["iat"], claims["exp"]
    begins = claims.get("nbf", made)
    if not all(type(time) is int for time in (made, ends, begins)):
        raise ValueError("times are whole seconds")
    if ends <= now - _LEEWAY_SECONDS:
        raise Unauthenticated(f"the {kind} has expired")
    if max(made, begins) > now + _LEEWAY_SECONDS:
        raise Unauthenticated(f"the {kind} doesn't hold yet")
    if ends - made > longest:
        raise Unauthenticated(f"a {kind} may hold for {longest} seconds at most")


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
