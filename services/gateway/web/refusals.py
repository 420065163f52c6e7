"""Answers for what is refused: by this process, or by a service that it has asked."""

import logging
import math
import secrets
from collections.abc import Collection
from typing import Any

import grpc
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.web.envelope import failure
from services.gateway.web.statuses import SYSTEM_ERROR, code_for, status_of
from services.runtime.errors import InvalidRequest, PuppetError, RetryLater, Violation
from services.runtime.rpc.status import Remote

log = logging.getLogger(__name__)

IF_MATCH, IDEMPOTENCY_KEY = "if-match", "idempotency-key"

_CODES_BY_STATUS = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def of_service(request: Request, error: grpc.aio.AioRpcError) -> Response:
    """Answer for a service that has refused a call, or didn't answer."""
    remote = Remote(error)
    details: dict[str, Any] = {"reason": remote.reason or remote.code.name}
    if remote.metadata:
        details["metadata"] = remote.metadata
    message = remote.message
    if not remote.reason and remote.code is grpc.StatusCode.UNAVAILABLE:
        # What gRPC says of a connection names addresses, and nothing that a caller could do.
        message = "a service that this needs doesn't answer"
    retry_after = remote.retry_after
    if retry_after is None and remote.code is grpc.StatusCode.UNAVAILABLE:
        retry_after = 1.0
    return _refusal(
        request,
        status_of(remote, is_conditional=IF_MATCH in request.headers),
        code_for(remote.reason),
        message,
        details,
        remote.violations,
        retry_after,
    )


def of_gateway(request: Request, error: PuppetError) -> Response:
    """Answer for what this process refuses by itself."""
    violations = error.violations if isinstance(error, InvalidRequest) else ()
    retry_after = error.retry_after if isinstance(error, RetryLater) else None
    details: dict[str, Any] = {"reason": error.reason}
    if error.metadata:
        details["metadata"] = error.metadata
    return _refusal(request, status_of(error), code_for(error.reason), error.message, details, violations, retry_after)


def of_http(error: HTTPException, verbs: Collection[str] = ()) -> Response:
    """Answer for a path that there isn't, or a method that isn't among the path's verbs."""
    code = _CODES_BY_STATUS.get(error.status_code, "INVALID_REQUEST")
    if verbs:
        allowed = ", ".join(sorted(verbs))
        return failure(code, f"this path knows {allowed}", {"reason": code}, error.status_code, {"Allow": allowed})
    message = "there is no such path: `/docs.html` lists them" if code == "NOT_FOUND" else str(error.detail)
    return failure(code, message, {"reason": code}, error.status_code, error.headers)


def of_fault(request: Request, error: Exception) -> Response:
    """Answer for a fault of this process: a fixed text, and the id under which it is logged."""
    error_id = secrets.token_hex(8)
    log.error(
        "call failed", extra={"method": f"{request.method} {request.url.path}", "error_id": error_id}, exc_info=error
    )
    details = {"reason": "INTERNAL", "metadata": {"error_id": error_id}}
    return failure(SYSTEM_ERROR, f"internal error {error_id}", details, 500)


def _refusal(
    request: Request,
    status: int,
    code: str,
    message: str,
    details: dict[str, Any],
    violations: Any = (),
    retry_after: float | None = None,
) -> Response:
    headers: dict[str, str] = {}
    if violations:
        found = [_as_given(request, item) for item in violations]
        details["violations"] = [{"field": item.field, "description": item.description} for item in found]
        message = "; ".join(f"{item.field}: {item.description}" for item in found)
        if code == "INVALID_REQUEST" and all(item.field.startswith("persona") for item in violations):
            code = "INVALID_CONFIGURATION"
    if retry_after is not None:
        details["retry_after_seconds"] = retry_after
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="puppet"'
    if status == 415:
        headers["Accept-Encoding"] = "identity"
    return failure(code, message, details, status, headers)


def _as_given(request: Request, violation: Violation) -> Violation:
    """Name a header where that is what the field was filled from."""
    if violation.field == "request_id" and IDEMPOTENCY_KEY in request.headers:
        return Violation("Idempotency-Key", violation.description)
    return violation
