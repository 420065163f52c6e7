"""What is told of HTTP calls: a span and a duration each, by the names of OpenTelemetry's conventions for HTTP."""

import time

from starlette.requests import Request

from services.runtime import telemetry
from services.runtime.telemetry import Histogram, Kind

_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120)
SERVED = Histogram("http.server.request.duration", "s", "How long HTTP calls that were served took.", _BOUNDS)

_FAULT = 500


class HttpCall:
    """A call that is being served: the current span of its task, until its end is told."""

    __slots__ = ("_route", "_span", "_started", "_verb")

    def __init__(self, request: Request, route: str) -> None:
        """Take a request, whose headers may hold its caller's trace, and the path of its endpoint."""
        self._started, self._verb, self._route = time.monotonic(), request.method, route
        if telemetry.TRACE_KEY in request.headers:
            telemetry.continue_trace({telemetry.TRACE_KEY: request.headers[telemetry.TRACE_KEY]})
        self._span = telemetry.opened(
            f"{self._verb} {route}", Kind.SERVER, http__request__method=self._verb, http__route=route
        )
        telemetry.enter(self._span)

    def tell(self, status: int) -> None:
        """Tell with which status it has ended; of an event stream, how it has begun."""
        self._span.tell(http__response__status_code=status)
        if status >= _FAULT:
            self._span.fail(str(status))
        self._span.end()
        SERVED.record(
            time.monotonic() - self._started,
            http__request__method=self._verb,
            http__route=self._route,
            http__response__status_code=status,
        )
