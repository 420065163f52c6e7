"""Passes OpenAI calls on to the engine and streams the answers back as they come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

_PASSED_BACK = ("content-type", "content-length")
_CLIENT_CLOSED_REQUEST = 499


class EngineProxy:
    """Forwards the four OpenAI routes to the engine while it is connected."""

    _client: httpx2.AsyncClient

    @asynccontextmanager
    async def connected(self, socket: str) -> AsyncIterator[None]:
        """Reach the engine at this Unix socket until the block ends."""
        # No limits here: the caller's own timeout ends a call, and the engine queues what its slots can't hold.
        limits = httpx2.Limits(max_connections=None)
        transport = httpx2.AsyncHTTPTransport(uds=socket, limits=limits, verify=False, trust_env=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://engine", timeout=None) as self._client:
            yield

    def routes(self) -> list[Route]:
        """Return the OpenAI routes that the sandbox serves."""
        posts = ("/v1/completions", "/v1/chat/completions", "/v1/embeddings")
        return [
            Route("/v1/models", self._forward, methods=["GET"]),
            *(Route(path, self._forward, methods=["POST"]) for path in posts),
        ]

    async def _forward(self, request: Request) -> Response:
        onward = self._client.build_request(
            request.method,
            request.url.path,
            content=await request.body(),
            headers={"content-type": "application/json", "accept-encoding": "identity"},
        )
        try:
            answer = await self._send_while_wanted(request, onward)
        except httpx2.TransportError as error:
            return _unreachable(error)
        if answer is None:
            return Response(status_code=_CLIENT_CLOSED_REQUEST)
        return StreamingResponse(
            _chunks(answer),
            answer.status_code,
            {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers},
        )

    async def _send_while_wanted(self, request: Request, onward: httpx2.Request) -> httpx2.Response | None:
        # The engine works until its answer is complete or its caller is gone. A call that nobody waits for any more
        # would keep every core busy, so it is cut off here.
        sending = asyncio.ensure_future(self._client.send(onward, stream=True))
        leaving = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return sending.result() if sending.done() else None
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.wait({sending, leaving})


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _chunks(answer: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


def _unreachable(error: httpx2.TransportError) -> JSONResponse:
    problem = {"message": f"The engine does not answer: {error}", "type": "server_error", "code": 502}
    return JSONResponse({"error": problem}, 502)
