"""What a process tells of itself: the shape of traces and metrics, and silence by default."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.runtime import logs, telemetry
from services.runtime.errors import NotFound
from services.runtime.telemetry import Counter, Gauge, Histogram, Kind
from services.runtime.telemetry.sdk import collecting

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

COUNTER = Counter("test.things", "{thing}", "Things.")
HISTOGRAM = Histogram("test.duration", "s", "Seconds.", (1.0, 2.0))
GAUGE = Gauge("test.depth", "{thing}", "Depth.")


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    with collecting("test", [SimpleSpanProcessor(exporter)], []):
        yield exporter


@pytest.fixture
def reader() -> Iterator[InMemoryMetricReader]:
    found = InMemoryMetricReader()
    with collecting("test", [], [found]):
        yield found


def of(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def points_of(reader: InMemoryMetricReader, name: str) -> Sequence[Any]:
    data = reader.get_metrics_data()
    assert data is not None
    found = [
        metric
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
    ]
    return [point for metric in found for point in metric.data.data_points]


async def test_by_default_nobody_hears_and_logs_and_calls_have_their_trace_all_the_same() -> None:
    assert not telemetry.is_exported()
    telemetry.continue_trace({telemetry.TRACE_KEY: CALLER})
    with telemetry.span("work", puppet__agent__id="wren") as span:
        span.tell(more=1)
        assert logs.trace_id.get() == "0af7651916cd43dd8448eb211c80319c"
        assert telemetry.trace_parent().startswith("00-0af7651916cd43dd8448eb211c80319c-")
    COUNTER.add()


async def test_what_is_done_for_a_caller_stands_in_its_trace(spans: InMemorySpanExporter) -> None:
    async def serve() -> str:
        telemetry.continue_trace({telemetry.TRACE_KEY: CALLER})
        with telemetry.span("outer", Kind.SERVER), telemetry.span("inner", puppet__agent__id="wren"):
            return telemetry.trace_parent()

    header = await asyncio.create_task(serve())
    outer, inner = of(spans)["outer"], of(spans)["inner"]
    assert outer.parent is not None
    assert inner.parent is not None
    assert f"{outer.parent.span_id:016x}" == "b7ad6b7169203331"
    assert inner.parent.span_id == outer.context.span_id
    assert header == f"00-0af7651916cd43dd8448eb211c80319c-{inner.context.span_id:016x}-01"
    assert dict(inner.attributes or {}) == {"puppet.agent.id": "wren"}


@pytest.mark.parametrize("header", ["", "nonsense", "00-zz-11-01", f"{CALLER}-more"])
async def test_without_a_trace_that_can_be_read_one_begins(spans: InMemorySpanExporter, header: str) -> None:
    async def serve() -> None:
        telemetry.continue_trace({telemetry.TRACE_KEY: header})
        with telemetry.span("work"):
            pass

    await asyncio.create_task(serve())
    assert of(spans)["work"].parent is None
    assert f"{of(spans)['work'].context.trace_id:032x}" != "0af7651916cd43dd8448eb211c80319c"


async def test_what_is_done_again_under_the_same_name_stands_in_the_same_trace(spans: InMemorySpanExporter) -> None:
    async def work() -> None:
        telemetry.begin_trace("post/wren/1")
        with telemetry.span("work"):
            pass

    for _ in range(2):
        await asyncio.create_task(work())
    first, second = spans.get_finished_spans()
    assert first.context.trace_id == second.context.trace_id
    assert (first.parent, second.parent) == (None, None)
    assert first.context.span_id != second.context.span_id


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotFound("a secret was here"), NotFound.reason),
        (ValueError("a secret was here"), "ValueError"),
        (asyncio.CancelledError(), "CANCELLED"),
    ],
)
def test_a_failure_is_told_by_its_code_and_not_by_its_words(
    spans: InMemorySpanExporter, error: BaseException, reason: str
) -> None:
    with contextlib.suppress(BaseException), telemetry.span("work"):
        raise error
    [span] = spans.get_finished_spans()
    assert not span.status.is_ok
    assert span.status.description == reason
    assert dict(span.attributes or {}) == {"error.type": reason}
    assert span.events == ()


def test_a_span_that_is_held_is_not_the_current_one(spans: InMemorySpanExporter) -> None:
    held = telemetry.opened("held")
    with telemetry.span("beside"):
        pass
    held.end()
    assert of(spans)["beside"].parent is None


def test_numbers_are_told_with_their_labels(reader: InMemoryMetricReader) -> None:
    COUNTER.add(2, kind="a")
    COUNTER.add(kind="a")
    HISTOGRAM.record(1.5, rpc__method="m")
    with HISTOGRAM.time(rpc__method="m"):
        pass
    GAUGE.set(7)
    GAUGE.set(4)
    [counted] = points_of(reader, "test.things")
    assert (counted.value, dict(counted.attributes)) == (3, {"kind": "a"})
    [measured] = points_of(reader, "test.duration")
    assert list(measured.bucket_counts) == [1, 1, 0]
    assert dict(measured.attributes) == {"rpc.method": "m"}
    [depth] = points_of(reader, "test.depth")
    assert depth.value == 4


def test_an_instrument_that_is_declared_later_is_told_as_well(reader: InMemoryMetricReader) -> None:
    late = Counter("test.late", "{thing}", "Later.")
    late.add()
    assert [point.value for point in points_of(reader, "test.late")] == [1]
