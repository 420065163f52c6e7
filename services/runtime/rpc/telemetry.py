"""The trace that a call belongs to, as it travels: W3C Trace Context, level 1 (https://www.w3.org/TR/trace-context/)."""

import secrets
from collections.abc import Mapping

from services.runtime import logs

TRACE_KEY = "traceparent"
"""The key of the metadata that carries a trace."""


def continue_trace(metadata: Mapping[str, str]) -> None:
    """Let what this task logs and calls belong to the caller's trace, or to a new one."""
    parts = metadata.get(TRACE_KEY, "").split("-")
    logs.trace_id.set(parts[1] if len(parts) == 4 and len(parts[1]) == 32 else _new_trace())


def begin_trace() -> None:
    """Let what this task logs and calls belong to a trace of its own."""
    logs.trace_id.set(_new_trace())


def trace_parent() -> str:
    """Return the header of a call that belongs to this task's trace, or begins one."""
    return f"00-{logs.trace_id.get() or _new_trace()}-{secrets.token_hex(8)}-01"


def _new_trace() -> str:
    return secrets.token_hex(16)
