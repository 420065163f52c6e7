"""Puts the application together: the endpoints, the page, and what stands before and behind them."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

import grpc
from fastapi import FastAPI
from google.protobuf.message import Message
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from services.gateway.backend import Backend
from services.gateway.mcp.http import PATH as MCP_PATH
from services.gateway.mcp.http import McpEndpoint
from services.gateway.routes import accounts, agents, budgets, drafts, events, memory, trading
from services.gateway.routes.config import change_config
from services.gateway.routes.documentation import documented
from services.gateway.routes.health import Health
from services.gateway.routes.personas import Personas
from services.gateway.routes.sessions import SessionRoutes
from services.gateway.routes.stats import show_stats
from services.gateway.routes.stream import Streams
from services.gateway.transcoding.endpoint import Endpoint, quoted
from services.gateway.web.conditions import is_known
from services.gateway.web.envelope import success
from services.gateway.web.errors import Gone
from services.gateway.web.guard import Guard, own_hosts
from services.gateway.web.instrumentation import HttpCall
from services.gateway.web.page import Page
from services.gateway.web.refusals import of_fault, of_gateway, of_http, of_service
from services.runtime.errors import Conflict, PuppetError, RequestIdReused
from services.runtime.rpc.status import Remote
from services.runtime.version import suite_version

ENDPOINTS: Sequence[Endpoint] = (
    *agents.ENDPOINTS,
    *memory.ENDPOINTS,
    *trading.ENDPOINTS,
    *events.ENDPOINTS,
    *drafts.ENDPOINTS,
    *accounts.ENDPOINTS,
    *budgets.ENDPOINTS,
)

_CLIENT_CLOSED = 499
_SAFE = "GET"

Handler = Callable[[Request], Awaitable[Response]]


def build_app(backend: Backend, mcp: McpEndpoint) -> FastAPI:
    """Return the application over these services."""
    settings = backend.settings
    app = FastAPI(
        title="Puppet Engine",
        version=suite_version(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(
                Guard,
                hosts=own_hosts(settings.host, settings.allowed_hosts),
                origins=settings.cors_origins,
                most_bytes=settings.max_body_bytes,
            )
        ],
    )
    app.add_exception_handler(HTTPException, lambda request, error: of_http(error, _verbs(app, request, error)))
    health, session, streams = Health(backend), SessionRoutes(backend), Streams(backend)
    own: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "/health", health.health),
        ("GET", "/status", health.status),
        ("GET", "/stream", streams.stream),
        ("GET", "/session", session.get),
        ("POST", "/session", session.create),
        ("DELETE", "/session", session.delete),
        ("GET", "/personas/schema", Personas(backend).schema),
        ("PUT", "/agents/{agent_id}/config", change_config(backend)),
        ("GET", "/trading/{agent_id}/stats", show_stats(backend)),
        ("GET", "/openapi.json", documented(ENDPOINTS)),
        *((endpoint.verb, endpoint.path, _handler(endpoint, backend)) for endpoint in ENDPOINTS),
        *(("GET", path, handler) for path, handler in Page().routes()),
    )
    for verb, path, handler in own:
        app.add_api_route(path, _told(path, handler), methods=["GET", "HEAD"] if verb == "GET" else [verb])
    app.router.routes.append(Route(MCP_PATH, endpoint=mcp))
    return app


def _verbs(app: FastAPI, request: Request, error: HTTPException) -> set[str]:
    """Return which methods a path knows that was asked by another one; each of them is a route of its own."""
    if error.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
        return set()
    routes = [route for route in app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return {verb for route in routes for verb in getattr(route, "methods", None) or ()}


def _handler(endpoint: Endpoint, backend: Backend) -> Handler:
    async def handle(request: Request) -> Response:
        async with backend.calling(request):
            message = await endpoint.read(request, backend)
            answer = await _called(endpoint, backend, request, message)
        data = endpoint.written(answer)
        headers = {"ETag": quoted(data["etag"])} if data.get("etag") else {}
        if endpoint.verb == _SAFE and headers and is_known(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return success(data, endpoint.status_of(answer), headers=headers)

    return handle


async def _called(endpoint: Endpoint, backend: Backend, request: Request, message: Message) -> Any:
    """Ask the service, with one after the other of the etags that are as good; one that doesn't fit changes nothing."""
    others = endpoint.otherwise(message, request)
    while others:
        try:
            return await backend.call(request, endpoint.stub, endpoint.rpc, message)
        except grpc.aio.AioRpcError as error:
            # A repeated request that was done with a later one of them is known by that one only.
            if Remote(error).reason not in (Conflict.reason, RequestIdReused.reason):
                raise
            message = others.pop(0)
    return await backend.call(request, endpoint.stub, endpoint.rpc, message)


def _told(path: str, handler: Handler) -> Handler:
    """Answer for whatever a handler raises, and tell how each call ends."""

    async def handle(request: Request) -> Response:
        call = HttpCall(request, path)
        response = Response(status_code=_CLIENT_CLOSED)
        try:
            response = await _answered(handler, request)
        finally:
            call.tell(response.status_code)
        return response

    return handle


async def _answered(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except PuppetError as error:
        return of_gateway(request, error)
    except grpc.aio.AioRpcError as error:
        return of_service(request, error)
    except Gone:
        return Response(status_code=_CLIENT_CLOSED)
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller must not see it
        return of_fault(request, error)
