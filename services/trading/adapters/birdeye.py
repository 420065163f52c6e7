"""Birdeye's prices: a second opinion on what tokens cost, of somebody who sells nothing."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
from typing_extensions import override

from services.runtime.clock import Clock
from services.trading.adapters.answers import decimal, mapping, read_json, whole
from services.trading.adapters.http import open_http, refusal, translate_errors
from services.trading.ports import PriceFeed

MAX_AGE = timedelta(minutes=5)
"""How old a price may be, and how far in the future, since clocks differ."""

_NAME = "Birdeye"
_MAX_SECONDS = 10**11


class Birdeye(PriceFeed):
    """Asks for prices."""

    def __init__(self, client: httpx2.AsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    @override
    async def usd_prices(self, mints: Sequence[str]) -> Mapping[str, Decimal]:
        """Return what whole tokens cost in US dollars; those that have no price of these minutes are left out."""
        with translate_errors(_NAME):
            response = await self._client.get("defi/multi_price", params={"list_address": ",".join(mints)})
            if response.is_success:
                listed = mapping(mapping(read_json(response.content))["data"])
                shown = {mint: mapping(listed[mint]) for mint in mints if listed.get(mint)}
                prices = {mint: decimal(found["value"]) for mint, found in shown.items() if self._is_fresh(found)}
                return {mint: usd for mint, usd in prices.items() if usd}
        raise refusal(_NAME, response)

    def _is_fresh(self, found: Mapping[str, Any]) -> bool:
        if not found.get("value"):
            return False
        age = self._clock.now().timestamp() - whole(found["updateUnixTime"], _MAX_SECONDS)
        return abs(age) <= MAX_AGE.total_seconds()


def open_client(url: str, api_key: str) -> httpx2.AsyncClient:
    """Return the client for Birdeye's API at this URL; a key goes into a header, never into a URL."""
    headers = {"x-chain": "solana"} | ({"X-API-KEY": api_key} if api_key else {})
    return open_http(url, headers)
