"""The one table from error class to gRPC status, and the way back for callers.

Every status carries `google.rpc.ErrorInfo`; field errors carry `BadRequest`, limits `RetryInfo` and `QuotaFailure`
(AIP-193). An error that is not in the table is INTERNAL with a fixed text and an error id. A status travels in gRPC's
trailers, and one of more than 8 KiB would arrive as another error: long texts are cut, and long lists end early.
"""

from collections.abc import Sequence

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from services.runtime import errors
from services.runtime.rpc.identity import Unauthenticated

STATUS: dict[type[errors.PuppetError], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.WrongState: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Conflict: grpc.StatusCode.ABORTED,
    errors.Exhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.TooLate: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unimplemented: grpc.StatusCode.UNIMPLEMENTED,
}

# gRPC sends the message twice, once with up to three bytes for one, and the details in base64.
_MESSAGE_BYTES, _VIOLATIONS_BYTES, _FACT_BYTES = 800, 2_000, 400


def code_of(error: errors.PuppetError) -> grpc.StatusCode:
    """Return the status of the nearest class in the error's MRO that the table names."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), grpc.StatusCode.INTERNAL)


def to_status(error: errors.PuppetError, domain: str) -> status_pb2.Status:
    """Return the status with its details; `domain` names the service, for example `memory.puppet`."""
    metadata = {name: _cut(value, _FACT_BYTES) for name, value in error.metadata.items()}
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=domain, metadata=metadata)]
    if isinstance(error, errors.InvalidRequest):
        details.append(_bad_request(error.violations))
    if isinstance(error, errors.RetryLater):
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(error.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if isinstance(error, errors.Exhausted):
        limit = error_details_pb2.QuotaFailure.Violation(
            subject=error.subject, description=_cut(error.message, _FACT_BYTES)
        )
        details.append(error_details_pb2.QuotaFailure(violations=[limit]))
    return _status(code_of(error), _cut(error.message, _MESSAGE_BYTES), details)


def internal_status(error_id: str, domain: str) -> status_pb2.Status:
    """Return the status of a fault that the caller must not see: a fixed text and the id under which it is logged."""
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=domain, metadata={"error_id": error_id})
    return _status(grpc.StatusCode.INTERNAL, f"internal error {error_id}", [info])


def _status(code: grpc.StatusCode, message: str, details: list[Message]) -> status_pb2.Status:
    number: int = code.value[0]
    packed = []
    for detail in details:
        item = any_pb2.Any()
        item.Pack(detail)
        packed.append(item)
    return status_pb2.Status(code=number, message=message, details=packed)


def _bad_request(violations: Sequence[errors.Violation]) -> error_details_pb2.BadRequest:
    bad = error_details_pb2.BadRequest()
    for item in violations:
        field, description = _cut(item.field, _FACT_BYTES), _cut(item.description, _FACT_BYTES)
        bad.field_violations.add(field=field, description=description)
        if bad.ByteSize() > _VIOLATIONS_BYTES:
            break
    return bad


def _cut(text: str, limit: int) -> str:
    """Return a text of at most so many bytes in UTF-8, and a sign that it went on."""
    data = text.encode()
    return text if len(data) <= limit else data[:limit].decode(errors="ignore") + "…"


class Remote:
    """What another service's refusal said: its status code, reason, metadata and when to come back."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code()
        self.message = error.details() or ""
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.retry_after: float | None = None
        self.violations: list[errors.Violation] = []
        status = rpc_status.from_call(error)
        for packed in status.details if status is not None else ():
            self._read(packed)

    def _read(self, packed: any_pb2.Any) -> None:
        info, retry, bad = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo(), error_details_pb2.BadRequest()
        if packed.Unpack(info):
            self.reason, self.metadata = info.reason, dict(info.metadata)
        elif packed.Unpack(retry):
            self.retry_after = retry.retry_delay.ToTimedelta().total_seconds()
        elif packed.Unpack(bad):
            self.violations = [errors.Violation(item.field, item.description) for item in bad.field_violations]

    @property
    def is_transient(self) -> bool:
        """True when the same call may succeed later."""
        return self.code in {
            grpc.StatusCode.UNAVAILABLE,
            grpc.StatusCode.DEADLINE_EXCEEDED,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            grpc.StatusCode.ABORTED,
        }
