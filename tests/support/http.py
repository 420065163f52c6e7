"""HTTP applications that really listen, on a free loopback port."""

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from uvicorn.config import HTTPProtocolType

ADMIN_TOKEN = SecretStr("the sandbox's own")
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN.get_secret_value()}"}
"""The header that opens the routes below `/_sandbox` of a sandbox whose `admin_token` is `ADMIN_TOKEN`."""
JSON = {"Content-Type": "application/json"}
"""What a body needs that is handed over as bytes."""


@contextlib.asynccontextmanager
async def listening(
    app: Starlette, http: HTTPProtocolType = "auto", *, log_level: str = "error", at_once: bool = False
) -> AsyncIterator[str]:
    """Serve an application, and give its base URL; with `at_once` its end doesn't wait for calls under way."""
    with _listener() as sock:
        config = uvicorn.Config(app, http=http, log_level=log_level, access_log=False)
        config.load()
        server = uvicorn.Server(config)
        # Not serve(): it notices only every tenth of a second that it should stop.
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[sock])
        try:
            yield _url(sock)
        finally:
            server.force_exit = at_once
            await server.shutdown(sockets=[sock])


@contextlib.contextmanager
def listening_in_a_thread(app: Starlette) -> Iterator[str]:
    """Serve an application to tests that each have an event loop of their own, and give its base URL."""
    with _listener() as sock:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="sandbox")
        thread.start()
        try:
            # The listener's backlog holds the first call until the application has started.
            yield _url(sock)
        finally:
            server.should_exit = True
            thread.join()


def _listener() -> socket.socket:
    # asyncio switches Nagle's delay of 40 ms off only for sockets that name their protocol.
    sock = socket.socket(proto=socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


def _url(sock: socket.socket) -> str:
    return f"http://127.0.0.1:{sock.getsockname()[1]}"


def free_port() -> int:
    """Return a loopback port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
