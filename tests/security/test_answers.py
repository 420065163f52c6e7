"""Whoever answers the service's calls can refuse a trade and delay it, and neither freeze nor starve the service."""

import asyncio
import base64
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import httpx2
import pytest
from solders.instruction import AccountMeta
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from puppet.trading.v1 import trading_service_pb2 as pb
from services.trading.settings import TradingSettings
from tests.integration.trading.conftest import SOL
from tests.security.aggregator import Aggregator, Query
from tests.security.conftest import AMOUNT, Scene
from tests.security.judge import rob
from tests.security.offers import Deal, as_build, deal
from tests.support.http import listening
from tests.support.waits import WAIT_SECONDS

Answer = Callable[[Request, bytes], Awaitable[Response | None]]


@dataclass
class Between:
    """Stands between the service and everybody it asks; what it doesn't answer is passed on."""

    url: str = ""
    answer: Answer | None = None


@pytest.fixture
async def between(aggregator: Aggregator) -> AsyncIterator[Between]:
    between = Between()

    async def anything(request: Request) -> Response:
        body = await request.body()
        if between.answer and (answer := await between.answer(request, body)) is not None:
            return answer
        there = aggregator.url + request.url.path
        headers = {"content-type": "application/json"}
        got = await http.request(
            request.method, there, params=dict(request.query_params), content=body, headers=headers
        )
        return Response(got.content, got.status_code, media_type="application/json")

    app = Starlette(routes=[Route("/{path:path}", anything, methods=["GET", "POST"])])
    async with httpx2.AsyncClient() as http, listening(app, at_once=True, log_level="critical") as url:
        between.url = url
        yield between


@pytest.fixture
def settings(settings: TradingSettings, between: Between) -> TradingSettings:
    return settings.model_copy(update={"rpc_url": f"{between.url}/rpc", "jupiter_url": between.url})


def prices(body: bytes, **headers: str) -> Answer:
    """Answer this whenever prices are asked for."""

    async def answer(request: Request, _body: bytes) -> Response | None:
        is_asked = "price" in request.url.path
        return Response(body, media_type="application/json", headers=headers) if is_asked else None

    return answer


async def asked(scene: Scene) -> grpc.StatusCode:
    """Ask for a price, and return the status."""
    try:
        await scene.trading.GetPrices(pb.GetPricesRequest(mints=[SOL]), timeout=WAIT_SECONDS)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def bomb() -> bytes:
    """Return some hundred kilobytes that unpack to a thousand times as much."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b" " * 2**20) for _ in range(100)) + packer.flush()


@pytest.mark.parametrize(
    ("price", "status"),
    [
        (b'{"usdPrice": 1.0, "decimals": 1e400000}', grpc.StatusCode.OK),
        (b'{"usdPrice": 1e999999999}', grpc.StatusCode.OK),
        (b'{"usdPrice": 1.%s}' % (b"1" * 2_000_000), grpc.StatusCode.UNAVAILABLE),
        (b"[" * 500_000, grpc.StatusCode.UNAVAILABLE),
    ],
    ids=["power", "price", "digits", "deep"],
)
async def test_a_number_freezes_nothing(scene: Scene, between: Between, price: bytes, status: grpc.StatusCode) -> None:
    between.answer = prices(b'{"%s": %s}' % (SOL.encode(), price))
    assert await asked(scene) is status


async def test_what_is_packed_is_not_unpacked(scene: Scene, between: Between) -> None:
    between.answer = prices(bomb(), **{"content-encoding": "gzip"})
    assert await asked(scene) is grpc.StatusCode.UNAVAILABLE


async def test_trading_is_halted_while_an_answer_has_no_end(scene: Scene, between: Between) -> None:
    begun = asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield b" "
        begun.set()
        await asyncio.Event().wait()

    async def answer(request: Request, _body: bytes) -> Response | None:
        return StreamingResponse(drip()) if "price" in request.url.path else None

    between.answer = answer
    call = asyncio.create_task(asked(scene))
    await begun.wait()
    await scene.trading.HaltTrading(pb.HaltTradingRequest(reason="odd"), timeout=WAIT_SECONDS)
    assert not call.done()
    call.cancel()


async def test_accounts_of_megabytes_are_not_looked_at(scene: Scene, between: Between) -> None:
    large = [str(Keypair().pubkey()) for _ in range(8)]

    async def answer(request: Request, body: bytes) -> Response | None:
        call = await request.json() if body else {}
        if call.get("method") != "getMultipleAccounts" or not set(large) & set(call["params"][0]):
            return None
        keys, options = call["params"]
        others = [key for key in keys if key not in large]
        shown = dict(zip(others, (await scene.cluster.call(call["method"], others, options))["value"], strict=True))
        data = base64.b64encode(bytes(min(options["dataSlice"]["length"], 10_000_000))).decode()
        account = {"lamports": 1, "owner": str(scene.address), "executable": False, "rentEpoch": 0, "space": 10_000_000}
        value = [shown.get(key, account | {"data": [data, "base64"]}) for key in keys]
        return JSONResponse({"jsonrpc": "2.0", "id": call["id"], "result": {"context": {"slot": 5}, "value": value}})

    between.answer = answer

    def spoil(made: Deal) -> None:
        made.accounts += [AccountMeta(Pubkey.from_string(key), False, True) for key in large]

    async def build(query: Query) -> dict[str, Any]:
        return await as_build(await deal(scene, query), spoil)

    scene.aggregator.build = build
    trade = await rob(scene, SOL, scene.mint("SOCK"), AMOUNT)
    assert trade is not None, scene.told
    assert (trade.state, trade.signature) == (pb.TRADE_STATE_FAILED, "")
    assert "too large" in trade.state_reason
