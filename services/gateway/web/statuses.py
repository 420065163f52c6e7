"""The one table from gRPC statuses to HTTP's, and from the services' reasons to the codes of the envelope."""

import grpc

from services.gateway.web.errors import BodyTooLarge, UnknownHost, UnsupportedEncoding
from services.runtime.errors import PuppetError
from services.runtime.rpc.status import Remote, code_of

_CODE = grpc.StatusCode

HTTP_STATUS: dict[grpc.StatusCode, int] = {
    _CODE.OK: 200,
    _CODE.CANCELLED: 499,
    _CODE.UNKNOWN: 502,
    _CODE.INVALID_ARGUMENT: 400,
    _CODE.DEADLINE_EXCEEDED: 504,
    _CODE.NOT_FOUND: 404,
    _CODE.ALREADY_EXISTS: 409,
    _CODE.PERMISSION_DENIED: 403,
    _CODE.RESOURCE_EXHAUSTED: 429,
    _CODE.FAILED_PRECONDITION: 409,
    _CODE.ABORTED: 409,
    _CODE.OUT_OF_RANGE: 400,
    _CODE.UNIMPLEMENTED: 501,
    _CODE.INTERNAL: 500,
    _CODE.UNAVAILABLE: 503,
    _CODE.DATA_LOSS: 500,
    _CODE.UNAUTHENTICATED: 401,
}

OWN_STATUS: dict[type[PuppetError], int] = {UnknownHost: 421, BodyTooLarge: 413, UnsupportedEncoding: 415}
"""Of what the gateway refuses, where HTTP knows a better word than a gRPC status has."""

SYSTEM_ERROR = "SYSTEM_ERROR"

CODES: dict[str, str] = {
    "TRADING_HALTED": "TRADING_DISABLED",
    "NETWORK_RATE_LIMITED": "API_RATE_LIMIT",
    "CHAIN_RATE_LIMITED": "API_RATE_LIMIT",
    "PROVIDER_RATE_LIMITED": "API_RATE_LIMIT",
    "UNAVAILABLE": SYSTEM_ERROR,
    "DEPENDENCY_UNAVAILABLE": SYSTEM_ERROR,
    "DEADLINE_EXCEEDED": SYSTEM_ERROR,
    "UNIMPLEMENTED": SYSTEM_ERROR,
    "INTERNAL": SYSTEM_ERROR,
    "": SYSTEM_ERROR,
}
"""The codes that clients of the API know, by the reasons that mean the same; any other reason is its own code."""

_PRECONDITION_FAILED = 412


def status_of(error: PuppetError | Remote, *, is_conditional: bool = False) -> int:
    """Return the HTTP status of a refusal; one by an etag is another one where the request had `If-Match`."""
    if isinstance(error, PuppetError) and (own := OWN_STATUS.get(type(error))):
        return own
    code = error.code if isinstance(error, Remote) else code_of(error)
    if code is _CODE.ABORTED and is_conditional:
        return _PRECONDITION_FAILED
    return HTTP_STATUS[code]


def code_for(reason: str) -> str:
    """Return the code in the envelope for a service's reason."""
    return CODES.get(reason, reason)
