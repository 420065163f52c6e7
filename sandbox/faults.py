"""The faults a third party can show, as switches that are set and cleared while a sandbox server runs.

`GET`, `POST` and `DELETE /_sandbox/faults` list, add and clear them. A fault names the routes it hits by a
prefix (`POST /2/tweets`, or the JSON-RPC method `sendTransaction`) and how many calls it lasts.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Collection
from enum import StrEnum

from pydantic import BaseModel, Field, JsonValue, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HANG_UP = "sandbox.hang_up"
"""The key in an HTTP scope under which the server may leave a function that drops the connection at once."""

RouteNamer = Callable[[str, str, bytes], str]
"""Names a call by its HTTP method, path and body."""


class FaultKind(StrEnum):
    """What goes wrong."""

    LATENCY = "latency"
    """The answer comes `seconds` late."""
    STATUS = "status"
    """The call is answered with `status`, `headers` and `body`, and nothing is done.

    Without a body it is a problem in JSON, or HTML when `html` is set.
    """
    LOST_ANSWER = "lost_answer"
    """The work is done, but the caller hears nothing for `seconds` and then loses the connection."""
    LATE_VISIBILITY = "late_visibility"
    """What the call writes is accepted, and can be read only `seconds` later."""
    DROPPED = "dropped"
    """The call is acknowledged, and its effect never happens."""
    REFUSAL = "refusal"
    """The call is refused as the server's own `refusal` of this name says, and nothing is done."""


class Fault(BaseModel, frozen=True, extra="forbid"):
    """One fault: what goes wrong, on which routes, and for how many calls (for ever when `times` is left out)."""

    kind: FaultKind
    route: str = ""
    times: int | None = Field(default=None, ge=1)
    seconds: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    status: int = Field(default=503, ge=200, le=599)
    html: bool = False
    headers: dict[str, str] = Field(default_factory=dict)
    body: JsonValue = None
    refusal: str = ""


_FAULTS = TypeAdapter(list[Fault])


class FaultBoard:
    """The faults that are switched on now, in the order in which they were added."""

    def __init__(self, refusals: Collection[str] = ()) -> None:
        """Take the names of the refusals that the server knows."""
        self._refusals = refusals
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Switch a fault on."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Switch every fault off."""
        self._faults.clear()

    def take(self, kind: FaultKind, route: str) -> Fault | None:
        """Return the first fault of this kind that hits this route, and use up one of its calls."""
        for index, fault in enumerate(self._faults):
            if fault.kind is kind and route.startswith(fault.route):
                if fault.times == 1:
                    del self._faults[index]
                elif fault.times is not None:
                    self._faults[index] = fault.model_copy(update={"times": fault.times - 1})
                return fault
        return None

    def routes(self) -> list[Route]:
        """Return the routes through which the faults are listed, added and cleared."""
        return [Route("/_sandbox/faults", self._endpoint, methods=["GET", "POST", "DELETE"])]

    def _check(self, faults: list[Fault]) -> None:
        for fault in faults:
            if fault.kind is FaultKind.REFUSAL and fault.refusal not in self._refusals:
                raise ValueError(f"refusal: must be one of {', '.join(sorted(self._refusals)) or 'none here'}")

    async def _endpoint(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.clear()
        if request.method == "POST":
            try:
                given = json.loads(await request.body())
                faults = _FAULTS.validate_python(given if isinstance(given, list) else [given])
                self._check(faults)
            except (ValueError, ValidationError) as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            for fault in faults:
                self.add(fault)
        return JSONResponse(_FAULTS.dump_python(self._faults, mode="json"))


def name_by_path(method: str, path: str, _body: bytes) -> str:
    """Name a call `METHOD /path`."""
    return f"{method} {path}"


class FaultMiddleware:
    """Shows latency, refusals and lost answers in front of any ASGI application."""

    def __init__(self, app: ASGIApp, board: FaultBoard, name: RouteNamer = name_by_path) -> None:
        self._app = app
        self._board = board
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call, with the faults that hit it."""
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self._app(scope, receive, send)
            return
        body = await _read_body(receive)
        route = self._name(scope["method"], scope["path"], body)
        if late := self._board.take(FaultKind.LATENCY, route):
            await asyncio.sleep(late.seconds)
        if refused := self._board.take(FaultKind.STATUS, route):
            await _refusal(refused)(scope, receive, send)
            return
        replay = _replay(body, receive)
        if lost := self._board.take(FaultKind.LOST_ANSWER, route):
            await self._app(scope, replay, _discard)
            await _wait_for_disconnect(receive, lost.seconds)
            await _hang_up(scope, receive)
            return
        await self._app(scope, replay, send)


def _refusal(fault: Fault) -> Response:
    if fault.body is not None:
        return JSONResponse(fault.body, fault.status, fault.headers)
    headers = {"Retry-After": str(round(fault.seconds))} if fault.status in (429, 503) else {}
    if fault.status == 429:
        headers |= {
            "x-rate-limit-limit": "100",
            "x-rate-limit-remaining": "0",
            "x-rate-limit-reset": str(int(time.time() + fault.seconds)),
        }
    headers |= fault.headers
    if fault.html:
        return HTMLResponse(f"<html><body><h1>{fault.status}</h1></body></html>", fault.status, headers)
    problem = {"title": "Sandbox fault", "detail": "This refusal was switched on.", "status": fault.status}
    return JSONResponse(problem, fault.status, headers)


async def _read_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return pending.pop() if pending else await receive()

    return next_message


async def _discard(_message: Message) -> None:
    """Let the application answer into the void."""


async def _wait_for_disconnect(receive: Receive, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


async def _hang_up(scope: Scope, receive: Receive) -> None:
    """Drop the connection; an application that merely returns without an answer is answered for with a 500."""
    if drop := scope.get(HANG_UP):
        drop()
        while (await receive())["type"] != "http.disconnect":
            pass
