"""What OpenAPI says of an endpoint, from its contract."""

from typing import Any

from services.gateway.transcoding.descriptors import field_at, limits_of, message_of
from services.gateway.transcoding.endpoint import Endpoint
from services.gateway.transcoding.schema import Schemas

FAILURE = {"$ref": "#/components/responses/Failure"}
SECURITY: list[dict[str, list[str]]] = [{"token": []}, {"cookie": []}]

ENVELOPE: dict[str, Any] = {
    "type": "object",
    "required": ["status", "timestamp"],
    "properties": {
        "status": {"const": "success"},
        "message": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
    },
}
FAILURE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["status", "error", "timestamp"],
    "properties": {
        "status": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["code", "message", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "details": {"type": "object"},
            },
        },
        "timestamp": {"type": "string", "format": "date-time"},
    },
}

_HEADERS = {
    "request_id": ("Idempotency-Key", "Names the effect: the same key and body happen once."),
    "etag": ("If-Match", "The etag that must be the current one, or several of which one must be; `*` is any."),
}


def operation(endpoint: Endpoint, sent: Schemas, answered: Schemas) -> dict[str, Any]:
    """Return the OpenAPI operation of an endpoint, but for its summary and id."""
    kind = endpoint.request
    taken = {place for name in endpoint.parameters for place in endpoint.places(name)} | set(endpoint.owned)
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(endpoint, name, sent)}
        for name in endpoint.parameters
    ]
    for name, (header, description) in _HEADERS.items():
        path = endpoint.etag if name == "etag" else name
        if path and path.split(".")[0] in kind.fields_by_name:
            schema: dict[str, Any] = {"type": "string"}
            if name == "request_id" and (limit := limits_of(field_at(kind, path)).max_length):
                schema["maxLength"] = limit
            parameters.append({"name": header, "in": "header", "description": description, "schema": schema})
    described: dict[str, Any] = {}
    hidden = frozenset(taken | {"request_id", "etag", "update_mask"})
    if endpoint.body is None:
        parameters.extend(
            {"name": field.name, "in": "query", "required": limits_of(field).required, "schema": sent.field(field)}
            for field in kind.fields
            if field.name not in hidden
        )
    else:
        described["requestBody"] = _body(endpoint, sent, hidden)
    described["parameters"] = parameters
    described["responses"] = {
        str(endpoint.status): {
            "description": "Done.",
            "content": {"application/json": {"schema": _answer(endpoint, answered)}},
        },
        "default": FAILURE,
    }
    if "waiting" in endpoint.method.output_type.fields_by_name:
        described["responses"]["202"] = {**described["responses"]["200"], "description": "It goes on."}
    described["security"] = SECURITY
    return described


def _path_schema(endpoint: Endpoint, name: str, schemas: Schemas) -> dict[str, Any]:
    if name in endpoint.owned_by:
        return {"type": "string", "minLength": 1, "maxLength": 64}
    schema = schemas.single(field_at(endpoint.request, endpoint.places(name)[0]))
    return schema | ({"minLength": 1} if schema["type"] == "string" else {})


def _body(endpoint: Endpoint, schemas: Schemas, hidden: frozenset[str]) -> dict[str, Any]:
    kind = endpoint.body_kind
    if kind is None:
        raise ValueError(endpoint.path)
    # What the path says, or a header, needs no body.
    said = {place.removeprefix(f"{endpoint.body}.") for place in hidden}
    if kind.full_name.startswith("google.protobuf."):
        # A persona's own schema is at `/personas/schema`.
        names: dict[str, Any] = {name: {"type": "string", "minLength": 1} for name in ("id", "name")}
        schema = {"type": "object", "properties": names, "required": [name for name in names if name not in said]}
    else:
        inner = {path.split(".", 1)[1] for path in hidden if path.startswith(f"{endpoint.body}.")}
        schema = schemas.object_of(kind, frozenset(inner) if endpoint.body else hidden)
        if endpoint.mask:
            schema.pop("required", None)
    own = [it for it in kind.fields if it.name not in said]
    is_required = bool(endpoint.mask or schema.get("required")) or any(limits_of(it).required for it in own)
    return {"required": is_required, "content": {"application/json": {"schema": schema}}}


def _answer(endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    kind = endpoint.method.output_type
    data = schemas.of(message_of(kind.fields_by_name[endpoint.data])) if endpoint.data else schemas.of(kind)
    return {"allOf": [{"$ref": "#/components/schemas/Envelope"}, {"properties": {"data": data}}]}
