"""`GET /openapi.json`: the API in OpenAPI 3.1, from the contracts of the services."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from services.gateway.transcoding.endpoint import Endpoint
from services.gateway.transcoding.openapi import ENVELOPE, FAILURE, FAILURE_SCHEMA, SECURITY, operation
from services.gateway.transcoding.schema import Schemas
from services.gateway.web.envelope import to_json
from services.gateway.web.sessions import COOKIE
from services.runtime.version import suite_version

_TEXT: dict[str, Any] = {"type": "string"}
_OBJECT: dict[str, Any] = {"type": "object"}
_AGENT = {"name": "agent_id", "in": "path", "required": True, "schema": _TEXT | {"minLength": 1, "maxLength": 64}}
_STATE: dict[str, Any] = {"enum": ["healthy", "degraded"]}
_UPTIME: dict[str, Any] = {"status": _STATE, "uptime": {"type": "number"}, "version": _TEXT}
_COMPONENTS: dict[str, Any] = {"type": "object", "additionalProperties": _STATE}


def documented(endpoints: Sequence[Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with the description of these endpoints, which is made when it is asked for first."""
    made: list[bytes] = []

    async def handle(_request: Request) -> Response:
        if not made:
            made.append(to_json(describe(endpoints)).encode())
        return Response(made[0], media_type="application/json")

    return handle


def describe(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI description of these endpoints, and of those that are no single RPC."""
    sent, answered = Schemas(is_sent=True), Schemas(is_sent=False)
    paths: dict[str, dict[str, Any]] = {}
    for verb, path, described in _own(sent, answered):
        paths.setdefault(path, {})[verb] = described
    for endpoint in endpoints:
        described = {"summary": endpoint.summary, **operation(endpoint, sent, answered)}
        paths.setdefault(endpoint.path, {})[endpoint.verb.lower()] = described
    for path, verbs in paths.items():
        for verb, described in verbs.items():
            named = f"{verb}{path}".replace("/", "_").replace("{", "").replace("}", "")
            described |= {"tags": [path.split("/")[1]], "operationId": named}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Puppet Engine", "version": suite_version()},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {"Envelope": ENVELOPE, "Failure": FAILURE_SCHEMA, **sent.components, **answered.components},
            "responses": {
                "Failure": {
                    "description": "Refused.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
                }
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": f"{COOKIE}_8080"},
            },
        },
    }


def _own(sent: Schemas, answered: Schemas) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the operations that are more, or less, than one RPC."""
    agent = answered.of(agents_pb.Agent.DESCRIPTOR)
    activities = agents_pb.ListActivityRequest.DESCRIPTOR.fields_by_name
    stream = _operation("Streams what characters do, as server-sent events.", _TEXT, media_type="text/event-stream")
    stream["parameters"] = [
        {"name": "agent_ids", "in": "query", "schema": sent.field(activities["agent_ids"])},
        {"name": "kinds", "in": "query", "schema": sent.field(activities["kinds"])},
        {"name": "after_cursor", "in": "query", "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"}},
        {"name": "Last-Event-ID", "in": "header", "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"}},
    ]
    session = {
        "principal": _TEXT,
        "kind": {"enum": ["operator", "reader", "client"]},
        "agents": {"type": ["array", "null"], "items": _TEXT, "description": "Null stands for all."},
        "may_write": {"type": "boolean"},
        "expires_at": {"type": "string", "format": "date-time"},
    }
    stats = {
        "agent_id": _TEXT,
        "wallet_id": _TEXT,
        "statistics": _OBJECT,
        "recent_trades": {"type": "array", "items": answered.of(trading_pb.Trade.DESCRIPTOR)},
    }
    status = {"system": _fields(_UPTIME), "components": _COMPONENTS, "agents": _nullable(), "trading": _nullable()}
    link = _fields({"link": _TEXT | {"minLength": 1}})
    return [
        (
            "get",
            "/health",
            _operation(
                "Says of each service whether it answers.", _fields(_UPTIME | {"components": _COMPONENTS}), is_open=True
            ),
        ),
        ("get", "/status", _operation("Counts characters and wallets; null is what isn't known.", _fields(status))),
        ("get", "/stream", stream),
        ("get", "/session", _operation("Says who calls.", _fields(session))),
        (
            "post",
            "/session",
            _operation("Exchanges a sign-in link for a cookie.", _fields(session), body=link, status=201, is_open=True),
        ),
        ("delete", "/session", _operation("Signs out.", _OBJECT)),
        ("get", "/personas/schema", _operation("Returns the JSON Schema of persona files.", _OBJECT)),
        (
            "put",
            "/agents/{agent_id}/config",
            {
                **_operation("Changes a part of a persona (JSON Merge Patch).", agent, body=_OBJECT),
                "parameters": [_AGENT],
            },
        ),
        (
            "get",
            "/trading/{agent_id}/stats",
            {
                **_operation("Says what was won and lost, with the latest trades.", _fields(stats)),
                "parameters": [_AGENT],
            },
        ),
    ]


def _operation(
    summary: str,
    data: dict[str, Any],
    *,
    body: dict[str, Any] | None = None,
    status: int = 200,
    is_open: bool = False,
    media_type: str = "application/json",
) -> dict[str, Any]:
    schema = data
    if media_type == "application/json":
        schema = {"allOf": [{"$ref": "#/components/schemas/Envelope"}, {"properties": {"data": data}}]}
    described: dict[str, Any] = {
        "summary": summary,
        "responses": {
            str(status): {"description": "Done.", "content": {media_type: {"schema": schema}}},
            "default": FAILURE,
        },
        "security": [] if is_open else SECURITY,
    }
    if body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return described


def _fields(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _nullable() -> dict[str, Any]:
    return {"type": ["object", "null"]}
