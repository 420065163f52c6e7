"""How a node is asked, and what its refusals are."""

import contextlib
from collections.abc import AsyncIterator

import httpx2
from solana.exceptions import SolanaRpcException
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solana.rpc.core import RPCException
from solders.errors import SerdeJSONError

from services.trading.adapters.http import NODE_BYTES, TIMEOUT_SECONDS, open_http, refusal, understanding
from services.trading.domain.errors import ChainUnavailable

NAME = "the Solana node"


class Refused(ChainUnavailable):
    """The node answered with a JSON-RPC error."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{NAME} refused: {text}")
        self.text = text


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Turn what goes wrong in asking the node into errors that say what the caller should do."""
    try:
        with understanding(NAME):
            yield
    except SerdeJSONError:
        raise ChainUnavailable(f"{NAME} answered with something else") from None
    except RPCException as error:
        told = error.args[0] if error.args else None
        raise Refused(str(getattr(told, "message", type(told).__name__))) from None
    except SolanaRpcException as error:
        cause = error.__cause__
        if isinstance(cause, httpx2.HTTPStatusError):
            raise refusal(NAME, cause.response) from None
        raise ChainUnavailable(f"{NAME} did not answer ({type(cause).__name__})") from None


class _BoundedClient(AsyncClient):
    """The library's client on an HTTP client of ours, which it has no parameter for."""

    def __init__(self, url: str) -> None:
        # What is to be repeated is decided here, so it repeats nothing itself.
        super().__init__(url, Confirmed, TIMEOUT_SECONDS, max_transport_retries=0)
        self._provider.session = open_http(url, most_bytes=NODE_BYTES)


def open_client(url: str) -> AsyncClient:
    """Return the client for a node's URL, whose calls and answers are limited."""
    return _BoundedClient(url)
