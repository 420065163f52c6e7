"""A receiver of webhooks, which knows of their signature what the specification says of it."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.http import listening
from tests.support.waits import WAIT_SECONDS

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes of a test's own").decode()


@dataclass
class Receiver:
    """Takes messages, verifies each, and answers as it is told to."""

    secret: str = SECRET
    url: str = ""
    bodies: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The ids and the bodies of those whose signature is right, in the order in which they came."""
    forged: int = 0
    answers: list[Response] = field(default_factory=list)
    """How the next ones are answered; 204 when there is none left."""
    holding: asyncio.Event | None = None
    """What is waited for before an answer."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def ids(self) -> list[str]:
        return [message_id for message_id, _ in self.bodies]

    async def take(self, request: Request) -> Response:
        body = await request.body()
        name, time = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        digest = hmac.new(key, f"{name}.{time}.".encode() + body, hashlib.sha256).digest()
        expected = f"v1,{base64.b64encode(digest).decode()}"
        async with self.changed:
            if expected in request.headers["webhook-signature"].split():
                self.bodies.append((name, json.loads(body)))
            else:
                self.forged += 1
            self.changed.notify_all()
        if self.holding is not None:
            await self.holding.wait()
        return self.answers.pop(0) if self.answers else Response(status_code=204)

    async def until(self, number: int, seconds: float = WAIT_SECONDS) -> list[tuple[str, dict[str, Any]]]:
        """Wait until so many have come."""
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(lambda: len(self.bodies) >= number)
        return self.bodies


@contextlib.asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    """Let a receiver listen until the block ends."""
    async with listening(Starlette(routes=[Route("/in", receiver.take, methods=["POST"])]), at_once=True) as url:
        receiver.url = f"{url}/in"
        try:
            yield receiver
        finally:
            if receiver.holding is not None:
                receiver.holding.set()
