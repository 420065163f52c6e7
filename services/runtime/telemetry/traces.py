"""Traces: one for each action of a character or call, through every service that it reaches.

A trace travels as W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/). Its id stands in the logs, whether
or not spans are exported; what a span costs is an exporter's, and without one next to nothing.
"""

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Protocol

from services.runtime import logs
from services.runtime.errors import PuppetError

TRACE_KEY = "traceparent"
"""The key of the metadata that carries a trace."""

Value = str | bool | int | float


class Kind(Enum):
    """Which side of a call a span is."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"


class Span(Protocol):
    """A stretch of work. Attributes are named by OpenTelemetry's semantic conventions, or `puppet.*`."""

    def tell(self, **attributes: Value) -> None:
        """Add what is known by now; in the names `__` stands for a dot."""
        ...

    def fail(self, reason: str) -> None:
        """Say why the work failed: a code, and nothing that anybody wrote."""
        ...

    def header(self) -> str:
        """Return what a call within the span carries."""
        ...

    def end(self) -> None:
        """End it now."""
        ...


class Tracer(Protocol):
    """Makes spans that are exported."""

    def start(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> Span:
        """Start a span within the current one."""
        ...

    def entered(self, span: Span) -> contextlib.AbstractContextManager[Any]:
        """Let a span be the current one within the block."""
        ...

    def enter(self, span: Span) -> None:
        """Let a span be the current one for the rest of this task."""
        ...

    def continue_trace(self, trace_parent: str) -> None:
        """Let the spans of this task stand under a caller's; an empty header begins a trace with the id of the logs."""
        ...

    def header(self) -> str:
        """Return what a call within the current span carries; empty when there is none."""
        ...


class _NoSpan:
    """A span that nobody hears of."""

    def tell(self, **attributes: Value) -> None:
        pass

    def fail(self, reason: str) -> None:
        pass

    def header(self) -> str:
        return trace_parent()

    def end(self) -> None:
        pass


_UNTOLD = _NoSpan()
_tracer: Tracer | None = None


def export_by(tracer: Tracer | None) -> None:
    """Hand the spans of this process to a tracer from now on; None: to nobody."""
    global _tracer
    _tracer = tracer


def is_exported() -> bool:
    """Tell whether spans are handed to anybody."""
    return _tracer is not None


def continue_trace(metadata: Mapping[str, str]) -> None:
    """Let what this task logs, calls and does belong to the caller's trace, or to a new one."""
    header = metadata.get(TRACE_KEY, "")
    parts = header.split("-")
    is_valid = len(parts) == 4 and len(parts[1]) == 32
    logs.trace_id.set(parts[1] if is_valid else secrets.token_hex(16))
    if _tracer is not None:
        _tracer.continue_trace(header if is_valid else "")


def begin_trace(name: str) -> None:
    """Let what this task logs, calls and does belong to a trace of its own, the same whenever the name is."""
    logs.trace_id.set(hashlib.blake2b(name.encode(), digest_size=16).hexdigest())
    if _tracer is not None:
        _tracer.continue_trace("")


def trace_parent() -> str:
    """Return the header of a call that belongs to this task's trace; empty without one: who is called begins it."""
    if _tracer is not None and (header := _tracer.header()):
        return header
    trace_id = logs.trace_id.get()
    return f"00-{trace_id}-{secrets.token_hex(8)}-01" if trace_id else ""


@contextlib.contextmanager
def span(name: str, kind: Kind = Kind.INTERNAL, **attributes: Value) -> Iterator[Span]:
    """Tell of the block as a span within the current one; an error that leaves it is its failure."""
    if _tracer is None:
        yield _UNTOLD
        return
    started = _tracer.start(name, kind, _dotted(attributes))
    try:
        with _tracer.entered(started):
            yield started
    except BaseException as error:
        started.fail(reason_of(error))
        raise
    finally:
        started.end()


def opened(name: str, kind: Kind = Kind.INTERNAL, **attributes: Value) -> Span:
    """Start a span within the current one, which whoever holds it ends; it isn't the current one of this task."""
    return _UNTOLD if _tracer is None else _tracer.start(name, kind, _dotted(attributes))


def enter(span: Span) -> None:
    """Let a span that was opened be the current one for the rest of this task."""
    if _tracer is not None and span is not _UNTOLD:
        _tracer.enter(span)


def _dotted(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name.replace("__", "."): value for name, value in attributes.items()}


def reason_of(error: BaseException) -> str:
    """Return an error's code, and nothing that anybody wrote."""
    if isinstance(error, PuppetError):
        return error.reason
    return "CANCELLED" if isinstance(error, asyncio.CancelledError) else type(error).__name__
