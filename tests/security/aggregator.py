"""A hostile aggregator and a node that can be watched: both speak as the real ones do, in front of the sandbox's chain.

What isn't spoiled is passed on to the sandbox: prices, tokens, and every call of the node. The chain itself is honest.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.http import listening

Query = dict[str, str]
Answer = Callable[[Query], Awaitable[dict[str, Any]]]


async def nothing() -> None:
    """Do nothing."""


@dataclass
class Aggregator:
    """What is answered in place of the honest aggregator; without an answer it has no such API."""

    url: str = ""
    order: Answer | None = None
    build: Answer | None = None
    execute: Answer | None = None
    prices: dict[str, float] = field(default_factory=dict)
    """US dollars for whole tokens, beside those that the sandbox knows; None for one takes its price away."""
    taken_prices: set[str] = field(default_factory=set)
    before_landing: Callable[[], Awaitable[None]] = nothing
    """Done once, after a transaction was signed and before it reaches the chain."""
    refuse_next: str = ""
    """The method of the node that is refused the next time it is called."""
    slots_behind: int = 0
    """How far the node that is asked is behind the chain, by its own words."""
    asked: list[str] = field(default_factory=list)
    """The methods of the node, as they were called."""
    sent: list[str] = field(default_factory=list)
    """The transactions that went to the node, in base64."""

    @property
    def rpc_url(self) -> str:
        """Where the node is."""
        return f"{self.url}/rpc"


@contextlib.asynccontextmanager
async def serving_aggregator(sandbox: httpx2.AsyncClient) -> AsyncIterator[Aggregator]:
    """Serve an aggregator at `url`, and a node at `rpc_url`."""
    aggregator = Aggregator()
    routes = [
        Route("/swap/v2/order", _answering(aggregator, "order")),
        Route("/swap/v2/build", _answering(aggregator, "build")),
        Route("/swap/v2/execute", _answering(aggregator, "execute"), methods=["POST"]),
        Route("/price/v3", _prices(aggregator, sandbox)),
        Route("/rpc", _rpc(aggregator, sandbox), methods=["POST"]),
    ]
    async with listening(Starlette(routes=routes)) as url:
        aggregator.url = url
        yield aggregator


Endpoint = Callable[[Request], Awaitable[Response]]


def _answering(aggregator: Aggregator, name: str) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        answer: Answer | None = getattr(aggregator, name)
        if answer is None:
            return JSONResponse({"error": "not found"}, status_code=404)
        query = {**request.query_params, **(json.loads(await request.body()) if name == "execute" else {})}
        return JSONResponse(await answer(query))

    return endpoint


def _prices(aggregator: Aggregator, sandbox: httpx2.AsyncClient) -> Endpoint:
    async def prices(request: Request) -> Response:
        found = (await sandbox.get("/jupiter/price/v3", params=dict(request.query_params))).json()
        for mint in request.query_params["ids"].split(","):
            if mint in aggregator.prices:
                found[mint] = {"usdPrice": aggregator.prices[mint], "decimals": 6}
            if mint in aggregator.taken_prices:
                found.pop(mint, None)
        return JSONResponse(found)

    return prices


def _rpc(aggregator: Aggregator, sandbox: httpx2.AsyncClient) -> Endpoint:
    async def rpc(request: Request) -> Response:
        body = await request.body()
        if aggregator.refuse_next and f'"{aggregator.refuse_next}"'.encode() in body:
            aggregator.refuse_next = ""
            return Response(status_code=503)
        if b'"sendTransaction"' in body:
            before, aggregator.before_landing = aggregator.before_landing, nothing
            await before()
            call = json.loads(body)
            aggregator.sent.append(call["params"][0])
            # Whoever makes the next block needs no preflight.
            call["params"][1]["skipPreflight"] = True
            body = json.dumps(call).encode()
        aggregator.asked.append(json.loads(body)["method"])
        answer = await sandbox.post("/", content=body, headers={"content-type": "application/json"})
        told = answer.json()
        if isinstance(told.get("result"), dict) and "context" in told["result"]:
            told["result"]["context"]["slot"] -= aggregator.slots_behind
        return JSONResponse(told, answer.status_code)

    return rpc
