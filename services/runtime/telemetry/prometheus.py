"""Metrics as Prometheus text, at `/metrics` of a port of their own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.runtime.settings import ProgramSettings, SettingsError

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_SECONDS, _MAX_BYTES, _MAX_AT_ONCE = 5.0, 8_192, 16
"""How long a caller has for its request and for taking the answer, how long its head may be, how many there may be."""

_TEXT = "text/plain; charset=utf-8"


@contextlib.asynccontextmanager
async def showing(settings: ProgramSettings) -> AsyncIterator[int]:
    """Show the metrics of this process until the block ends; the value is the port. Raises SettingsError."""
    turns = asyncio.Semaphore(_MAX_AT_ONCE)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
            if turns.locked():
                return
            async with turns, asyncio.timeout(_SECONDS):
                try:
                    head = await reader.readuntil(b"\r\n\r\n")
                except asyncio.LimitOverrunError:
                    head = b""
                status, kind, body = _answered(head.decode("latin-1"), is_local=settings.is_local)
                sent = (
                    f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
                )
                writer.write(sent.encode() + b"\r\n" + body)
                await writer.drain()

    try:
        server = await asyncio.start_server(answer, settings.host, settings.metrics_port, limit=_MAX_BYTES)
    except OSError as error:
        name = settings.variable("metrics_port")
        raise SettingsError(f"{name}: port {settings.metrics_port} can't be listened on: {error.strerror}") from None
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        # Callers that are there are left to their own time: nobody waits for them.
        server.close()


def _answered(head: str, *, is_local: bool) -> tuple[str, str, bytes]:
    """Return the status, the kind and the body of the answer to a request with this head."""
    first, *lines = head.split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    host = headers.get("host", "")
    if is_local and (host if host.endswith("]") else host.rpartition(":")[0] or host) not in _LOOPBACK:
        # A page that has had its name rebound to this machine.
        return "421 Misdirected Request", _TEXT, b"this port is for programs of this machine\n"
    if is_local and "origin" in headers:
        return "403 Forbidden", _TEXT, b"this port is not for web pages\n"
    match first.split(" "):
        case ["GET", "/metrics", _]:
            return "200 OK", CONTENT_TYPE_LATEST, generate_latest()
        case ["GET", _, _]:
            return "404 Not Found", _TEXT, b"metrics are at /metrics\n"
        case [_, _, _]:
            return "405 Method Not Allowed", _TEXT, b"metrics are read by GET\n"
    return "400 Bad Request", _TEXT, b"this is no request\n"
