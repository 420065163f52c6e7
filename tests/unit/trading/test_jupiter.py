"""What an aggregator may say, and what is not believed."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from services.runtime.clock import SystemClock
from services.trading.adapters.birdeye import Birdeye
from services.trading.adapters.jupiter import Jupiter
from services.trading.domain.errors import ChainUnavailable, InsufficientBalance, NoRoute
from services.trading.domain.market import SOL, Pair

USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
PAIR = Pair(USDC, SOL, 1)
QUOTE = {
    "inputMint": USDC,
    "outputMint": SOL,
    "inAmount": "1",
    "outAmount": "100",
    "otherAmountThreshold": "99",
    "slippageBps": 50,
    "priceImpactPct": "0.01",
}
STEP = {"programId": SOL, "accounts": [{"pubkey": SOL, "isSigner": False, "isWritable": True}], "data": ""}
TOKEN = {"id": USDC, "symbol": "USDC", "name": "USD Coin", "decimals": 6, "usdPrice": 1.0}

HUGE = ("1e400000", "1e999999999", "-1e999999999", "1e-999999999", "9" * 4_000, "1." + "1" * 500_000)
"""Numbers that are short to write, and long to compute with."""

STRANGE: tuple[Any, ...] = (
    None,
    True,
    -7,
    0.5,
    "",
    "x",
    "NaN",
    "Infinity",
    "sNaN",
    "1_0",
    "\N{ARABIC-INDIC DIGIT ONE}",
    [],
    [0, [1, 2], 3],
    {},
    {"a": 1},
    10**30,
    *HUGE,
)
"""What may stand anywhere in place of what is documented."""

BODIES = (b"", b"[1]", b'"x"', b"null", b"5", b"\xff\xfe{}", b"[" * 100_000, b'{"data":' * 100_000, b"{}x")

Say = Callable[[Any], httpx2.AsyncClient]


@pytest.fixture
async def saying() -> AsyncIterator[Say]:
    clients: list[httpx2.AsyncClient] = []

    def say(answer: Any) -> httpx2.AsyncClient:
        def respond(_request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, **({"content": answer} if isinstance(answer, bytes) else {"json": answer}))

        clients.append(httpx2.AsyncClient(transport=httpx2.MockTransport(respond), base_url="http://there.test/"))
        return clients[-1]

    yield say
    for client in clients:
        await client.aclose()


async def ask_everything(client: httpx2.AsyncClient) -> None:
    """Ask whatever can be asked; it may be refused in the words of the domain, and in no others."""
    jupiter = Jupiter(client)
    questions = (
        lambda: jupiter.quote(PAIR),
        lambda: jupiter.order(PAIR, SOL),
        lambda: jupiter.execute("id", b""),
        lambda: jupiter.prices([USDC]),
        jupiter.trending,
        lambda: jupiter.symbols([USDC]),
        lambda: Birdeye(client, SystemClock()).usd_prices([USDC]),
    )
    for question in questions:
        with contextlib.suppress(ChainUnavailable, NoRoute, InsufficientBalance):
            await question()


@pytest.mark.parametrize("usd", ["0", "-1.5", "Infinity", *HUGE])
async def test_a_price_that_is_none_measures_nothing(saying: Say, usd: str) -> None:
    answer = {SOL: {"usdPrice": 150}, USDC: {"usdPrice": usd}}
    assert set(await Jupiter(saying(answer)).prices([SOL, USDC])) == {SOL}
    bare = f'{{"{SOL}": {{"usdPrice": 150}}, "{USDC}": {{"usdPrice": {usd}}}}}'.encode()
    assert set(await Jupiter(saying(bare)).prices([SOL, USDC])) == {SOL}


async def test_prices_that_nobody_asked_for_are_left_out(saying: Say) -> None:
    answer = {mint: {"usdPrice": 150} for mint in (SOL, USDC)}
    assert set(await Jupiter(saying(answer)).prices([SOL])) == {SOL}


@pytest.mark.parametrize("amounts", [("0", "0"), ("-5", "-5"), ("5", "-1"), ("5", "6")])
async def test_a_quote_that_gives_nothing_is_no_answer(saying: Say, amounts: tuple[str, str]) -> None:
    output, least = amounts
    with pytest.raises(ChainUnavailable):
        await Jupiter(saying(QUOTE | {"outAmount": output, "otherAmountThreshold": least})).quote(PAIR)


@pytest.mark.parametrize("field", [*QUOTE][:-1])
@pytest.mark.parametrize("value", HUGE)
async def test_a_quote_with_a_number_beyond_all_bounds_is_no_answer(saying: Say, field: str, value: str) -> None:
    written = {name: f'"{shown}"' for name, shown in QUOTE.items()} | {field: value}
    body = "{" + ",".join(f'"{name}":{shown}' for name, shown in written.items()) + "}"
    with pytest.raises(ChainUnavailable):
        await Jupiter(saying(body.encode())).quote(PAIR)


@pytest.mark.parametrize("field", [*QUOTE, "priceImpact", "transaction", "requestId", "swapInstruction", "errorCode"])
async def test_whatever_a_quote_says_it_is_understood_or_unavailable(saying: Say, field: str) -> None:
    for value in STRANGE:
        answer = QUOTE | {"swapInstruction": STEP, "addressesByLookupTableAddress": {}, field: value}
        await ask_everything(saying(answer))


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: str(value)[:12])
async def test_whatever_stands_in_prices_steps_and_tokens_is_understood_or_unavailable(saying: Say, value: Any) -> None:
    await ask_everything(saying({USDC: value}))
    await ask_everything(saying({"data": value}))
    for field in ("usdPrice", "value", "priceChange24h", "updateUnixTime"):
        price = {"usdPrice": 1, "value": 1, "updateUnixTime": 1} | {field: value}
        await ask_everything(saying({USDC: price, "data": {USDC: price}}))
    for field in STEP:
        await ask_everything(saying(QUOTE | {"swapInstruction": STEP | {field: value}}))
    for field in ("pubkey", "isSigner", "isWritable"):
        account = {"pubkey": SOL, "isSigner": False, "isWritable": True} | {field: value}
        await ask_everything(saying(QUOTE | {"swapInstruction": STEP | {"accounts": [account]}}))
    await ask_everything(saying(QUOTE | {"swapInstruction": STEP, "addressesByLookupTableAddress": value}))
    await ask_everything(saying([value]))
    for field in (*TOKEN, "audit", "stats24h", "liquidity", "isVerified"):
        await ask_everything(saying([TOKEN | {field: value}]))


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:12]))
async def test_a_body_that_is_something_else_is_unavailable(saying: Say, body: bytes) -> None:
    for question in (Jupiter(saying(body)).quote(PAIR), Jupiter(saying(body)).prices([USDC])):
        with pytest.raises(ChainUnavailable):
            await question
    await ask_everything(saying(body))


async def test_a_name_can_be_stored_and_shown(saying: Say) -> None:
    answer = rb'[{"id": "%s", "symbol": "A\ud800\u0000\u202eB", "decimals": 6}]' % USDC.encode()
    [token] = await Jupiter(saying(answer)).trending()
    assert token.symbol == "AB"
