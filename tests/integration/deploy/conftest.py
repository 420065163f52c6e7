"""A server that answers in one way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

import pytest

HttpServer = Callable[[HTTPStatus], Awaitable[tuple[int, list[bytes]]]]


@pytest.fixture
async def http_server() -> AsyncIterator[HttpServer]:
    """Return what serves one answer; the value is the port, and the requests that have come."""
    servers: list[asyncio.Server] = []

    async def serve(status: HTTPStatus) -> tuple[int, list[bytes]]:
        requests: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            writer.close()

        servers.append(await asyncio.start_server(answer, "127.0.0.1", 0))
        return servers[-1].sockets[0].getsockname()[1], requests

    yield serve
    for server in servers:
        server.close()
