"""Jupiter's price API, version 3, and token API, version 2."""

from collections.abc import Callable
from typing import Any

from solders.token import ID as TOKEN_PROGRAM
from starlette.routing import Route

from sandbox.solana.node import Node, World
from sandbox.solana.tokens import BY_ADDRESS, TOKENS, Token
from sandbox.solana.web import BadRequestError, Query, get_route, iso, listed, whole

WINDOWS = {"5m": 300.0, "1h": 3_600.0, "6h": 21_600.0, "24h": 86_400.0}
"""The windows over which tokens are compared, in seconds."""

_CATEGORIES = ("toptrending", "toptraded", "toporganicscore")
_MAX_PRICES = 50
_MAX_TOKENS = 100


def routes(node: Node) -> list[Route]:
    """Return the routes of the price and token APIs."""
    paths: dict[str, Callable[[World, Query], Any]] = {
        "/jupiter/price/v3": prices,
        "/jupiter/tokens/v2/search": search,
        "/jupiter/tokens/v2/tag": tagged,
        "/jupiter/tokens/v2/recent": recent,
        "/jupiter/tokens/v2/{category}/{interval}": ranked,
    }
    return [get_route(node, path, answer, lambda text: {"error": text}) for path, answer in paths.items()]


def prices(world: World, query: Query) -> dict[str, Any]:
    """Answer `GET /price/v3?ids=`; what has no price is left out."""
    mints = listed(query, "ids", _MAX_PRICES)
    now = world.chain.clock.now()
    return {
        mint: {
            "usdPrice": world.market.price(token, now),
            "blockId": world.chain.clock.slot(),
            "decimals": token.decimals,
            "priceChange24h": world.market.stats(token, now, WINDOWS["24h"]).price_change,
            "liquidity": token.liquidity,
            "createdAt": _created(world, token),
        }
        for mint in mints
        if (token := BY_ADDRESS.get(mint)) is not None
    }


def search(world: World, query: Query) -> list[dict[str, Any]]:
    """Answer `GET /tokens/v2/search?query=`: tokens by symbol, name or mints (separated by commas)."""
    text = query.get("query", "").strip().lower()
    if not text:
        raise BadRequestError("query is missing")
    mints = listed(query, "query", _MAX_TOKENS)
    found = [t for t in TOKENS if str(t.mint) in mints or text in t.symbol.lower() or text in t.name.lower()]
    return [_token_view(world, token) for token in found]


def tagged(world: World, query: Query) -> list[dict[str, Any]]:
    """Answer `GET /tokens/v2/tag?query=verified`; of the other tags (`lst`) there are no tokens."""
    tag = query.get("query")
    if tag not in ("verified", "lst"):
        raise BadRequestError("query must be verified or lst")
    return [_token_view(world, token) for token in TOKENS if token.verified and tag == "verified"]


def recent(world: World, _query: Query) -> list[dict[str, Any]]:
    """Answer `GET /tokens/v2/recent`: the fictional tokens, the youngest first."""
    return [_token_view(world, t) for t in sorted(TOKENS, key=lambda token: token.age_days) if t.is_fictional]


def ranked(world: World, query: Query) -> list[dict[str, Any]]:
    """Answer `GET /tokens/v2/{category}/{interval}`: the most traded, trending or trusted tokens."""
    category, interval, limit = query["category"], query["interval"], whole(query, "limit", 1, _MAX_TOKENS, 50)
    if category not in _CATEGORIES:
        raise BadRequestError(f"category must be one of {', '.join(_CATEGORIES)}")
    if interval not in WINDOWS:
        raise BadRequestError(f"interval must be one of {', '.join(WINDOWS)}")
    tokens = world.market.ranked(category, world.chain.clock.now(), WINDOWS[interval])
    if category == "toporganicscore":
        tokens = sorted(tokens, key=_organic_score, reverse=True)
    return [_token_view(world, token) for token in tokens[:limit]]


def _token_view(world: World, token: Token) -> dict[str, Any]:
    now = world.chain.clock.now()
    price = world.market.price(token, now)
    score = _organic_score(token)
    view: dict[str, Any] = {
        "id": str(token.mint),
        "name": token.name,
        "symbol": token.symbol,
        "icon": None,
        "decimals": token.decimals,
        "tokenProgram": str(TOKEN_PROGRAM),
        "circSupply": float(token.supply),
        "totalSupply": float(token.supply),
        "firstPool": {"id": str(token.mint), "createdAt": _created(world, token)},
        "holderCount": int(token.liquidity / 40),
        "audit": {
            "isSus": token.suspicious,
            "mintAuthorityDisabled": not token.suspicious,
            "freezeAuthorityDisabled": True,
            "topHoldersPercentage": 92.0 if token.suspicious else 14.0,
        },
        "organicScore": score,
        "organicScoreLabel": "high" if score >= 80 else "medium" if score >= 40 else "low",
        "isVerified": token.verified,
        "tags": ["verified"] if token.verified else [],
        "usdPrice": price,
        "fdv": price * token.supply,
        "mcap": price * token.supply,
        "liquidity": token.liquidity,
        "priceBlockId": world.chain.clock.slot(),
        "updatedAt": iso(now),
    }
    if not token.suspicious:
        del view["audit"]["isSus"]
    for name, seconds in WINDOWS.items():
        stats = world.market.stats(token, now, seconds)
        view[f"stats{name}"] = {
            "priceChange": stats.price_change,
            "buyVolume": stats.buy_volume,
            "sellVolume": stats.sell_volume,
            "numBuys": stats.trades // 2,
            "numSells": stats.trades - stats.trades // 2,
        }
    return view


def _organic_score(token: Token) -> float:
    """Return how natural a token's trading looks, from 0 to 100."""
    if not token.verified:
        return 3.0 if token.suspicious else 30.0
    return min(99.0, 45.0 + token.liquidity / 30_000)


def _created(world: World, token: Token) -> str:
    return iso(world.chain.began - token.age_days * 86_400)
