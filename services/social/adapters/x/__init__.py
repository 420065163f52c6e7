"""X through tweepy: the API v2 of `https://api.x.com`, or of any server that speaks it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

from services.runtime.clock import Clock
from services.runtime.deferred import Deferred
from services.social.adapters.x.network import XNetwork
from services.social.domain.capabilities import Tier

__all__ = ["XNetwork", "open_network"]


@contextlib.asynccontextmanager
async def open_network(base_url: str, timeout_seconds: float, clock: Clock, tier: Tier) -> AsyncIterator[XNetwork]:
    """Open X at this URL, where a request may take so long, and which allows the app what its tier does."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        client = await asyncio.to_thread(_client)
        async with client.open_clients(base_url, timeout_seconds) as clients:
            yield clients

    async with Deferred(opened) as clients:
        yield XNetwork(clients, clock, tier)


def _client() -> ModuleType:
    # Tweepy and aiohttp take half a second to import, and 20 MB.
    from services.social.adapters.x import client

    return client
