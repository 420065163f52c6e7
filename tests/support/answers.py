"""A server that answers whatever it is asked with what it was given."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.http import listening


@dataclass(frozen=True)
class Said:
    """An answer; a body that is a text is a page of HTML, any other one is JSON."""

    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return it as it goes out."""
        if isinstance(self.body, str):
            return Response(self.body, self.status, self.headers, "text/html")
        return Response(json.dumps(self.body), self.status, self.headers, "application/json")


@dataclass(frozen=True)
class Script:
    """Where the server is, and what it was asked."""

    url: str
    session: aiohttp.ClientSession
    asked: list[Request]


@contextlib.asynccontextmanager
async def saying(*answers: Said) -> AsyncIterator[Script]:
    """Serve these answers in turn, the last one for ever."""
    left: Sequence[Said] = answers
    asked: list[Request] = []

    async def answer(request: Request) -> Response:
        asked.append(request)
        return left[min(len(asked), len(left)) - 1].response()

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    async with listening(app) as url, aiohttp.ClientSession() as session:
        yield Script(url, session, asked)
