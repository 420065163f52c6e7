"""Logs as one JSON object a line, with the trace and the agent of the call that they belong to."""

import asyncio
import contextvars
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

trace_id: contextvars.ContextVar[str] = contextvars.ContextVar("trace_id", default="")
"""The W3C trace id of the call that is being served, 32 hex digits; empty outside of a call."""

_VALUE, _LINE = 2_000, 16_000
"""How many characters a value and a whole line may have."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Renders a record, its `extra` fields and the trace id; what is long is cut, whatever somebody sent us."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": _cut(record.getMessage()),
        }
        if trace := trace_id.get():
            line["trace_id"] = trace
        line |= {key: _short(value) for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = _ends(self.formatException(record.exc_info))
        written = json.dumps(line, ensure_ascii=False)
        # Many values, each short enough: what tells one line from another is at its beginning.
        return written if len(written) <= _LINE else json.dumps({"cut": written[: _LINE // 2]}, ensure_ascii=False)


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return _cut(value if isinstance(value, str) else str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}… ({len(text):,} characters)"


def _ends(text: str) -> str:
    """Return the beginning and the end of a traceback, which say where it was and what it was."""
    half = _LINE // 4
    return text if len(text) <= 2 * half else f"{text[:half]}\n…\n{text[-half:]}"


def configure(service: str, level: str) -> None:
    """Send every log of this process to standard error; libraries that log secrets or chatter are held at WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # tweepy logs credentials at DEBUG; the others log every request.
    for name in ("tweepy", "httpx", "httpx2", "httpcore", "httpcore2", "openai", "oauthlib", "aiosqlite", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # grpc reports each call that a draining server cuts off as an unhandled exception.
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_cancellation)


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    return not (record.exc_info and record.exc_info[0] is asyncio.CancelledError)
