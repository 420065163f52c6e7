"""Birdeye's prices: a second opinion on what tokens cost, of somebody who sells nothing."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import httpx2

from services.trading.adapters.answers import decimal, mapping, read_json
from services.trading.adapters.http import open_http, refusal, understanding

_NAME = "Birdeye"


class Birdeye:
    """Asks for prices."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def dollars(self, mints: Sequence[str]) -> Mapping[str, Decimal]:
        """Return what whole tokens cost in US dollars; those that have no price are left out."""
        with understanding(_NAME):
            response = await self._client.get("defi/multi_price", params={"list_address": ",".join(mints)})
            if response.is_success:
                listed = mapping(mapping(read_json(response.content))["data"])
                shown = {mint: mapping(listed[mint]) for mint in mints if listed.get(mint)}
                prices = {mint: decimal(found["value"]) for mint, found in shown.items() if found.get("value")}
                return {mint: usd for mint, usd in prices.items() if usd}
        raise refusal(_NAME, response)


def open_client(url: str, api_key: str) -> httpx2.AsyncClient:
    """Return the client for Birdeye's API at this URL; a key goes into a header, never into a URL."""
    headers = {"x-chain": "solana"} | ({"X-API-KEY": api_key} if api_key else {})
    return open_http(url, headers)
