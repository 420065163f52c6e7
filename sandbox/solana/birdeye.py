"""The Birdeye endpoints that a trader needs; any X-API-KEY will do."""

from collections.abc import Callable
from typing import Any

from starlette.routing import Route

from sandbox.solana.node import Node, World
from sandbox.solana.tokens import BY_ADDRESS, Token
from sandbox.solana.web import BadRequestError, Query, get_route, iso, listed, whole

_DAY = 86_400.0
_MAX_PRICES = 100
_MAX_TRENDING = 20


def routes(node: Node) -> list[Route]:
    """Return the routes, each of which wraps its answer as Birdeye does."""
    return [
        _get(node, "/birdeye/defi/price", price),
        _get(node, "/birdeye/defi/multi_price", multi_price),
        _get(node, "/birdeye/defi/token_trending", trending),
    ]


def _get(node: Node, path: str, answer: Callable[[World, Query], Any]) -> Route:
    def wrapped(world: World, query: Query) -> dict[str, Any]:
        return {"success": True, "data": answer(world, query)}

    return get_route(node, path, wrapped, lambda text: {"success": False, "message": text})


def price(world: World, query: Query) -> dict[str, Any] | None:
    """Answer `/defi/price?address=`; null for a mint without a price."""
    if not query.get("address"):
        raise BadRequestError("address is missing")
    token = BY_ADDRESS.get(query["address"])
    return None if token is None else _price_view(world, token)


def multi_price(world: World, query: Query) -> dict[str, Any]:
    """Answer `/defi/multi_price?list_address=`; null for each mint without a price."""
    found = {mint: BY_ADDRESS.get(mint) for mint in listed(query, "list_address", _MAX_PRICES)}
    return {mint: None if token is None else _price_view(world, token) for mint, token in found.items()}


def trending(world: World, query: Query) -> dict[str, Any]:
    """Answer `/defi/token_trending`: tokens by rank, with `offset` and `limit`."""
    offset, limit = whole(query, "offset", 0, 1_000, 0), whole(query, "limit", 1, _MAX_TRENDING, _MAX_TRENDING)
    now = world.chain.clock.now()
    ranked = world.market.ranked("toptrending", now, _DAY)
    shown = list(enumerate(ranked, start=1))[offset : offset + limit]
    return {
        "updateUnixTime": int(now),
        "updateTime": iso(now),
        "tokens": [_trending_view(world, token, rank, now) for rank, token in shown],
        "total": len(ranked),
    }


def _price_view(world: World, token: Token) -> dict[str, Any]:
    now = world.chain.clock.now()
    return {
        "value": world.market.price(token, now),
        "updateUnixTime": int(now),
        "updateHumanTime": iso(now),
        "priceChange24h": world.market.stats(token, now, _DAY).price_change,
        "liquidity": token.liquidity,
    }


def _trending_view(world: World, token: Token, rank: int, now: float) -> dict[str, Any]:
    stats, usd = world.market.stats(token, now, _DAY), world.market.price(token, now)
    return {
        "rank": rank,
        "address": str(token.mint),
        "symbol": token.symbol,
        "name": token.name,
        "decimals": token.decimals,
        "logoURI": None,
        "price": usd,
        "price24hChangePercent": stats.price_change,
        "volume24hUSD": stats.buy_volume + stats.sell_volume,
        "liquidity": token.liquidity,
        "marketcap": usd * token.supply,
        "fdv": usd * token.supply,
    }
