"""What every endpoint works with: the five services, who calls, and how much of each caller is under way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
from starlette.requests import Request

from services.gateway.settings import GatewaySettings
from services.gateway.web.errors import Gone
from services.gateway.web.sessions import Sessions
from services.runtime.errors import InvalidRequest, Unavailable, Violation
from services.runtime.rpc import identity
from services.runtime.rpc.client import Stubs
from services.runtime.rpc.identity import Session

TIMEOUT_HEADER = "request-timeout"


@dataclass(frozen=True, slots=True)
class Backend:
    """The services, as the gateway calls them, and the sessions in whose principals' places it does."""

    stubs: Stubs
    sessions: Sessions
    settings: GatewaySettings
    calls: asyncio.Semaphore
    draining: asyncio.Event

    @contextlib.asynccontextmanager
    async def calling(self, request: Request) -> AsyncIterator[Session]:
        """Let the block call services in the place of whoever sent a request. Raises Unauthenticated, Unavailable."""
        session = self.sessions.of(request)
        if self.calls.locked():
            raise Unavailable("too many calls at once")
        async with self.calls:
            identity.relay_for(session)
            yield session

    def timeout(self, request: Request) -> float:
        """Return how many seconds a request gives its call. Raises InvalidRequest."""
        given = request.headers.get(TIMEOUT_HEADER)
        if given is None:
            return self.settings.default_deadline_seconds
        try:
            seconds = float(given)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds <= self.settings.most_deadline_seconds:
            limit = f"{self.settings.most_deadline_seconds:g}"
            raise InvalidRequest([Violation("Request-Timeout", f"must be seconds, above 0 and up to {limit}")])
        return seconds

    async def call(self, request: Request, stub: type[Any], rpc: str, message: Any) -> Any:
        """Call an RPC, and cancel it when whoever asked leaves. Raises grpc's errors, and Gone."""
        call = getattr(self.stubs[stub], rpc)(message, timeout=self.timeout(request))
        return await self.unless_gone(request, call)

    async def unless_gone(self, request: Request, call: grpc.aio.Call) -> Any:
        """Return what a call answers, which is cancelled when whoever asked leaves."""
        answered, left = asyncio.ensure_future(_result(call)), asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait((answered, left), return_when=asyncio.FIRST_COMPLETED)
            if not answered.done():
                raise Gone
            return answered.result()
        finally:
            left.cancel()
            if not answered.done():
                call.cancel()
                answered.cancel()


async def _result(call: Any) -> Any:
    return await call


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
