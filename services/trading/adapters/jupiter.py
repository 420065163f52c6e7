"""Jupiter's Swap API v2, Price API v3 and Token API v2. Numbers are read as decimals, never as floats."""

import base64
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import httpx2

from services.trading.adapters.http import TIMEOUT_SECONDS, refusal, understanding
from services.trading.domain.errors import InsufficientBalance, NoRoute
from services.trading.domain.market import Order, Pair, Price, Quote, Route, Step, StepAccount, Token, is_address

_NAME = "Jupiter"
_INSUFFICIENT_FUNDS, _NO_GAS = 1, 2
_NO_BUILD = (
    httpx2.codes.BAD_REQUEST,
    httpx2.codes.NOT_FOUND,
    httpx2.codes.METHOD_NOT_ALLOWED,
    httpx2.codes.NOT_IMPLEMENTED,
)
"""No route for a transaction of our own, or an aggregator that makes whole transactions only."""

_MAX_ACCOUNTS = 40
"""How many accounts a route may name, so that what is added to it still fits."""

_MAX_SEARCH = 100
_SYMBOL_LENGTH = 32
_MAX_WORDS = 256
_LEAST_SHOWN, _MOST_SHOWN = Decimal("1e-30"), Decimal("1e30")


class Jupiter:
    """One HTTP client for everything; symbols of mints are kept, since they hardly ever change."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._symbols: dict[str, str] = {}

    async def quote(self, pair: Pair) -> Quote:
        """Return what a swap would give. Raises NoRoute."""
        answer = await self._order(pair, {})
        with understanding(_NAME):
            return _quote(answer)

    async def order(self, pair: Pair, address: str) -> Order | Route:
        """Return a swap that this wallet can have, as a route if there is one. Raises NoRoute, InsufficientBalance."""
        return await self._route(pair, address) or await self._whole(pair, address)

    async def _route(self, pair: Pair, address: str) -> Route | None:
        """Return the swap to make a transaction of; None when the aggregator has only whole transactions."""
        query = {**_asked(pair), "taker": address, "maxAccounts": str(_MAX_ACCOUNTS)}
        with understanding(_NAME):
            response = await self._client.get("swap/v2/build", params=query)
            if response.status_code in _NO_BUILD:
                return None
            answer = _read(response) if response.is_success else {}
        if not answer:
            raise refusal(_NAME, response)
        with understanding(_NAME):
            step = answer["swapInstruction"]
            accounts = (
                StepAccount(_address(account["pubkey"]), bool(account["isSigner"]), bool(account["isWritable"]))
                for account in step["accounts"]
            )
            data = base64.b64decode(step["data"], validate=True)
            tables = tuple(_address(table) for table in answer.get("addressesByLookupTableAddress") or {})
            return Route(_quote(answer), Step(_address(step["programId"]), tuple(accounts), data), tables)

    async def _whole(self, pair: Pair, address: str) -> Order:
        """Return the swap as a whole transaction."""
        answer = await self._order(pair, {"taker": address})
        if not answer.get("transaction"):
            text = _words(answer.get("errorMessage") or answer.get("error") or "there is no transaction")
            if answer.get("errorCode") in (_INSUFFICIENT_FUNDS, _NO_GAS):
                raise InsufficientBalance(f"{_NAME}: {text}")
            raise NoRoute(f"{_NAME}: {text}")
        with understanding(_NAME):
            upkeep = ("signatureFeeLamports", "prioritizationFeeLamports", "rentFeeLamports")
            return Order(
                _quote(answer),
                _words(answer.get("requestId") or ""),
                base64.b64decode(answer["transaction"], validate=True),
                int(answer.get("lastValidBlockHeight") or 0),
                sum(int(answer.get(name) or 0) for name in upkeep),
            )

    async def execute(self, order_id: str, transaction: bytes) -> str:
        """Have a signed order sent; the value is why it was refused, or empty. Neither is proof."""
        body = {"requestId": order_id, "signedTransaction": base64.b64encode(transaction).decode()}
        with understanding(_NAME):
            response = await self._client.post("swap/v2/execute", json=body)
            answer = _read(response) if response.is_success or response.status_code == httpx2.codes.BAD_REQUEST else {}
        if not answer:
            raise refusal(_NAME, response)
        if answer.get("status") == "Success":
            return ""
        return f"{_NAME}: {_words(answer.get('error'))} ({_words(answer.get('code'))})"

    async def prices(self, mints: Sequence[str]) -> Mapping[str, Price]:
        """Return the prices of up to 50 mints; those that have none are left out."""
        answer = await self._get("price/v3", {"ids": ",".join(mints)})
        with understanding(_NAME):
            prices = {
                mint: Price(
                    mint, Decimal(found["usdPrice"]), int(found["decimals"]), _fraction(found.get("priceChange24h"))
                )
                for mint, found in answer.items()
                if found and found.get("usdPrice")
            }
        # Policy measures by them: at less than nothing, a trade would add to what may still be traded.
        return {mint: price for mint, price in prices.items() if price.is_plausible}

    async def trending(self) -> list[Token]:
        """Return up to 100 tokens that trend now, first the most; without those the aggregator calls suspicious."""
        answer = await self._get("tokens/v2/toptrending/24h", {"limit": "100"})
        with understanding(_NAME):
            return [_token(found) for found in answer if not (found.get("audit") or {}).get("isSus")]

    async def symbols(self, mints: Sequence[str]) -> Mapping[str, str]:
        """Return the symbols of those of these mints that have one."""
        missing = [mint for mint in mints if mint not in self._symbols]
        for start in range(0, len(missing), _MAX_SEARCH):
            asked = missing[start : start + _MAX_SEARCH]
            answer = await self._get("tokens/v2/search", {"query": ",".join(asked)})
            with understanding(_NAME):
                found = {token["id"]: str(token.get("symbol") or "")[:_SYMBOL_LENGTH] for token in answer}
            self._symbols |= {mint: found[mint] for mint in asked if mint in found}
        return {mint: self._symbols[mint] for mint in mints if mint in self._symbols}

    async def _order(self, pair: Pair, more: Mapping[str, str]) -> dict[str, Any]:
        with understanding(_NAME):
            response = await self._client.get("swap/v2/order", params={**_asked(pair), **more})
            answer = _read(response) if response.is_success or response.status_code == httpx2.codes.BAD_REQUEST else {}
        if response.status_code == httpx2.codes.BAD_REQUEST:
            raise NoRoute(f"{_NAME}: {_words(answer.get('error'))}")
        if not answer:
            raise refusal(_NAME, response)
        return answer

    async def _get(self, path: str, query: Mapping[str, str]) -> Any:
        with understanding(_NAME):
            response = await self._client.get(path, params=query)
            if response.is_success:
                return json.loads(response.text, parse_float=Decimal)
        raise refusal(_NAME, response)


def open_client(url: str, api_key: str) -> httpx2.AsyncClient:
    """Return the client for Jupiter's API at this URL; a key goes into a header, never into a URL."""
    headers = {"x-api-key": api_key} if api_key else {}
    return httpx2.AsyncClient(base_url=url.rstrip("/") + "/", headers=headers, timeout=TIMEOUT_SECONDS)


def _asked(pair: Pair) -> dict[str, str]:
    query = {"inputMint": pair.input_mint, "outputMint": pair.output_mint, "amount": str(pair.amount)}
    return query | ({"slippageBps": str(pair.slippage_bps)} if pair.slippage_bps else {})


def _read(response: httpx2.Response) -> dict[str, Any]:
    answer = json.loads(response.text, parse_float=Decimal)
    if not isinstance(answer, dict):
        raise TypeError("the answer is no object")
    return answer


def _quote(answer: Mapping[str, Any]) -> Quote:
    slippage = int(answer["slippageBps"])
    pair = Pair(answer["inputMint"], answer["outputMint"], int(answer["inAmount"]), slippage)
    # The impact comes with a minus sign, as a fraction, and newer answers only have it as a percentage.
    impact = answer.get("priceImpactPct")
    fraction = Decimal(impact) if impact else Decimal(answer.get("priceImpact") or 0) / 100
    output, least = int(answer["outAmount"]), int(answer["otherAmountThreshold"])
    if output <= 0 or least < 0:
        raise ValueError("the quote gives nothing")
    if not fraction.is_finite():
        raise ValueError("the impact is no number")
    return Quote(pair, output, least, slippage, min(abs(fraction), Decimal(1)))


def _token(found: Mapping[str, Any]) -> Token:
    return Token(
        mint=found["id"],
        symbol=str(found.get("symbol") or "")[:_SYMBOL_LENGTH],
        name=str(found.get("name") or "")[:64],
        decimals=int(found["decimals"]),
        usd=_decimal(found.get("usdPrice")),
        change_24h=_fraction((found.get("stats24h") or {}).get("priceChange")),
        liquidity_usd=_decimal(found.get("liquidity")),
        is_verified=bool(found.get("isVerified")),
    )


def _address(value: Any) -> str:
    if not is_address(str(value)):
        raise ValueError("no address")
    return str(value)


def _words(value: Any) -> str:
    """Return what somebody else wrote, in a form that can be stored and shown."""
    return "".join(letter for letter in str(value) if letter.isprintable())[:_MAX_WORDS]


def _decimal(value: Any) -> Decimal | None:
    number = None if value is None else Decimal(value)
    # Written out, some numbers would fill a book.
    is_shown = number is not None and number.is_finite() and _LEAST_SHOWN <= abs(number) <= _MOST_SHOWN
    return number if is_shown or number == 0 else None


def _fraction(percent: Any) -> Decimal | None:
    number = _decimal(percent)
    return None if number is None else number / 100
