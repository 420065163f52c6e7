"""What is told of calls, served and made: a span and a duration each, whatever their shape and their end.

Names are those of OpenTelemetry's semantic conventions for RPC. A call that is aborted or cancelled has its own status,
and what a caller did wrong is no error of the server's.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import grpc

from services.runtime import telemetry
from services.runtime.telemetry import Histogram, Kind

_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120)
SERVED = Histogram("rpc.server.call.duration", "s", "How long calls that were served took.", _BOUNDS)
MADE = Histogram("rpc.client.call.duration", "s", "How long calls to other services took.", _BOUNDS)

_OK = "OK"
_FAULTS = frozenset(("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"))
"""The statuses that are a server's own fault."""


class Served:
    """A call that is being served; `ends` says how."""

    def __init__(self) -> None:
        self.code = _OK
        self.reason = ""

    def ends(self, code: int, reason: str) -> None:
        """Take the number of its status, and the reason."""
        self.code, self.reason = _NAMES[code], reason


_NAMES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}


@contextlib.contextmanager
def served(method: str, metadata: Mapping[str, str]) -> Iterator[Served]:
    """Tell of the block as a call of this path (`/package.Service/Method`), within its caller's trace."""
    telemetry.continue_trace(metadata)
    call, name, started = Served(), method[1:], time.monotonic()
    span = telemetry.opened(name, Kind.SERVER, rpc__system__name="grpc", rpc__method=name)
    try:
        with telemetry.within(span):
            yield call
    except asyncio.CancelledError:
        call.code = "CANCELLED"
        raise
    finally:
        span.tell(rpc__response__status_code=call.code)
        if call.reason:
            span.tell(puppet__reason=call.reason)
        if call.code in _FAULTS:
            span.fail(call.code)
        span.end()
        SERVED.record(time.monotonic() - started, rpc__method=name, rpc__response__status_code=call.code)


class Made:
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
        if code != _OK:
            self._span.fail(code)
        self._span.end()
        MADE.record(time.monotonic() - self._started, rpc__method=self._name, rpc__response__status_code=code)
