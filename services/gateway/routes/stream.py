"""`GET /stream`: what characters do, as server-sent events.

Each stream has one of its own at the agents service, in the place of whoever asked: what a slow reader doesn't take
stays there, behind the flow control of both connections, so nobody waits for anybody and nothing piles up in between.
The id of an event is the cursor from which the next stream goes on.
"""

import asyncio
import contextlib
import functools
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.gateway.backend import Backend
from services.gateway.transcoding.reading import fill, read_query
from services.gateway.transcoding.writing import write
from services.gateway.web.envelope import to_json
from services.gateway.web.errors import TooManyStreams
from services.gateway.web.refusals import of_service
from services.runtime.errors import InvalidRequest, Violation
from services.runtime.rpc import identity
from services.runtime.rpc.identity import Session
from services.runtime.rpc.status import Remote

_RETRY_MS, _REFUSED_RETRY_MS = 1_000, 60_000
_BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0)
_SEND_SECONDS = 30.0
"""A reader who takes nothing for so long is let go; it comes back with the id of what it read last."""

_COMMENT_SECONDS = 15
_KEPT_TEXTS = 256
_CURSOR_DIGITS = 18
_NAMES = {"agent_id": "agent_ids", "agent_ids": "agent_ids", "kind": "kinds", "kinds": "kinds"}
_AFTER = "after_cursor"


class Streams:
    """The event streams that are open."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._open: Counter[str] = Counter()

    async def stream(self, request: Request) -> Response:
        """Answer `GET /stream`."""
        backend = self._backend
        async with backend.calling(request) as session:
            asked, cursor = _asked(request), _cursor(request)
            # Asked before anything is sent: what may not be seen is refused with a status.
            first = pb.ListActivityRequest(agent_ids=asked.agent_ids, page_size=1)
            try:
                page = await backend.call(request, AgentServiceStub, "ListActivity", first)
                cursor = cursor or next((activity.cursor for activity in page.activities), "0")
            except grpc.aio.AioRpcError as error:
                # A browser doesn't come back by itself after a status that isn't 200.
                if not Remote(error).is_transient:
                    raise
        watched = pb.WatchActivityRequest(agent_ids=asked.agent_ids, after_cursor=cursor)
        leave = self._enter(session)
        return _Stream(self._events(request, watched, frozenset(asked.kinds), session), leave)

    def _enter(self, session: Session) -> Callable[[], None]:
        """Count a stream of a caller's, and return what takes it off again. Raises TooManyStreams."""
        name, limit = session.principal.name, self._backend.settings.max_streams_per_caller
        if self._open[name] >= limit:
            raise TooManyStreams(f"{limit} event streams are open already", 5.0, f"principal:{name}")
        if self._open.total() >= self._backend.settings.max_open_streams:
            raise TooManyStreams("too many event streams are open", 5.0, "gateway")
        self._open[name] += 1

        def leave() -> None:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

        return leave

    async def _events(
        self,
        request: Request,
        watched: pb.WatchActivityRequest,
        kinds: frozenset[int],
        session: Session,
    ) -> AsyncIterator[ServerSentEvent]:
        """Yield what happens, through restarts of the agents service, until the session or this process ends."""
        identity.relay_for(session)
        until = session.expires_at
        # With an id at once, a reader who is cut off before the first event still comes back to where it was.
        yield _event(id=watched.after_cursor or None, retry=_RETRY_MS)
        ending = asyncio.ensure_future(self._backend.draining.wait())
        failures = 0
        try:
            while True:
                call = self._backend.stubs[AgentServiceStub].WatchActivity(watched)
                try:
                    async for message in _until(call, ending, until):
                        failures = 0
                        watched.after_cursor = message.cursor or watched.after_cursor
                        if not message.HasField("activity"):
                            yield _event(id=watched.after_cursor, comment="")
                        elif not kinds or message.activity.kind in kinds:
                            text = _text(message.activity.SerializeToString(deterministic=True))
                            yield _event(id=watched.after_cursor, event="activity", data=text)
                except grpc.aio.AioRpcError as error:
                    if not Remote(error).is_transient:
                        refusal = bytes(of_service(request, error).body).decode()
                        # A browser would come back at once, and hear the same.
                        yield _event(event="failure", data=refusal, retry=_REFUSED_RETRY_MS)
                        return
                finally:
                    call.cancel()
                if ending.done() or time.time() >= until:
                    yield _event(event="end", data=to_json({"reason": "stopping" if ending.done() else "expired"}))
                    return
                pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)]
                failures += 1
                await asyncio.wait((ending,), timeout=pause)
        finally:
            ending.cancel()


class _Stream(EventSourceResponse):
    """A response that is counted while it lasts."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], leave: Callable[[], None]) -> None:
        super().__init__(
            events,
            sep="\n",
            ping=_COMMENT_SECONDS,
            ping_message_factory=lambda: _event(comment=""),
            send_timeout=_SEND_SECONDS,
        )
        self._events, self._leave = events, leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until one side ends it."""
        try:
            # A reader who takes nothing is let go without a word: it gets none.
            with contextlib.suppress(TimeoutError):
                await super().__call__(scope, receive, send)
        finally:
            self._leave()
            await self._events.aclose()  # type: ignore[attr-defined]  # it is a generator


async def _until(call: Any, ending: asyncio.Future[Any], until: float) -> AsyncIterator[pb.WatchActivityResponse]:
    """Yield what a call streams until it, this process or the session ends. Raises grpc's errors."""
    while True:
        reading = asyncio.ensure_future(call.read())
        try:
            await asyncio.wait((reading, ending), timeout=max(0, until - time.time()), return_when="FIRST_COMPLETED")
            if not reading.done():
                return
            message = reading.result()
        finally:
            if not reading.done():
                call.cancel()
                reading.cancel()
        if message is grpc.aio.EOF:
            return
        yield message


@functools.lru_cache(_KEPT_TEXTS)
def _text(activity: bytes) -> str:
    """Return an activity as JSON, written once for all who watch."""
    return to_json(write(log_pb.Activity.FromString(activity)))


def _event(**fields: Any) -> ServerSentEvent:
    return ServerSentEvent(**fields, sep="\n")


def _asked(request: Request) -> pb.ListActivityRequest:
    """Return whose activities of which kinds are asked for. Raises InvalidRequest."""
    pairs = [(name, text) for name, text in request.query_params.multi_items() if name != _AFTER]
    if unknown := [name for name, _ in pairs if name not in _NAMES]:
        raise InvalidRequest([Violation(name, "is unknown here") for name in unknown])
    asked = pb.ListActivityRequest()
    fill(asked, read_query(asked.DESCRIPTOR, [(_NAMES[name], text) for name, text in pairs]))
    return asked


def _cursor(request: Request) -> str:
    """Return from where on a reader wants to go on; empty: from now. Raises InvalidRequest."""
    for name, given in (
        ("Last-Event-ID", request.headers.get("last-event-id", "")),
        (_AFTER, request.query_params.get(_AFTER, "")),
    ):
        if given:
            if not (given.isascii() and given.isdecimal() and len(given) <= _CURSOR_DIGITS):
                raise InvalidRequest([Violation(name, "must be the id of an event, or 0 for all that is kept")])
            return str(given)
    return ""
