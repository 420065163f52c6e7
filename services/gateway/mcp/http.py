"""MCP over HTTP (Streamable HTTP without sessions of its own): `POST /mcp`, each request with its caller's rights."""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.backend import Backend
from services.gateway.web.refusals import of_gateway
from services.runtime.errors import PuppetError

PATH = "/mcp"


class McpEndpoint:
    """An ASGI application that loads the protocol with the first request, since it takes 40 MB and a second."""

    def __init__(self, backend: Backend, version: str) -> None:
        self._backend = backend
        self._version = version
        self._loading = asyncio.Lock()
        self._app: ASGIApp | None = None
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request in the place of whoever sent it."""
        request = Request(scope)
        if request.method != "POST":
            # There is no session that could be listened to, or ended.
            await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
            return
        try:
            async with self._backend.calling(request):
                app = await self._loaded()
                await app(scope, receive, send)
        except PuppetError as error:
            await of_gateway(request, error)(scope, receive, send)

    async def close(self) -> None:
        """End it; what is still under way is cancelled."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _loaded(self) -> ASGIApp:
        async with self._loading:
            if self._app is None:
                started: asyncio.Future[ASGIApp] = asyncio.get_running_loop().create_future()
                self._running = asyncio.create_task(self._run(started), name="mcp")
                self._app = await started
            return self._app

    async def _run(self, started: "asyncio.Future[ASGIApp]") -> None:
        try:
            async with self._serving() as app:
                started.set_result(app)
                await asyncio.Event().wait()
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncIterator[ASGIApp]:
        module = await asyncio.to_thread(importlib.import_module, "services.gateway.mcp.server")
        server = module.build(self._backend.stubs, self._version)
        # The gateway itself looks at the host and the origin of every request, and at how large it is.
        server.streamable_http_app(json_response=True, stateless_http=True)
        async with server.session_manager.run():
            yield server.session_manager.handle_request
