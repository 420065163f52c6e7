"""Jupiter's Swap API v2, Price API v3 and Token API v2. Numbers are read as decimals, never as floats."""

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx2
from typing_extensions import override

from services.trading.adapters.answers import (
    MAX_U64,
    decimal,
    flag,
    mapping,
    read_json,
    sequence,
    text,
    whole,
    words,
)
from services.trading.adapters.http import open_http, refusal, translate_errors
from services.trading.domain.errors import InsufficientBalance, NoRoute
from services.trading.domain.market import Order, Pair, Price, Quote, Route, Step, StepAccount, Token, is_address
from services.trading.domain.trade import MAX_AMOUNT
from services.trading.ports import Aggregator

_NAME = "Jupiter"
_MARKET_MAKERS = "jupiterz"
"""The router whose orders market makers fill: they pay the fee and sign after the wallet, in `/execute`."""

_NO_MEANS, _NO_MEANS_FOR_MAKERS = ("1", "2", "3"), ("1",)
"""The codes of insufficient funds, of too little SOL for the fee, and of too little for somebody else to pay it.

A number means something else at each router: of the market makers' only the first one is the wallet's want.
"""

_NO_BUILD = (
    httpx2.codes.BAD_REQUEST,
    httpx2.codes.NOT_FOUND,
    httpx2.codes.METHOD_NOT_ALLOWED,
    httpx2.codes.NOT_IMPLEMENTED,
)
"""No route for a transaction of our own, or an aggregator that makes whole transactions only."""

_MAX_ACCOUNTS = 40
"""How many accounts a route may name, so that what is added to it still fits."""

_MAX_LISTED_ACCOUNTS = 256
"""More accounts than a transaction can name, whatever was asked for."""

_MAX_SEARCH, _MAX_TRENDING, _MAX_LISTED = 100, 100, 1_000
_SYMBOL_LENGTH, _NAME_LENGTH = 32, 64
_MAX_DECIMALS, _MAX_BPS = 255, 10_000
_MIN_SHOWN, _MAX_SHOWN = Decimal("1e-30"), Decimal("1e30")


class Jupiter(Aggregator):
    """One HTTP client for everything; symbols of mints are kept, since they hardly ever change."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._symbols: dict[str, str] = {}

    @override
    async def quote(self, pair: Pair) -> Quote:
        answer = await self._order(pair, {})
        with translate_errors(_NAME):
            return _quote(answer)

    @override
    async def order(self, pair: Pair, address: str) -> Order | Route:
        return await self._route(pair, address) or await self._whole(pair, address)

    async def _route(self, pair: Pair, address: str) -> Route | None:
        """Return the swap to make a transaction of; None when the aggregator has only whole transactions."""
        query = {**_asked(pair), "taker": address, "maxAccounts": str(_MAX_ACCOUNTS)}
        with translate_errors(_NAME):
            response = await self._client.get("swap/v2/build", params=query)
            if response.status_code in _NO_BUILD:
                return None
            answer = _read(response) if response.is_success else {}
        if not answer:
            raise refusal(_NAME, response)
        with translate_errors(_NAME):
            step = mapping(answer["swapInstruction"])
            accounts = tuple(_account(account) for account in sequence(step["accounts"], _MAX_LISTED_ACCOUNTS))
            data = base64.b64decode(text(step["data"]), validate=True)
            tables = sequence(list(mapping(answer.get("addressesByLookupTableAddress") or {})), _MAX_LISTED_ACCOUNTS)
            swap = Step(_address(step["programId"]), accounts, data)
            return Route(_quote(answer), swap, tuple(_address(table) for table in tables))

    async def _whole(self, pair: Pair, address: str) -> Order:
        """Return the swap as a whole transaction."""
        answer = await self._order(pair, {"taker": address})
        is_makers = answer.get("router") == _MARKET_MAKERS
        if not answer.get("transaction"):
            said = words(answer.get("errorMessage") or answer.get("error") or "there is no transaction")
            if answer.get("errorCode") in (_NO_MEANS_FOR_MAKERS if is_makers else _NO_MEANS):
                raise InsufficientBalance(f"{_NAME}: {said}")
            raise NoRoute(f"{_NAME}: {said}")
        if is_makers:
            raise NoRoute(f"{_NAME}: only a market maker, who would sign after the wallet, offers this swap")
        if answer.get("signatureFeePayer") not in (None, "", address):
            raise InsufficientBalance(f"{_NAME}: the wallet lacks the SOL for fees, and a sponsor would sign after it")
        with translate_errors(_NAME):
            upkeep = ("signatureFeeLamports", "prioritizationFeeLamports", "rentFeeLamports")
            return Order(
                _quote(answer),
                words(answer.get("requestId")),
                base64.b64decode(text(answer["transaction"]), validate=True),
                whole(answer.get("lastValidBlockHeight") or "0", MAX_AMOUNT),
                sum(whole(answer.get(name) or "0", MAX_U64) for name in upkeep),
            )

    @override
    async def execute(self, order_id: str, transaction: bytes) -> str:
        body = {"requestId": order_id, "signedTransaction": base64.b64encode(transaction).decode()}
        with translate_errors(_NAME):
            response = await self._client.post("swap/v2/execute", json=body)
            answer = _read(response) if response.is_success or response.status_code == httpx2.codes.BAD_REQUEST else {}
        if not answer:
            raise refusal(_NAME, response)
        if answer.get("status") == "Success":
            return ""
        return f"{_NAME}: {words(answer.get('error'))} ({words(answer.get('code'))})"

    @override
    async def prices(self, mints: Sequence[str]) -> Mapping[str, Price]:
        answer = await self._get("price/v3", {"ids": ",".join(mints)})
        with translate_errors(_NAME):
            listed = mapping(answer)
            shown = {mint: mapping(listed[mint]) for mint in mints if listed.get(mint)}
            # How many base units a token has is for the chain to say.
            prices = [
                Price(mint, usd, 0, _fraction(found.get("priceChange24h")))
                for mint, found in shown.items()
                if found.get("usdPrice") and (usd := decimal(found["usdPrice"])) is not None
            ]
        # Policy measures by them: at less than nothing, a trade would add to what may still be traded.
        return {price.mint: price for price in prices if price.is_plausible}

    @override
    async def trending(self) -> list[Token]:
        answer = await self._get("tokens/v2/toptrending/24h", {"limit": str(_MAX_TRENDING)})
        with translate_errors(_NAME):
            listed = [mapping(found) for found in sequence(answer, _MAX_LISTED)[:_MAX_TRENDING]]
            return [_token(found) for found in listed if not mapping(found.get("audit") or {}).get("isSus")]

    @override
    async def symbols(self, mints: Sequence[str]) -> Mapping[str, str]:
        missing = [mint for mint in mints if mint not in self._symbols]
        for start in range(0, len(missing), _MAX_SEARCH):
            asked = missing[start : start + _MAX_SEARCH]
            answer = await self._get("tokens/v2/search", {"query": ",".join(asked)})
            with translate_errors(_NAME):
                listed = [mapping(token) for token in sequence(answer, _MAX_LISTED)]
                found = {text(token["id"]): words(token.get("symbol"), _SYMBOL_LENGTH) for token in listed}
            self._symbols |= {mint: found[mint] for mint in asked if mint in found}
        return {mint: self._symbols[mint] for mint in mints if mint in self._symbols}

    async def _order(self, pair: Pair, more: Mapping[str, str]) -> Mapping[str, Any]:
        with translate_errors(_NAME):
            query = {**_asked(pair), "excludeRouters": _MARKET_MAKERS, **more}
            response = await self._client.get("swap/v2/order", params=query)
            answer = _read(response) if response.is_success or response.status_code == httpx2.codes.BAD_REQUEST else {}
        if response.status_code == httpx2.codes.BAD_REQUEST:
            raise NoRoute(f"{_NAME}: {words(answer.get('error'))}")
        if not answer:
            raise refusal(_NAME, response)
        return answer

    async def _get(self, path: str, query: Mapping[str, str]) -> Any:
        with translate_errors(_NAME):
            response = await self._client.get(path, params=query)
            if response.is_success:
                return read_json(response.content)
        raise refusal(_NAME, response)


def open_client(url: str, api_key: str) -> httpx2.AsyncClient:
    """Return the client for Jupiter's API at this URL; a key goes into a header, never into a URL."""
    headers = {"x-api-key": api_key} if api_key else {}
    return open_http(url, headers)


def _asked(pair: Pair) -> dict[str, str]:
    query = {"inputMint": pair.input_mint, "outputMint": pair.output_mint, "amount": str(pair.amount)}
    return query | ({"slippageBps": str(pair.slippage_bps)} if pair.slippage_bps else {})


def _read(response: httpx2.Response) -> Mapping[str, Any]:
    return mapping(read_json(response.content))


def _quote(answer: Mapping[str, Any]) -> Quote:
    slippage = whole(answer["slippageBps"], _MAX_BPS)
    given = whole(answer["inAmount"], MAX_U64)
    pair = Pair(_address(answer["inputMint"]), _address(answer["outputMint"]), given, slippage)
    # The impact comes with a minus sign, as a fraction, and newer answers only have it as a percentage.
    impact = answer.get("priceImpactPct")
    fraction = decimal(impact) if impact else _fraction(answer.get("priceImpact") or "0")
    output, least = whole(answer["outAmount"], MAX_U64), whole(answer["otherAmountThreshold"], MAX_U64)
    if not output or least > output:
        raise ValueError("the quote gives nothing, or less than it must")
    if fraction is None:
        raise ValueError("the impact is no number")
    return Quote(pair, output, least, slippage, min(abs(fraction), Decimal(1)))


def _account(value: Any) -> StepAccount:
    account = mapping(value)
    return StepAccount(_address(account["pubkey"]), flag(account["isSigner"]), flag(account["isWritable"]))


def _token(found: Mapping[str, Any]) -> Token:
    return Token(
        mint=_address(found["id"]),
        symbol=words(found.get("symbol"), _SYMBOL_LENGTH),
        name=words(found.get("name"), _NAME_LENGTH),
        decimals=whole(found["decimals"], _MAX_DECIMALS),
        usd=_shown(found.get("usdPrice")),
        change_24h=_fraction(mapping(found.get("stats24h") or {}).get("priceChange")),
        liquidity_usd=_shown(found.get("liquidity")),
        is_verified=found.get("isVerified") is True,
    )


def _address(value: Any) -> str:
    if not is_address(text(value)):
        raise ValueError("no address")
    return text(value)


def _shown(value: Any) -> Decimal | None:
    number = None if value is None else decimal(value)
    # Written out, some numbers would fill a book.
    is_shown = number is not None and _MIN_SHOWN <= abs(number) <= _MAX_SHOWN
    return number if is_shown or number == 0 else None


def _fraction(percent: Any) -> Decimal | None:
    number = _shown(percent)
    return None if number is None else number / 100
