"""Keeps web pages away from a sandbox server, and everybody without its token away from its own routes.

A page that is open in the user's browser can send requests to any port of the machine, and after DNS rebinding even
read the answers. What it can't do is choose the Host of a request, leave out where it comes from, or send JSON without
asking first; programs do none of what is refused here.
"""

import hmac
import ipaddress
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_OWN_ROUTES, _HEALTH = "/_sandbox", "/_sandbox/health"
_HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_HTTP_PORT = 80
_ASKED_BY_THE_USER = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    words: str


_WRONG_HOST = _Refusal(421, "This server is not the Host that was asked for; ALLOWED_HOSTS names others than loopback.")
_FROM_A_PAGE = _Refusal(403, "Requests of web pages are refused.")
_NO_JSON = _Refusal(415, "A body must be JSON, with one Content-Type of application/json.")
_NO_TOKEN = _Refusal(401, "This route needs `Authorization: Bearer` and the token in admin.token of the data folder.")


class Guard:
    """Refuses before anything is done: foreign Hosts, pages, bodies that are no JSON, own routes without the token."""

    def __init__(self, app: ASGIApp, token: str, hosts: AbstractSet[str]) -> None:
        """Take the admin token, and names (`name` or `name:port`, in small letters) that stand for this server."""
        if not token:
            raise ValueError("an empty token would open the sandbox's own routes to everybody")
        self._app = app
        self._token = token.encode()
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection that is not refused."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # No browser keeps WebSocket to the page's own origin, and each says the page's with it.
            if self._is_refused(scope):
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._app(scope, receive, send)
        elif refusal := self._refusal(scope):
            answer = JSONResponse({"error": refusal.words}, refusal.status)
            if refusal is _NO_TOKEN:
                answer.headers["WWW-Authenticate"] = "Bearer"
            await answer(scope, receive, _kept_from_pages(send))
        else:
            await self._app(scope, receive, _kept_from_pages(send))

    def _is_refused(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        is_for_us = self._is_for_us(headers.getlist("host"), scope.get("server"))
        return not is_for_us or _is_from_a_page(headers) or scope["path"].startswith(_OWN_ROUTES)

    def _refusal(self, scope: Scope) -> _Refusal | None:
        headers, method, path = Headers(scope=scope), scope["method"], scope["path"]
        if not self._is_for_us(headers.getlist("host"), scope.get("server")):
            return _WRONG_HOST
        if method == "OPTIONS" or _is_from_a_page(headers):
            return _FROM_A_PAGE
        if _has_body(headers) and not _is_json(headers.getlist("content-type")):
            return _NO_JSON
        if path.startswith(_OWN_ROUTES) and path != _HEALTH and not self._is_admin(headers.getlist("authorization")):
            return _NO_TOKEN
        return None

    def _is_for_us(self, given: list[str], server: tuple[str, int | None] | None) -> bool:
        found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        if found is None or server is None:
            return False
        name, port = found[1], int(found[2] or _HTTP_PORT)
        if f"{name}:{port}" in self._hosts:
            return True
        return port == server[1] and (name in self._hosts or _is_loopback(name))

    def _is_admin(self, given: list[str]) -> bool:
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._token)


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_from_a_page(headers: Headers) -> bool:
    # Any Origin, "null" too: no page is served here whose own origin this could be.
    return "origin" in headers or not _ASKED_BY_THE_USER.issuperset(headers.getlist("sec-fetch-site"))


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or any(length.strip() != "0" for length in headers.getlist("content-length"))


def _is_json(types: list[str]) -> bool:
    return len(types) == 1 and types[0].partition(";")[0].strip().lower() == "application/json"


def _kept_from_pages(send: Send) -> Send:
    """Mark answers so that a browser that says nothing about itself hands them to no page either."""

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers["X-Content-Type-Options"] = "nosniff"
        await send(message)

    return marked
