"""The probe of the images, against what it asks."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is what the probe is written in")

Status = health_pb2.HealthCheckResponse


async def _probe(*arguments: str) -> bool:
    process = await asyncio.create_subprocess_exec("bash", str(ROOT / "deploy" / "probe.sh"), *arguments)
    return await process.wait() == 0


@pytest.mark.parametrize(
    ("status", "is_well"), [(Status.SERVING, True), (Status.NOT_SERVING, False), (Status.UNKNOWN, False), (None, False)]
)
async def test_a_service_is_well_when_it_says_that_it_serves(status: int | None, is_well: bool) -> None:
    server, checks = grpc.aio.server(), health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    if status is not None:
        await checks.set("", status)
    else:
        await checks.enter_graceful_shutdown()
    assert await _probe("grpc", str(port)) is is_well
    await server.stop(None)


@pytest.mark.parametrize(("answer", "is_well"), [(HTTPStatus.OK, True), (HTTPStatus.SERVICE_UNAVAILABLE, False)])
async def test_a_sandbox_is_well_when_it_answers_so(
    answer: HTTPStatus, is_well: bool, http_server: Callable[[HTTPStatus], Awaitable[tuple[int, list[bytes]]]]
) -> None:
    port, requests = await http_server(answer)
    assert await _probe("http", str(port), "/_sandbox/health") is is_well
    assert requests[0].startswith(f"GET /_sandbox/health HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n".encode())


@pytest.mark.parametrize("kind", [("grpc",), ("http", "/")])
async def test_where_nothing_listens_nothing_is_well(kind: tuple[str, ...]) -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert not await _probe(kind[0], str(port), *kind[1:])
