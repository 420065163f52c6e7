"""A collector of traces and metrics: what OTLP's exporters send over gRPC, kept in memory."""

import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Collector:
    """What was sent: spans by the id of their trace, each with its service, and the names of metrics by service."""

    endpoint: str = ""
    traces: defaultdict[str, list[tuple[str, Span]]] = field(default_factory=lambda: defaultdict(list))
    metrics: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def traces_with(self, name: str) -> list[list[tuple[str, Span]]]:
        """Return the traces in which a span bears this name."""
        return [spans for spans in self.traces.values() if any(span.name == name for _, span in spans)]


@contextlib.asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Listen on a free port of this machine until the block ends."""
    collector, server = Collector(), grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Traces(collector), server)  # type: ignore[no-untyped-call]  # generated
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(collector), server)  # type: ignore[no-untyped-call]  # generated
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(None)


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(self, request: trace_service_pb2.ExportTraceServiceRequest, context: Any) -> Any:  # noqa: N802 - gRPC's name
        for sent in request.resource_spans:
            for span in (span for scope in sent.scope_spans for span in scope.spans):
                self._collector.traces[span.trace_id.hex()].append((_service(sent.resource), span))
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(self, request: metrics_service_pb2.ExportMetricsServiceRequest, context: Any) -> Any:  # noqa: N802 - gRPC's name
        for sent in request.resource_metrics:
            names = {metric.name for scope in sent.scope_metrics for metric in scope.metrics}
            self._collector.metrics[_service(sent.resource)] |= names
        return metrics_service_pb2.ExportMetricsServiceResponse()


def _service(resource: Resource) -> str:
    return next(item.value.string_value for item in resource.attributes if item.key == "service.name")
