"""The one way in which a sandbox server is put together and run."""

from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan, Receive, Scope, Send

from sandbox.faults import HANG_UP, FaultBoard, FaultMiddleware, RouteNamer, name_by_path
from sandbox.settings import SandboxSettings


class _SandboxApp(Starlette):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # ASGI has no word for dropping a connection, so it comes from the object whose method uvicorn passes as send.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:
            scope[HANG_UP] = transport.abort
        await super().__call__(scope, receive, send)


def build_app(
    routes: Sequence[BaseRoute],
    board: FaultBoard,
    lifespan: Lifespan[Starlette] | None = None,
    name: RouteNamer = name_by_path,
) -> Starlette:
    """Return an application with these routes, the fault switches, and `GET /_sandbox/health`."""

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return _SandboxApp(
        routes=[Route("/_sandbox/health", health), *board.routes(), *routes],
        middleware=[Middleware(FaultMiddleware, board=board, name=name)],
        lifespan=lifespan,
    )


def serve(app: Starlette, settings: SandboxSettings) -> None:
    """Serve until SIGTERM or SIGINT; calls under way have one second to finish."""
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
