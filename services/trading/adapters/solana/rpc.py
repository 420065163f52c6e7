"""How a node is asked over JSON-RPC, and what its refusals are; whatever it answers is read here, and by no library."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import httpx2

from services.trading.adapters.answers import mapping, read_json, whole, words
from services.trading.adapters.http import (
    NODE_BYTES,
    access_refused,
    open_http,
    rate_limited,
    refusal,
    translate_errors,
)
from services.trading.domain.errors import AccessRefused, ChainRateLimited, ChainUnavailable
from services.trading.domain.trade import MAX_AMOUNT

NAME = "the Solana node"
PROCESSED, CONFIRMED, FINALIZED = "processed", "confirmed", "finalized"

PREFLIGHT_FAILED, BAD_SIGNATURE, INVALID_PARAMS = -32002, -32003, -32602
"""What a node says of the transaction that it was sent, and not of itself."""

_RATE_LIMITED = (429, -32429)
_ACCESS_REFUSED = (401, 403)
_CODE = re.compile(r"-?[0-9]{1,9}")
_MAX_DEPTH = 8


class Refused(ChainUnavailable):
    """The node answered with a JSON-RPC error; its code is 0 when it has none that can be read."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{NAME} refused: {text} ({code})")
        self.code = code
        self.text = text


class Node:
    """Asks one node, and repeats nothing: what is to be repeated is decided elsewhere."""

    def __init__(self, url: str, client: httpx2.AsyncClient) -> None:
        self._url = url
        self._client = client

    async def ask(self, method: str, *params: Any) -> Any:
        """Return the result of a call, with each number as a text.

        Raises AccessRefused, ChainRateLimited and ChainUnavailable, of which Refused is what the node says itself.
        """
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        with translate_node_errors():
            response = await self._client.post(self._url, json=call)
        if response.is_success:
            with translate_node_errors():
                answer = mapping(read_json(response.content))
                if answer.get("error") is None:
                    return answer["result"]
            raise _refused(answer["error"])
        failure = refusal(NAME, response)
        # Some say with a status of its own what others say in a JSON-RPC error alone.
        if type(failure) is ChainUnavailable:
            with contextlib.suppress(TypeError, ValueError):
                if (error := mapping(read_json(response.content)).get("error")) is not None:
                    failure = _refused(error)
        raise failure

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def open_client(url: str) -> Node:
    """Return the client for a node's URL, whose calls and answers are limited."""
    return Node(url, open_http(url, most_bytes=NODE_BYTES))


@contextlib.contextmanager
def translate_node_errors() -> Iterator[None]:
    """Turn what goes wrong on the way to a node, or in reading its answer, into ChainUnavailable."""
    with translate_errors(NAME), without_panics():
        yield


@contextlib.contextmanager
def without_panics() -> Iterator[None]:
    """Turn a panic of `solders` over somebody's bytes into ValueError: it is no Exception, and nothing else ends it."""
    try:
        yield
    except BaseException as error:
        # The class can't be imported: each library in Rust has one of its own.
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("a panic") from None


def in_context(answer: Any) -> tuple[int, Any]:
    """Return the slot as of which an answer is true, and the answer."""
    shown = mapping(answer)
    return countable(mapping(shown["context"])["slot"]), shown["value"]


def countable(number: Any) -> int:
    """Return a number of the node's. Raises TypeError or ValueError for one that couldn't be stored."""
    return whole(number, MAX_AMOUNT)


def in_words(error: Any) -> str:
    """Return why a transaction failed, whatever name and form a node has for it; empty for None."""
    if error is None:
        return ""
    return words(_flat(error, _MAX_DEPTH)).strip() or "an error without a name"


def check_slot(slot: int, since_slot: int) -> None:
    """Raise ChainUnavailable when an answer is of an earlier slot than the wallet's latest trade."""
    if slot < since_slot:
        raise ChainUnavailable(f"{NAME} is at the slot {slot}, and the wallet's latest trade is in {since_slot}")


def _flat(error: Any, depth: int) -> str:
    if not depth:
        return ""
    match error:
        case dict():
            return ", ".join(f"{name} {_flat(value, depth - 1)}".strip() for name, value in error.items())
        case list():
            return " ".join(_flat(value, depth - 1) for value in error)
        case None:
            return ""
        case _:
            return str(error)


def _refused(error: Any) -> AccessRefused | ChainRateLimited | Refused:
    found = error if isinstance(error, dict) else {"message": error}
    number = found.get("code")
    code = int(number) if isinstance(number, str) and _CODE.fullmatch(number) else 0
    if code in _RATE_LIMITED:
        return rate_limited(NAME)
    if code in _ACCESS_REFUSED:
        return access_refused(NAME, f"code {code}")
    text = words(found.get("message")) or "it doesn't say why"
    data = found.get("data")
    why = in_words(data.get("err")) if isinstance(data, dict) else ""
    return Refused(code, f"{text}: {why}" if why and why not in text else text)
