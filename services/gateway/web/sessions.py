"""Who calls: by a session in the `Authorization` header, or by the cookie that a sign-in link was exchanged for.

A link is used once, within ten minutes of its making and in the life of this process, which remembers the used ones.
"""

import dataclasses
import hashlib
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.web.errors import CsrfRefused
from services.runtime.keystore import Keystore
from services.runtime.rpc.credentials import SESSION_TYPE
from services.runtime.rpc.identity import Session, Unauthenticated
from services.runtime.rpc.registry import Registry

RELAY = "gateway"
"""Whose session it must be: the name by which this process is a principal."""

LINK_SECONDS = 600
COOKIE_SECONDS = 12 * 3600
COOKIE = "puppet_session"
"""What its name begins with: cookies belong to a host, whatever the port, and there may be several suites."""

REQUEST_HEADER = "x-puppet-request"
"""Pages of other sites can't send it unless a preflight lets them, and none does."""

_MAX_REMEMBERED = 10_000
_SCHEME = "bearer "
_REMEDY = "`puppetctl token gateway` prints one for this gateway, `puppetctl open` a link for the page"
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_OWN_SITES = frozenset(("same-origin", "none"))


class Sessions:
    """What this process knows of sessions."""

    def __init__(
        self,
        registry: Registry,
        keystore: Keystore,
        origins: Callable[[Request], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take who there is, what seals cookies, and which requests come from an origin of this gateway's."""
        self._registry = registry
        self._keystore = keystore
        self._is_own = origins
        self._clock = clock
        self._began = int(clock())
        self._used: dict[str, float] = {}
        self._ended: dict[str, float] = {}

    def of(self, request: Request) -> Session:
        """Return the session of a request; its cookie may end before it. Raises Unauthenticated and CsrfRefused."""
        if given := request.headers.get("authorization", ""):
            if given[: len(_SCHEME)].lower() != _SCHEME:
                raise Unauthenticated("the header `Authorization` must be `Bearer TOKEN`")
            session = self._session(given[len(_SCHEME) :].strip())
            if session.link:
                raise Unauthenticated("a sign-in link is for signing in at the page, and no token")
            return session
        sealed = self._cookie(request)
        if not sealed:
            raise Unauthenticated(
                "send a token of `puppetctl token gateway` as `Authorization: Bearer TOKEN`, or open the page by a "
                "link of `puppetctl open`"
            )
        session = self._unsealed(sealed)
        self.check_origin(request)
        return session

    def _cookie(self, request: Request) -> str:
        """Return the sealed cookie of a request; empty without one. Raises Unauthenticated for two that differ.

        Another site of the same domain may plant one beside ours, and nothing tells which of them is whose.
        """
        prefix = f"{cookie_name(request)}="
        pairs = (pair.strip() for header in request.headers.getlist("cookie") for pair in header.split(";"))
        found = {pair.removeprefix(prefix) for pair in pairs if pair.startswith(prefix)}
        if len(found) > 1:
            raise Unauthenticated(
                "two cookies claim to be this gateway's: delete those of this host, and sign in again"
            )
        return request.cookies.get(cookie_name(request), "")

    def check_origin(self, request: Request) -> None:
        """Raise CsrfRefused for a request by cookie that the gateway's own page didn't send."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        is_meant = request.method in _SAFE or request.headers.get(REQUEST_HEADER) == "1"
        if not is_meant or site not in _OWN_SITES or not self._is_own(request):
            raise CsrfRefused(
                f"a call by cookie comes from the page itself; one that changes something has `{REQUEST_HEADER}: 1`"
            )

    def exchange(self, token: str) -> Session:
        """Return the session of a sign-in link, which is used up by that. Raises Unauthenticated."""
        session, now = self._session(token), self._clock()
        if not session.link:
            raise Unauthenticated("this is no sign-in link: `puppetctl open` prints one")
        if not self._began <= session.made_at or now > session.made_at + LINK_SECONDS:
            raise Unauthenticated("this sign-in link is too old: `puppetctl open` prints a new one")
        if not _remember(self._used, token, now + 2 * LINK_SECONDS, now):
            raise Unauthenticated("this sign-in link was used before: `puppetctl open` prints a new one")
        return session

    def longest(self, session: Session) -> float:
        """Return when a cookie that is given now for a session ends, in Unix seconds."""
        return min(float(session.expires_at), self._clock() + COOKIE_SECONDS)

    def sign_in(self, request: Request, response: Response, session: Session) -> None:
        """Give a browser the cookie of a session."""
        until = int(self.longest(session))
        response.set_cookie(
            cookie_name(request),
            self._keystore.seal(f"{until} {session.token}"),
            max_age=max(0, until - int(self._clock())),
            httponly=True,
            secure=_is_secure(request),
            samesite="strict",
        )

    def sign_out(self, request: Request, response: Response, session: Session) -> None:
        """Take the cookie from a browser, and let it open nothing any more, wherever a copy of it is."""
        if cookie_name(request) in request.cookies:
            _remember(self._ended, session.token, session.expires_at, self._clock())
        response.delete_cookie(cookie_name(request), httponly=True, secure=_is_secure(request), samesite="strict")

    def _session(self, token: str) -> Session:
        try:
            return self._registry.session(token, RELAY)
        except Unauthenticated as error:
            raise Unauthenticated(f"{error.message.replace(SESSION_TYPE, 'token')}: {_REMEDY}") from None

    def _unsealed(self, sealed: str) -> Session:
        try:
            until, _, token = self._keystore.unseal(sealed).partition(" ")
            ends = int(until)
        except ValueError:
            raise Unauthenticated("the cookie isn't one of this gateway's: sign in again") from None
        if ends <= self._clock():
            raise Unauthenticated("you were signed in for long enough: sign in again")
        if _digest(token) in self._ended:
            raise Unauthenticated("you signed out: sign in again")
        session = self._session(token)
        return dataclasses.replace(session, expires_at=min(session.expires_at, ends))


def cookie_name(request: Request) -> str:
    """Return what the cookie is called where a request was sent."""
    return f"{COOKIE}_{request.url.port or request.url.scheme}"


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _remember(known: dict[str, float], token: str, until: float, now: float) -> bool:
    """Remember a token for as long as it matters; False when it was known, or there is no room for more."""
    for digest in [digest for digest, ends in known.items() if ends <= now]:
        del known[digest]
    if _digest(token) in known or len(known) >= _MAX_REMEMBERED:
        return False
    known[_digest(token)] = until
    return True


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
