"""What is told of requests to third parties: a span and a duration each, and nothing of their queries and bodies."""

import contextlib
import time
from collections.abc import Iterator

from services.runtime.telemetry.metrics import Histogram
from services.runtime.telemetry.traces import Kind, span

_BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120)
REQUESTS = Histogram("http.client.request.duration", "s", "How long third parties took to answer.", _BOUNDS)
_NO_SUCCESS = 400


class Request:
    """A request that is under way."""

    def __init__(self) -> None:
        self.status = 0
        """The status of its answer; 0 as long as there is none."""


@contextlib.contextmanager
def request(method: str, host: str, path: str) -> Iterator[Request]:
    """Tell of the block as a request, whose status it sets."""
    sent, started = Request(), time.monotonic()
    attributes = {"http.request.method": method, "server.address": host}
    try:
        with span(f"{method} {host}", Kind.CLIENT, http__request__method=method, server__address=host) as open_span:
            open_span.tell(url__path=path)
            try:
                yield sent
            finally:
                if sent.status:
                    open_span.tell(http__response__status_code=sent.status)
                if sent.status >= _NO_SUCCESS:
                    open_span.fail(str(sent.status))
    finally:
        REQUESTS.record(time.monotonic() - started, **attributes, **{"http.response.status_code": sent.status})
