"""Who calls: by a session in the `Authorization` header, or by the cookie that a sign-in link was exchanged for.

A link is used once, within ten minutes of its making and in the life of this process, which remembers the used ones.
"""

import hashlib
import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.web.refusals import CsrfRefused
from services.runtime.keystore import Keystore
from services.runtime.rpc.identity import Session, Unauthenticated
from services.runtime.rpc.registry import Registry

RELAY = "gateway"
"""Whose session it must be: the name by which this process is a principal."""

LINK_SECONDS = 600
COOKIE_SECONDS = 12 * 3600
COOKIE = "puppet_session"
REQUEST_HEADER = "x-puppet-request"
"""Pages of other sites can't send it unless a preflight lets them, and none does."""

_MOST_REMEMBERED = 10_000
_SCHEME = "bearer "
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))


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

    def of(self, request: Request) -> Session:
        """Return the session that a request comes with. Raises Unauthenticated and CsrfRefused."""
        if given := request.headers.get("authorization", ""):
            if given[: len(_SCHEME)].lower() != _SCHEME:
                raise Unauthenticated("the header `Authorization` must be `Bearer TOKEN`")
            session = self._session(given[len(_SCHEME) :].strip())
            if session.link:
                raise Unauthenticated("a sign-in link is for signing in at the page, and no token")
            return session
        sealed = request.cookies.get(COOKIE, "")
        if not sealed:
            raise Unauthenticated(
                "send a token of `puppetctl token gateway` as `Authorization: Bearer TOKEN`, or open the page by a "
                "link of `puppetctl open`"
            )
        session = self._unsealed(sealed)
        if request.method not in _SAFE:
            self.check_origin(request)
        return session

    def check_origin(self, request: Request) -> None:
        """Raise CsrfRefused for a request by cookie that the gateway's own page didn't send."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        if (
            request.headers.get(REQUEST_HEADER) != "1"
            or site not in {"same-origin", "none"}
            or not self._is_own(request)
        ):
            raise CsrfRefused(f"what changes something needs the header `{REQUEST_HEADER}: 1`, from the page itself")

    def exchange(self, token: str) -> Session:
        """Return the session of a sign-in link, which is used up by that. Raises Unauthenticated."""
        session, now = self._session(token), self._clock()
        if not session.link:
            raise Unauthenticated("this is no sign-in link: `puppetctl open` prints one")
        if not self._began <= session.made_at or now > session.made_at + LINK_SECONDS:
            raise Unauthenticated("this sign-in link is too old: `puppetctl open` prints a new one")
        key = _digest(token)
        self._used = {it: until for it, until in self._used.items() if until > now}
        if key in self._used or len(self._used) >= _MOST_REMEMBERED:
            raise Unauthenticated("this sign-in link was used before: `puppetctl open` prints a new one")
        self._used[key] = now + 2 * LINK_SECONDS
        return session

    def longest(self, session: Session) -> float:
        """Return when a cookie that is given now for a session ends, in Unix seconds."""
        return min(float(session.expires_at), self._clock() + COOKIE_SECONDS)

    def sign_in(self, response: Response, session: Session, *, is_secure: bool) -> None:
        """Give a browser the cookie of a session."""
        until = int(self.longest(session))
        seconds = max(0, until - int(self._clock()))
        response.set_cookie(
            COOKIE,
            self._keystore.seal(f"{until} {session.token}"),
            max_age=seconds,
            httponly=True,
            secure=is_secure,
            samesite="strict",
        )

    def sign_out(self, response: Response, *, is_secure: bool) -> None:
        """Take the cookie from a browser."""
        response.delete_cookie(COOKIE, httponly=True, secure=is_secure, samesite="strict")

    def expires_at(self, request: Request, session: Session) -> float:
        """Return when what a request was let in by ends, in Unix seconds."""
        if "authorization" in request.headers:
            return session.expires_at
        return min(session.expires_at, float(self._keystore.unseal(request.cookies[COOKIE]).split(" ", 1)[0]))

    def _session(self, token: str) -> Session:
        return self._registry.session(token, RELAY)

    def _unsealed(self, sealed: str) -> Session:
        try:
            until, _, token = self._keystore.unseal(sealed).partition(" ")
            is_current = float(until) > self._clock()
        except ValueError:
            raise Unauthenticated("the cookie isn't one of this gateway's: sign in again") from None
        if not is_current:
            raise Unauthenticated("you were signed in for long enough: sign in again")
        return self._session(token)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
