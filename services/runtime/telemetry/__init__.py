"""What a process tells of itself while it works: traces, and metrics. Nothing leaves it unless it is exported."""

from services.runtime.telemetry import metrics, traces
from services.runtime.telemetry.http import request
from services.runtime.telemetry.metrics import Counter, Gauge, Histogram
from services.runtime.telemetry.traces import (
    TRACE_KEY,
    Kind,
    Span,
    begin_trace,
    continue_trace,
    enter,
    opened,
    reason_of,
    span,
    trace_parent,
)


def is_exported() -> bool:
    """Tell whether anybody hears of this process."""
    return traces.is_exported() or metrics.is_exported()


__all__ = [
    "TRACE_KEY",
    "Counter",
    "Gauge",
    "Histogram",
    "Kind",
    "Span",
    "begin_trace",
    "continue_trace",
    "enter",
    "is_exported",
    "opened",
    "reason_of",
    "request",
    "span",
    "trace_parent",
]
