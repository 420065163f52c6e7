"""What is said of a collector that doesn't take what is sent to it: once, then seldom, and once when it does again."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from typing_extensions import override

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 3_600.0
_LIBRARY = logging.getLogger("opentelemetry.exporter.otlp.proto.grpc.exporter")


class Collector(logging.Filter):
    """Whether the collector takes what a process sends, by all of its exporters; their library says it each time."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._failing_since: float | None = None
        self._told_at = 0.0
        self._words = ""
        # Before the library's own filter, which drops what was said within the minute, whoever said it.
        _LIBRARY.filters.insert(0, self)

    def close(self) -> None:
        """Let the library speak for itself again."""
        _LIBRARY.removeFilter(self)

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Keep what the library says for the line of ours."""
        self._words = record.getMessage()
        return False

    def take(self, *, is_taken: bool) -> None:
        """Say so when it has changed, or has been so for long, whether the collector takes what is sent."""
        now = time.monotonic()
        with self._lock:
            since, told = self._failing_since, {"endpoint": self._endpoint}
            if is_taken:
                self._failing_since = None
                if since is not None:
                    log.info("the collector takes telemetry again", extra=told | {"seconds": round(now - since)})
            elif since is None or now - self._told_at >= _AGAIN_SECONDS:
                self._failing_since, self._told_at = now if since is None else since, now
                log.warning(
                    "the collector takes no telemetry; what is not taken is lost", extra=told | {"why": self._words}
                )


class Spans(OTLPSpanExporter):
    """Sends spans to a collector."""

    def __init__(self, endpoint: str, collector: Collector) -> None:
        super().__init__(endpoint=endpoint)
        self._collector = collector

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send some, and note whether they were taken."""
        result = super().export(spans)
        self._collector.take(is_taken=result is SpanExportResult.SUCCESS)
        return result


class Metrics(OTLPMetricExporter):
    """Sends metrics to a collector."""

    def __init__(self, endpoint: str, collector: Collector) -> None:
        super().__init__(endpoint=endpoint)
        self._collector = collector

    @override
    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        """Send some, and note whether they were taken."""
        result = super().export(metrics_data, timeout_millis, **kwargs)
        self._collector.take(is_taken=result is MetricExportResult.SUCCESS)
        return result
