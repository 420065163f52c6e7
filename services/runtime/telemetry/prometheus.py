"""Metrics as Prometheus text, at `/metrics` of a port of their own."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import make_wsgi_app

from services.runtime.settings import ServiceSettings, SettingsError

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


@contextlib.contextmanager
def showing(settings: ServiceSettings) -> Iterator[int]:
    """Show the metrics of this process until the block ends; the value is the port. Raises SettingsError."""
    app = make_wsgi_app()

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if settings.is_local and environ.get("HTTP_HOST", "").rpartition(":")[0] not in _LOOPBACK:
            # A page that has had its name rebound to this machine.
            start_response("421 Misdirected Request", [("Content-Type", "text/plain")])
            return [b"this port is for programs of this machine\n"]
        if environ.get("PATH_INFO") != "/metrics":
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"metrics are at /metrics\n"]
        shown: Iterable[bytes] = app(environ, start_response)
        return shown

    try:
        server = make_server(settings.host, settings.metrics_port, answer, handler_class=_Silent)
    except OSError as error:
        name = f"{settings.model_config.get('env_prefix', '')}METRICS_PORT"
        raise SettingsError(f"{name} can't be listened on: {error.strerror or error}") from None
    with server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Silent(WSGIRequestHandler):
    """Says nothing of who asked, and waits for no caller for long."""

    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass
