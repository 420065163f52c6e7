"""The sandbox's HTTP server: JSON-RPC at `/`, by WebSocket too, Jupiter under `/jupiter`, Birdeye under `/birdeye`."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.faults import FaultBoard, name_by_path
from sandbox.server import build_app
from sandbox.solana import birdeye, jupiter, jupiter_tokens, rpc, subscriptions
from sandbox.solana.chain import AT_ONCE
from sandbox.solana.node import Node, World
from sandbox.solana.settings import SolanaSandboxSettings
from sandbox.solana.tokens import TOKENS


def create_app(settings: SolanaSandboxSettings, now: Callable[[], float] = time.time) -> Starlette:
    """Return the application; the chain is opened when it starts and closed when it stops."""
    board = FaultBoard()
    node = Node(settings, board, now)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await node.start()
        try:
            yield
        finally:
            await node.stop()

    routes = [
        Route("/", _json_rpc(node), methods=["POST"]),
        subscriptions.route(node, settings.slot_seconds),
        Route("/_sandbox/tokens", _tokens(node), methods=["GET"]),
        *jupiter.routes(node),
        *jupiter_tokens.routes(node),
        *birdeye.routes(node),
    ]
    return build_app(settings, routes, board, lifespan, _route_name)


def _json_rpc(node: Node) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            calls, is_batch = rpc.read(await request.body())
        except rpc.UnreadableError as error:
            return JSONResponse(error.answer)
        answers = [await _answer(node, call) for call in calls]
        return JSONResponse(answers if is_batch else answers[0])

    return endpoint


async def _answer(node: Node, call: rpc.Call) -> dict[str, Any]:
    delivery = node.delivery(call.method) if call.method in rpc.DELIVERIES else AT_ONCE
    return await node.run(lambda world: rpc.answer(world.chain, call, delivery))


def _tokens(node: Node) -> Callable[[Request], Any]:
    def listed(world: World) -> list[dict[str, Any]]:
        now = world.chain.clock.now()
        return [
            {
                "mint": str(token.mint),
                "symbol": token.symbol,
                "name": token.name,
                "decimals": token.decimals,
                "verified": token.verified,
                "suspicious": token.suspicious,
                "liquidityUsd": token.liquidity,
                "priceUsd": world.market.price(token, now),
            }
            for token in TOKENS
        ]

    async def endpoint(_request: Request) -> Response:
        return JSONResponse(await node.run(listed))

    return endpoint


def _route_name(method: str, path: str, body: bytes) -> str:
    """Name a JSON-RPC call by its method, and any other call by its path."""
    return rpc.name_of(body) if method == "POST" and path == "/" else name_by_path(method, path, body)
