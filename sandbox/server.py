"""The one way in which a sandbox server is put together and run."""

import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan, Receive, Scope, Send

from sandbox import data_folder
from sandbox.faults import HANG_UP, FaultBoard, FaultMiddleware, RouteNamer, name_by_path
from sandbox.guard import Guard
from sandbox.settings import SandboxSettings

_MAX_WEBSOCKET_BYTES = 100_000

S = TypeVar("S", bound=SandboxSettings)


class _SandboxApp(Starlette):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # ASGI has no word for dropping a connection, so it comes from the object whose method uvicorn passes as send.
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:
            scope[HANG_UP] = transport.abort
        await super().__call__(scope, receive, send)


def build_app(
    settings: SandboxSettings,
    routes: Sequence[BaseRoute],
    board: FaultBoard,
    lifespan: Lifespan[Starlette] | None = None,
    name: RouteNamer = name_by_path,
) -> Starlette:
    """Return an application with these routes, the fault switches, and `GET /_sandbox/health`, behind the guard."""
    token = settings.admin_token.get_secret_value() or data_folder.admin_token(settings.data_dir)

    async def health(_request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return _SandboxApp(
        routes=[Route("/_sandbox/health", health), *board.routes(), *routes],
        middleware=[
            Middleware(Guard, token=token, hosts=settings.allowed_hosts),
            Middleware(FaultMiddleware, board=board, name=name),
        ],
        lifespan=lifespan,
    )


def serve(build: Callable[[S], Starlette], settings: S, *, speaks_websocket: bool = False) -> None:
    """Build an application and serve it until SIGTERM or SIGINT; calls under way have one second to finish."""
    try:
        data_folder.prepare(settings.data_dir)
    except OSError as error:
        prefix = settings.model_config.get("env_prefix", "")
        sys.exit(f"{prefix}DATA_DIR: {settings.data_dir} can't be used as the data folder: {error.strerror}")
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
        ws="websockets-sansio" if speaks_websocket else "none",
        ws_max_size=_MAX_WEBSOCKET_BYTES,
        timeout_graceful_shutdown=1,
    )
