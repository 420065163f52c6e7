"""`GET /openapi.json`: the API in OpenAPI 3.1, from the contracts of the services."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.routes.health import suite_version
from services.gateway.transcoding.endpoint import Endpoint
from services.gateway.transcoding.openapi import ENVELOPE, FAILURE_SCHEMA, operation
from services.gateway.transcoding.schema import Schemas
from services.gateway.web.envelope import to_json
from services.gateway.web.sessions import COOKIE


def documented(endpoints: Sequence[Endpoint]) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with the description of these endpoints, which is made when it is asked for first."""
    made: list[bytes] = []

    async def handle(_request: Request) -> Response:
        if not made:
            made.append(to_json(describe(endpoints)).encode())
        return Response(made[0], media_type="application/json")

    return handle


def describe(endpoints: Sequence[Endpoint]) -> dict[str, object]:
    """Return the OpenAPI description of these endpoints."""
    schemas = Schemas()
    paths: dict[str, dict[str, object]] = {}
    for endpoint in endpoints:
        tag = endpoint.path.split("/")[1]
        verb = endpoint.verb.lower()
        operation_id = f"{verb}{endpoint.path}".replace("/", "_").replace("{", "").replace("}", "")
        paths.setdefault(endpoint.path, {})[verb] = {
            "tags": [tag],
            "summary": endpoint.summary,
            "operationId": operation_id,
            **operation(endpoint, schemas),
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Puppet Engine", "version": suite_version()},
        "paths": paths,
        "components": {
            "schemas": {"Envelope": ENVELOPE, "Failure": FAILURE_SCHEMA, **schemas.components},
            "responses": {
                "Failure": {
                    "description": "Refused.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
                }
            },
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }
