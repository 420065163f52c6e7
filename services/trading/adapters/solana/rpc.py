"""How a node is asked, and what its refusals are."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence

import httpx2
from solana.exceptions import SolanaRpcException
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Commitment, Confirmed
from solana.rpc.core import RPCException
from solana.rpc.models import DataSliceOpts
from solders.account import Account
from solders.errors import SerdeJSONError
from solders.pubkey import Pubkey

from services.trading.adapters.answers import words
from services.trading.adapters.http import NODE_BYTES, TIMEOUT_SECONDS, open_http, refusal, understanding
from services.trading.domain.errors import ChainUnavailable
from services.trading.domain.trade import MAX_AMOUNT, Unsafe

NAME = "the Solana node"

_MOST_BYTES = 2_000_000
"""How much of all accounts together is looked at; in base64 it is two thirds of the largest answer."""

_MOST_KEYS = 100
"""How many accounts a node shows at once."""


class Refused(ChainUnavailable):
    """The node answered with a JSON-RPC error."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{NAME} refused: {text}")
        self.text = text


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Turn what goes wrong in asking the node into errors that say what the caller should do."""
    try:
        with understanding(NAME), calm():
            yield
    # For some codes of errors the library looks for what isn't there.
    except (SerdeJSONError, AttributeError):
        raise ChainUnavailable(f"{NAME} answered with something else") from None
    except RPCException as error:
        told = error.args[0] if error.args else None
        raise Refused(words(getattr(told, "message", type(told).__name__))) from None
    except SolanaRpcException as error:
        cause = error.__cause__
        if isinstance(cause, httpx2.HTTPStatusError):
            raise refusal(NAME, cause.response) from None
        raise ChainUnavailable(f"{NAME} did not answer ({type(cause).__name__})") from None


@contextlib.contextmanager
def calm() -> Iterator[None]:
    """Turn a panic of `solders` over somebody's bytes into ValueError: it is no Exception, and nothing else ends it."""
    try:
        yield
    except BaseException as error:
        # The class can't be imported: each library in Rust has one of its own.
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("a panic") from None


def countable(number: int) -> int:
    """Return a number of the node's that can be stored. Raises ValueError for one that is beyond what is."""
    if not -MAX_AMOUNT <= number <= MAX_AMOUNT:
        raise ValueError("a number beyond what can be stored")
    return number


def check_slot(slot: int, since_slot: int) -> None:
    """Raise ChainUnavailable when an answer is of an earlier slot than the wallet's latest trade."""
    if slot < since_slot:
        raise ChainUnavailable(f"{NAME} is at the slot {slot}, and the wallet's latest trade is in {since_slot}")


async def accounts(
    client: AsyncClient, keys: Sequence[Pubkey], commitment: Commitment, since_slot: int, most_bytes: int = _MOST_BYTES
) -> list[Account | None]:
    """Return up to 100 accounts as they were at a slot or later, `most_bytes` of all of them together at most.

    Raises Unsafe when one is larger than its share: strangers can name, and make, accounts of ten megabytes. Of
    programs only the beginning is returned.
    """
    share = most_bytes // max(len(keys), 1)
    found = await start_of_accounts(client, keys, commitment, share + 1, since_slot)
    for key, account in zip(keys, found, strict=True):
        if account is not None and not account.executable and len(account.data) > share:
            raise Unsafe(f"the account {key} is too large to be looked at: more than {share} bytes")
    return found


async def start_of_accounts(
    client: AsyncClient, keys: Sequence[Pubkey], commitment: Commitment, most_bytes: int, since_slot: int = 0
) -> list[Account | None]:
    """Return accounts with so many of their first bytes, any number of accounts, as they were at a slot or later."""
    found: list[Account | None] = []
    for start in range(0, len(keys), _MOST_KEYS):
        asked = list(keys[start : start + _MOST_KEYS])
        async with asking():
            part = DataSliceOpts(offset=0, length=most_bytes)
            answer = await client.get_multiple_accounts(asked, commitment, data_slice=part)
            found += [account for _key, account in zip(asked, answer.value, strict=True)]
        check_slot(answer.context.slot, since_slot)
    return found


class _BoundedClient(AsyncClient):
    """The library's client on an HTTP client of ours, which it has no parameter for."""

    def __init__(self, url: str) -> None:
        # What is to be repeated is decided here, so it repeats nothing itself.
        super().__init__(url, Confirmed, TIMEOUT_SECONDS, max_transport_retries=0)
        self._provider.session = open_http(url, most_bytes=NODE_BYTES)


def open_client(url: str) -> AsyncClient:
    """Return the client for a node's URL, whose calls and answers are limited."""
    return _BoundedClient(url)
