"""The envelope that every answer of the API stands in."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response


def success(data: Any, status: int = 200, message: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that says what came of a call."""
    content = {"status": "success", "data": data} | ({"message": message} if message else {})
    return _answer(content, status, headers)


def failure(
    code: str, message: str, details: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that says why a call was refused."""
    error = {"code": code, "message": message, "details": details}
    return _answer({"status": "error", "error": error}, status, headers)


def to_json(content: Any) -> str:
    """Return JSON without blanks; a number that JSON doesn't have is an error."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def now() -> str:
    """Return the time in RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(content: Mapping[str, Any], status: int, headers: Mapping[str, str] | None) -> Response:
    body = to_json({**content, "timestamp": now()}).encode(errors="replace")
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")
