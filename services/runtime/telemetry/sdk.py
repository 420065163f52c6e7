"""Spans and metrics by OpenTelemetry's SDK: sent by OTLP over gRPC, or shown as Prometheus text."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import metrics as api
from opentelemetry import trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.runtime import logs
from services.runtime.ids import new_id
from services.runtime.settings import ProgramSettings
from services.runtime.telemetry import metrics, traces
from services.runtime.telemetry.collector import Collector, Metrics, Spans
from services.runtime.telemetry.metrics import Counter, Gauge, Histogram, Instrument, Sink
from services.runtime.telemetry.prometheus import showing
from services.runtime.telemetry.traces import TRACE_KEY, Kind, Span, Value

_KINDS = {Kind.INTERNAL: SpanKind.INTERNAL, Kind.SERVER: SpanKind.SERVER, Kind.CLIENT: SpanKind.CLIENT}
_PROPAGATOR = TraceContextTextMapPropagator()
_LAST_WORDS_MILLIS = 2_000
"""How long the end of a process waits for a collector."""


@contextlib.asynccontextmanager
async def exported(name: str, settings: ProgramSettings, endpoint: str) -> AsyncIterator[None]:
    """Send everything to `endpoint`, when there is one, and show metrics on the port of the settings, if any."""
    processors: list[SpanProcessor] = []
    readers: list[MetricReader] = []
    async with contextlib.AsyncExitStack() as stack:
        if endpoint:
            collector = stack.enter_context(contextlib.closing(Collector(endpoint)))
            processors.append(BatchSpanProcessor(Spans(endpoint, collector)))
            readers.append(PeriodicExportingMetricReader(Metrics(endpoint, collector)))
        if settings.metrics_port:
            readers.append(PrometheusMetricReader())
        if settings.metrics_port:
            await stack.enter_async_context(showing(settings))
        collected = stack.enter_context(contextlib.ExitStack())
        collected.enter_context(collecting(name, processors, readers))
        try:
            yield
        finally:
            # It waits for the collector, and calls may still be answered meanwhile.
            await asyncio.to_thread(collected.close)


@contextlib.contextmanager
def collecting(name: str, processors: list[SpanProcessor], readers: list[MetricReader]) -> Iterator[None]:
    """Let everything that this process tells go to these until the block ends."""
    resource = Resource.create(
        {
            "service.namespace": "puppet",
            "service.name": name,
            "service.instance.id": new_id(name),
            "service.version": version("puppet-engine"),
        }
    )
    tracers = TracerProvider(resource=resource, id_generator=_IdsOfLogs(), shutdown_on_exit=False)
    for processor in processors:
        tracers.add_span_processor(processor)
    meters = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
    traces.export_by(_Tracer(tracers.get_tracer("puppet")) if processors else None)
    metrics.export_by(_Meter(meters.get_meter("puppet")))
    try:
        yield
    finally:
        traces.export_by(None)
        metrics.export_by(None)
        tracers.force_flush(_LAST_WORDS_MILLIS)
        tracers.shutdown()
        meters.shutdown(_LAST_WORDS_MILLIS)


class _IdsOfLogs(RandomIdGenerator):
    """A trace has the id that stands in the logs."""

    def generate_trace_id(self) -> int:
        known = logs.trace_id.get()
        return int(known, 16) if known else int(super().generate_trace_id())


class _Exported:
    """A span that is exported."""

    def __init__(self, span: trace.Span) -> None:
        self.span = span

    def tell(self, **attributes: Value) -> None:
        self.span.set_attributes({name.replace("__", "."): value for name, value in attributes.items()})

    def fail(self, reason: str) -> None:
        self.span.set_attribute("error.type", reason)
        self.span.set_status(Status(StatusCode.ERROR, reason))

    def header(self) -> str:
        return _header(trace.set_span_in_context(self.span))

    def end(self) -> None:
        self.span.end()


class _Tracer:
    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    def start(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> Span:
        return _Exported(self._tracer.start_span(name, kind=_KINDS[kind], attributes=dict(attributes)))

    def entered(self, span: Span) -> contextlib.AbstractContextManager[Any]:
        assert isinstance(span, _Exported)  # noqa: S101 - `start` makes no others
        return trace.use_span(span.span, record_exception=False, set_status_on_exception=False)

    def enter(self, span: Span) -> None:
        assert isinstance(span, _Exported)  # noqa: S101 - `start` makes no others
        contexts.attach(trace.set_span_in_context(span.span))

    def continue_trace(self, trace_parent: str) -> None:
        # A task's own context: nothing has to be put back.
        contexts.attach(_PROPAGATOR.extract({TRACE_KEY: trace_parent}, contexts.Context()))

    def header(self) -> str:
        return _header(contexts.get_current())


def _header(context: contexts.Context) -> str:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context)
    return carrier.get(TRACE_KEY, "")


class _Meter:
    def __init__(self, meter: api.Meter) -> None:
        self._meter = meter

    def sink(self, instrument: Instrument) -> Sink:
        attributes = {"unit": instrument.unit, "description": instrument.description}
        match instrument:
            case Histogram():
                bounds = instrument.bounds
                return self._meter.create_histogram(
                    instrument.name, explicit_bucket_boundaries_advisory=bounds, **attributes
                ).record
            case Gauge():
                return self._meter.create_gauge(instrument.name, **attributes).set
            case Counter():
                return self._meter.create_counter(instrument.name, **attributes).add
            case _:
                raise TypeError(f"{type(instrument).__name__} is no known kind of instrument")
