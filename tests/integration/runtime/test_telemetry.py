"""What is told of calls, whatever their shape and end, and where it goes."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from services.runtime import errors, telemetry
from services.runtime.rpc.instrumentation import SERVED
from services.runtime.settings import ServiceSettings, SettingsError
from services.runtime.telemetry.collector import Collector
from services.runtime.telemetry.collector import Spans as SpansOut
from services.runtime.telemetry.exporting import exporting
from services.runtime.telemetry.sdk import collecting as collecting_spans
from tests.integration.runtime.conftest import NAME, SHAPES, Caller, Echo
from tests.support.collector import collecting
from tests.support.waits import WAIT_SECONDS

HELLO = StringValue(value="hello").SerializeToString()


class Spans(SpanProcessor):
    """Takes spans as they end: a server may end one after the caller has its answer."""

    def __init__(self) -> None:
        self._ended: asyncio.Queue[ReadableSpan] = asyncio.Queue()

    def on_end(self, span: ReadableSpan) -> None:
        self._ended.put_nowait(span)

    async def only(self) -> ReadableSpan:
        """Return the only one."""
        async with asyncio.timeout(WAIT_SECONDS):
            span = await self._ended.get()
        assert self._ended.empty()
        return span


@pytest.fixture
def spans() -> Iterator[Spans]:
    processor = Spans()
    with collecting_spans("test", [processor], []):
        yield processor


def told(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


@pytest.mark.parametrize("method", list(SHAPES))
async def test_a_call_of_every_shape_is_a_span(caller: Caller, spans: Spans, method: str) -> None:
    await caller.call(method, HELLO)
    span = await spans.only()
    assert (span.name, span.kind.name) == (f"{NAME}/{method}", "SERVER")
    assert told(span)["rpc.response.status_code"] == "OK"
    assert span.status.status_code.name == "UNSET"


@pytest.mark.parametrize("method", list(SHAPES))
async def test_what_a_caller_did_wrong_is_no_error_of_the_server(
    caller: Caller, echo: Echo, spans: Spans, method: str
) -> None:
    def act(text: str) -> str:
        raise errors.NotFound("hidden words")

    echo.act = act
    with pytest.raises(grpc.aio.AioRpcError):
        await caller.call(method, HELLO, timeout=WAIT_SECONDS)
    span = await spans.only()
    assert told(span)["rpc.response.status_code"] == "NOT_FOUND"
    assert told(span)["puppet.reason"] == errors.NotFound.reason
    assert span.status.status_code.name == "UNSET"
    assert "hidden words" not in span.to_json()


async def test_a_call_that_fails_or_is_late_is_an_error(caller: Caller, echo: Echo, spans: Spans) -> None:
    def act(text: str) -> str:
        raise RuntimeError("hidden words")

    echo.act = act
    with pytest.raises(grpc.aio.AioRpcError):
        await caller.call("One", HELLO, timeout=WAIT_SECONDS)
    span = await spans.only()
    assert (told(span)["rpc.response.status_code"], span.status.description) == ("INTERNAL", "INTERNAL")
    assert "hidden words" not in span.to_json()


async def test_a_call_that_its_caller_leaves_is_cancelled(caller: Caller, echo: Echo, spans: Spans) -> None:
    begun = asyncio.Event()

    async def act() -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    echo.act = lambda _text: act()
    call = asyncio.create_task(caller.call("One", HELLO, timeout=WAIT_SECONDS))
    await begun.wait()
    call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await call
    span = await spans.only()
    assert told(span)["rpc.response.status_code"] == "CANCELLED"


async def test_an_rpc_that_there_isnt_gives_no_span_a_name(caller: Caller, spans: Spans) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await caller.call("AnythingAtAll", HELLO, timeout=WAIT_SECONDS)
    span = await spans.only()
    assert (span.name, told(span)["rpc.response.status_code"]) == ("other", "UNIMPLEMENTED")


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


async def fetched(port: int, request: str) -> tuple[int, str]:
    """Send a request as it is, and return the status and what came behind the head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.closing(writer):
        writer.write(request.encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    return int(head.split(" ")[1]), body


async def test_metrics_are_shown_as_prometheus_text(tmp_path: Path, free_port: int) -> None:
    async with exporting("test", ServiceSettings(data_dir=tmp_path, metrics_port=free_port)):
        SERVED.record(0.004, rpc__method="A/B", rpc__response__status_code="OK")
        status, text = await fetched(free_port, f"GET /metrics HTTP/1.1\r\nHost: localhost:{free_port}\r\n\r\n")
    assert status == 200
    assert 'rpc_server_call_duration_seconds_bucket{le="0.005"' in text
    assert 'rpc_method="A/B"' in text
    assert not telemetry.is_exported()


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET /metrics HTTP/1.1\r\nHost: rebound.example:80\r\n\r\n", 421),
        ("GET /metrics HTTP/1.1\r\n\r\n", 421),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", 403),
        ("GET /anything HTTP/1.1\r\nHost: [::1]:1\r\n\r\n", 404),
        ("POST /metrics HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 405),
        ("nonsense\r\nHost: localhost\r\n\r\n", 400),
        (f"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: {'x' * 9_000}\r\n\r\n", 421),
    ],
)
async def test_metrics_are_for_programs_of_this_machine(
    tmp_path: Path, free_port: int, request_text: str, status: int
) -> None:
    async with exporting("test", ServiceSettings(data_dir=tmp_path, metrics_port=free_port)):
        assert (await fetched(free_port, request_text))[0] == status


async def test_who_holds_connections_to_the_metrics_holds_up_nobody(tmp_path: Path, free_port: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(exporting("test", ServiceSettings(data_dir=tmp_path, metrics_port=free_port)))
        held = [await asyncio.open_connection("127.0.0.1", free_port) for _ in range(10)]
        for _, writer in held:
            writer.write(b"GET /metrics HTTP/1.1\r\n")
        request = f"GET /metrics HTTP/1.1\r\nHost: localhost:{free_port}\r\n\r\n"
        assert (await fetched(free_port, request))[0] == 200
        # The end waits for none of them: they are still open.
        async with asyncio.timeout(3):
            await stack.aclose()
        for _, writer in held:
            writer.close()


async def test_a_port_that_is_taken_is_told_by_its_setting_and_number(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"METRICS_PORT: port {port} "):
            async with exporting("test", ServiceSettings(data_dir=tmp_path, metrics_port=port)):
                pass


async def test_traces_and_metrics_are_sent_to_a_collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting() as collector:
        settings = ServiceSettings(data_dir=tmp_path, telemetry_endpoint=collector.endpoint)
        async with exporting("test", settings):
            with telemetry.span("work"):
                SERVED.record(0.1, rpc__method="A/B")
        [[(service, span)]] = collector.traces_with("work")
        assert (service, span.name) == ("test", "work")
        assert "rpc.server.call.duration" in collector.metrics["test"]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        async with exporting("everybody", ServiceSettings(data_dir=tmp_path)):
            with telemetry.span("more"):
                pass
        assert len(collector.traces_with("more")) == 1


async def test_a_collector_that_isnt_there_holds_nothing_up(tmp_path: Path, free_port: int) -> None:
    settings = ServiceSettings(data_dir=tmp_path, telemetry_endpoint=f"http://127.0.0.1:{free_port}")
    async with exporting("test", settings):
        with telemetry.span("work"):
            pass


async def test_a_collector_that_takes_nothing_is_told_of_once_and_once_when_it_does_again(
    free_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    caplog.set_level("INFO")
    with contextlib.closing(Collector("http://it:4317")) as watched:
        missing = SpansOut(f"http://127.0.0.1:{free_port}", watched)
        for _ in range(3):
            await asyncio.to_thread(missing.export, ())
        [line] = caplog.records
        assert (line.levelname, line.message) == (
            "WARNING",
            "the collector takes no telemetry; what is not taken is lost",
        )
        assert "UNAVAILABLE" in vars(line)["why"]
        caplog.clear()
        async with collecting() as there:
            for exporter in (SpansOut(there.endpoint, watched), SpansOut(there.endpoint, watched)):
                await asyncio.to_thread(exporter.export, ())
                await asyncio.to_thread(exporter.shutdown)
        assert [line.message for line in caplog.records] == ["the collector takes telemetry again"]
        missing.shutdown()
