"""Signing in, who is signed in, and signing out."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.backend import Backend
from services.gateway.transcoding.reading import read_object
from services.gateway.web.envelope import success
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.rpc.identity import Kind, Session


class SessionRoutes:
    """`/session`."""

    def __init__(self, backend: Backend) -> None:
        self._sessions = backend.sessions

    async def create(self, request: Request) -> Response:
        """Exchange a sign-in link for a cookie: `{"link": TOKEN}`."""
        self._sessions.check_origin(request)
        given = read_object(await request.body())
        if unknown := [name for name in given if name != "link"]:
            raise InvalidRequest([Violation(name, "is unknown here") for name in unknown])
        link = given.get("link")
        if not isinstance(link, str) or not link:
            raise InvalidRequest([Violation("link", "must be the token of a sign-in link")])
        session = self._sessions.exchange(link)
        expires_at = self._sessions.longest(session)
        response = success(_told(session, expires_at), status=201)
        self._sessions.sign_in(request, response, session)
        return response

    async def get(self, request: Request) -> Response:
        """Say who is signed in."""
        session = self._sessions.of(request)
        return success(_told(session, session.expires_at))

    async def delete(self, request: Request) -> Response:
        """Sign out."""
        session = self._sessions.of(request)
        response = success({})
        self._sessions.sign_out(request, response, session)
        return response


def _told(session: Session, expires_at: float) -> dict[str, Any]:
    principal = session.principal
    may_write = principal.kind is Kind.OPERATOR or (principal.kind is Kind.CLIENT and principal.may_write)
    return {
        "principal": principal.name,
        "kind": str(principal.kind),
        "agents": None if principal.agents is None else sorted(principal.agents),
        "may_write": may_write,
        "expires_at": datetime.fromtimestamp(expires_at, UTC).isoformat().replace("+00:00", "Z"),
    }
