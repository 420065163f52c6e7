"""What an aggregator may say, and what is not believed."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest

from services.trading.adapters.jupiter import Jupiter
from services.trading.domain.errors import ChainUnavailable
from services.trading.domain.market import SOL, Pair

Say = Callable[[Any], Jupiter]


@pytest.fixture
async def saying() -> AsyncIterator[Say]:
    clients: list[httpx2.AsyncClient] = []

    def say(answer: Any) -> Jupiter:
        transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json=answer))
        clients.append(httpx2.AsyncClient(transport=transport, base_url="http://jupiter.test/"))
        return Jupiter(clients[-1])

    yield say
    for client in clients:
        await client.aclose()


@pytest.mark.parametrize("usd", ["0", "-1.5", "Infinity"])
async def test_a_price_that_is_none_measures_nothing(saying: Say, usd: str) -> None:
    answer = {SOL: {"usdPrice": 150, "decimals": 9}, "mint1": {"usdPrice": usd, "decimals": 6}}
    assert set(await saying(answer).prices([SOL, "mint1"])) == {SOL}


@pytest.mark.parametrize("amounts", [("0", "0"), ("-5", "-5"), ("5", "-1")])
async def test_a_quote_that_gives_nothing_is_no_answer(saying: Say, amounts: tuple[str, str]) -> None:
    output, least = amounts
    answer = {"inputMint": "mint1", "outputMint": SOL, "inAmount": "1", "outAmount": output, "slippageBps": 50}
    with pytest.raises(ChainUnavailable):
        await saying(answer | {"otherAmountThreshold": least}).quote(Pair("mint1", SOL, 1))
