"""Which of somebody else's prices count."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from services.trading.adapters.birdeye import MAX_AGE, Birdeye
from services.trading.domain.errors import ChainUnavailable
from services.trading.domain.market import SOL
from tests.fakes.clock import FixedClock


async def priced(found: dict[str, Any], clock: FixedClock) -> set[str]:
    """Return which mints have a price, of SOL alone, when this is what is said of it."""
    answer = {"success": True, "data": {SOL: found, "another": found}}
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, json=answer))
    async with httpx2.AsyncClient(transport=transport, base_url="http://there.test/") as client:
        return set(await Birdeye(client, clock).usd_prices([SOL]))


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        (timedelta(0), True),
        (MAX_AGE, True),
        (MAX_AGE + timedelta(seconds=1), False),
        (timedelta(days=20_000), False),
        (-MAX_AGE - timedelta(seconds=1), False),
    ],
)
async def test_a_price_counts_for_some_minutes(age: timedelta, counts: bool) -> None:
    clock = FixedClock()
    update = int((clock.now() - age).timestamp())
    assert await priced({"value": 150.5, "updateUnixTime": update}, clock) == ({SOL} if counts else set())


@pytest.mark.parametrize("update", [None, "soon", -1, 1.5, 10**30, [1]])
async def test_a_price_of_no_time_is_no_answer(update: Any) -> None:
    with pytest.raises(ChainUnavailable):
        await priced({"value": 150.5, "updateUnixTime": update}, FixedClock())


@pytest.mark.parametrize("value", [0, None, "1e400000", -0.0])
async def test_a_price_that_is_none_is_left_out(value: Any) -> None:
    clock = FixedClock()
    assert await priced({"value": value, "updateUnixTime": int(clock.now().timestamp())}, clock) == set()
