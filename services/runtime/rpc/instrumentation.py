"""What is told of calls, served and made: a span and a duration each, whatever their shape and their end.

Names are those of OpenTelemetry's semantic conventions for RPC. A call that is aborted or cancelled has its own status,
and what a caller did wrong is no error of the server's.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import grpc

from services.runtime import telemetry
from services.runtime.telemetry import Histogram, Kind

_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120)
SERVED = Histogram("rpc.server.call.duration", "s", "How long calls that were served took.", _BOUNDS)
MADE = Histogram("rpc.client.call.duration", "s", "How long calls to other services took.", _BOUNDS)

_FAULTS = frozenset(("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"))
"""The statuses that are a server's own fault."""


class ServerCall:
    """A call that is being served: the current span of its task, until its end is told."""

    __slots__ = ("_code", "_name", "_reason", "_span", "_started")

    def __init__(self, method: str, metadata: Mapping[str, str]) -> None:
        """Take the call's path (`/package.Service/Method`), and its metadata, which may hold its caller's trace."""
        self._started = time.monotonic()
        self._name, self._code, self._reason = method[1:], grpc.StatusCode.OK.name, ""
        telemetry.continue_trace(metadata)
        self._span = telemetry.opened(self._name, Kind.SERVER, rpc__system__name="grpc", rpc__method=self._name)
        telemetry.enter(self._span)

    @property
    def milliseconds(self) -> float:
        """How long it has taken so far."""
        return round((time.monotonic() - self._started) * 1000, 2)

    def ends(self, code: grpc.StatusCode, reason: str = "") -> None:
        """Take its status, and the reason."""
        self._code, self._reason = code.name, reason

    def tell(self) -> None:
        """Tell how it has ended."""
        self._span.tell(rpc__response__status_code=self._code)
        if self._reason:
            self._span.tell(puppet__reason=self._reason)
        if self._code in _FAULTS:
            self._span.fail(self._code)
        self._span.end()
        SERVED.record(time.monotonic() - self._started, rpc__method=self._name, rpc__response__status_code=self._code)


class ClientCall:
    """A call to another service, from its first byte on; whoever made it hands it over to be watched."""

    _watching: set[asyncio.Task[None]] = set()  # noqa: RUF012 - a task that nobody holds may vanish

    def __init__(self, method: str) -> None:
        """Take the path of the call's method."""
        self._name = method.removeprefix("/")
        self._started = time.monotonic()
        self._span = telemetry.opened(self._name, Kind.CLIENT, rpc__system__name="grpc", rpc__method=self._name)

    @property
    def header(self) -> str:
        """What the call carries, so that what is done for it stands under it."""
        return self._span.header()

    def watch(self, call: Any) -> None:
        """Tell how this call ends, when it does."""
        task = asyncio.ensure_future(self._watch(call))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _watch(self, call: Any) -> None:
        code = (await call.code()).name
        self._span.tell(rpc__response__status_code=code)
        if code != grpc.StatusCode.OK.name:
            self._span.fail(code)
        self._span.end()
        MADE.record(time.monotonic() - self._started, rpc__method=self._name, rpc__response__status_code=code)
