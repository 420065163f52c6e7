"""What Jupiter's refusals, and the orders of others' signatures, are taken for."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from services.trading.adapters.http import BoundedTransport
from services.trading.adapters.jupiter import Jupiter
from services.trading.domain.errors import (
    AccessRefused,
    ChainRateLimited,
    ChainUnavailable,
    InsufficientBalance,
    NoRoute,
)
from services.trading.domain.market import SOL, Order, Pair

WALLET = "2QfBNK2WDwSLoUQRb1zAnp3KM12N9hQ8q6ApwUMnWW2T"
OTHER = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
PAIR = Pair(SOL, OTHER, 100)
ORDER: dict[str, Any] = {
    "inputMint": SOL,
    "outputMint": OTHER,
    "inAmount": "100",
    "outAmount": "15",
    "otherAmountThreshold": "14",
    "slippageBps": 50,
    "priceImpact": -0.1,
    "router": "metis",
    "transaction": "AAAA",
    "requestId": "r",
    "lastValidBlockHeight": "400000000",
    "signatureFeePayer": WALLET,
}
_EMPTY = {"transaction": "", "errorMessage": "for some reason"}


class There:
    """An aggregator without `/build`, which keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx2.Request] = []
        self.clients: list[httpx2.AsyncClient] = []

    def serve(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Jupiter:
        def respond(request: httpx2.Request) -> httpx2.Response:
            self.asked.append(request)
            if request.url.path.endswith("/build") and status == 200:
                return httpx2.Response(404, content=b"{}")
            return httpx2.Response(status, json=body, headers=headers)

        transport = BoundedTransport(httpx2.MockTransport(respond))
        self.clients.append(httpx2.AsyncClient(transport=transport, base_url="http://there.test/"))
        return Jupiter(self.clients[-1])


@pytest.fixture
async def there() -> AsyncIterator[There]:
    there = There()
    yield there
    for client in there.clients:
        await client.aclose()


async def test_an_order_that_the_wallet_pays_for_is_taken_and_none_of_a_market_maker_is_asked_for(there: There) -> None:
    jupiter = there.serve(ORDER)
    assert isinstance(await jupiter.order(PAIR, WALLET), Order)
    await jupiter.quote(PAIR)
    orders = [request for request in there.asked if request.url.path.endswith("/order")]
    assert [request.url.params["excludeRouters"] for request in orders] == ["jupiterz"] * 2


@pytest.mark.parametrize(
    ("shown", "refused", "told"),
    [
        ({"router": "jupiterz", "swapType": "rfq", "signatureFeePayer": OTHER}, NoRoute, "market maker"),
        ({"gasless": True, "signatureFeePayer": OTHER}, InsufficientBalance, "SOL for fees"),
        *(({**_EMPTY, "errorCode": code}, InsufficientBalance, "for some reason") for code in (1, 2, 3)),
        ({**_EMPTY, "errorCode": 4}, NoRoute, "for some reason"),
        ({**_EMPTY, "router": "okx", "errorCode": 2}, InsufficientBalance, "for some reason"),
        ({**_EMPTY, "router": "jupiterz", "errorCode": 1}, InsufficientBalance, "for some reason"),
        *(({**_EMPTY, "router": "jupiterz", "errorCode": code}, NoRoute, "for some reason") for code in (2, 3)),
        ({"transaction": ""}, NoRoute, "there is no transaction"),
    ],
)
async def test_an_order_that_cannot_be_had_says_whose_want_it_is(
    there: There, shown: dict[str, Any], refused: type[Exception], told: str
) -> None:
    with pytest.raises(refused, match=told):
        await there.serve(ORDER | shown).order(PAIR, WALLET)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_no_outage(there: There, status: int) -> None:
    jupiter = there.serve({"message": "Unauthorized"}, status)
    for question in (lambda: jupiter.quote(PAIR), lambda: jupiter.order(PAIR, WALLET), lambda: jupiter.prices([SOL])):
        with pytest.raises(AccessRefused, match=f"Jupiter refuses this caller .status {status}.: its key is wrong"):
            await question()


@pytest.mark.parametrize(
    ("headers", "least", "limit"),
    [
        ({"x-ratelimit-reset": "+30"}, 20, 30),
        ({"x-ratelimit-reset": "+900"}, 60, 60),
        ({"x-ratelimit-reset": "-5"}, 1, 1),
        ({"x-ratelimit-reset": "soon"}, 1, 1),
        ({"x-ratelimit-reset": "9" * 400}, 1, 1),
        ({"x-ratelimit-reset": "+30", "retry-after": "7"}, 7, 7),
        ({}, 1, 1),
    ],
)
async def test_a_rate_limit_is_waited_out(there: There, headers: dict[str, str], least: int, limit: int) -> None:
    reset = headers.get("x-ratelimit-reset", "")
    if reset[:1] in ("+", "-"):
        headers = headers | {"x-ratelimit-reset": str(int(time.time()) + int(reset))}
    jupiter = there.serve({"message": "too many"}, 429, headers)
    for question in (lambda: jupiter.quote(PAIR), lambda: jupiter.order(PAIR, WALLET), lambda: jupiter.prices([SOL])):
        with pytest.raises(ChainRateLimited) as limited:
            await question()
        assert least <= limited.value.retry_after <= limit


async def test_an_executed_order_that_failed_says_why(there: There) -> None:
    answer = {"status": "Failed", "signature": "", "code": -1004, "error": "late"}
    assert await there.serve(answer).execute("r", b"") == "Jupiter: late (-1004)"
    with pytest.raises(ChainUnavailable):
        await there.serve({"error": "lost"}, 500).execute("r", b"")
