"""What the HTTP APIs have in common: limits on an answer, and errors that say what the caller should do."""

import asyncio
import contextlib
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import cast

import httpx2

from services.runtime import telemetry
from services.runtime.http_failures import why
from services.trading.domain.errors import AccessRefused, ChainRateLimited, ChainUnavailable

TIMEOUT_SECONDS = 10.0
"""The most that one HTTP call may take, up to the last byte; a caller's deadline cancels it earlier."""

API_BYTES, NODE_BYTES = 1_000_000, 4_000_000
"""The largest answers, several times as large as any that is asked for, and read in some hundredths of a second."""

_MAX_PIECES = 8_192
_RETRY_SECONDS, _MAX_RETRY_SECONDS = 1.0, 60.0
_PASSED_ON = ("retry-after", "x-ratelimit-reset")
_MAX_DIGITS = 12


class BoundedTransport(httpx2.AsyncBaseTransport):
    """Reads whole answers of a limited size within a limited time, and passes on what they say and nothing else."""

    def __init__(
        self, inner: httpx2.AsyncBaseTransport, most_bytes: int = API_BYTES, seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self._inner = inner
        self._most_bytes = most_bytes
        self._seconds = seconds

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return an answer that has been read. Raises httpx2.RequestError for one that is too large, late or packed."""
        # What is packed may be a thousand times as large as it looks.
        request.headers["accept-encoding"] = "identity"
        try:
            with telemetry.request(request.method, request.url.host, request.url.path) as exchange:
                async with asyncio.timeout(self._seconds), contextlib.AsyncExitStack() as stack:
                    response = await self._inner.handle_async_request(request)
                    exchange.status = response.status_code
                    stack.push_async_callback(response.aclose)
                    body = await self._read(response, request)
        except TimeoutError:
            raise httpx2.ReadTimeout("the answer takes too long", request=request) from None
        # Nobody else's charset, cookies or redirections.
        headers = {name: response.headers[name] for name in _PASSED_ON if name in response.headers}
        headers["content-type"] = "application/json"
        return httpx2.Response(response.status_code, headers=headers, content=body)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _read(self, response: httpx2.Response, request: httpx2.Request) -> bytes:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise httpx2.DecodingError("the answer is packed", request=request)
        body, pieces = bytearray(), 0
        # Not aiter_raw(), which waits for as long as the pieces are empty.
        async for piece in cast("httpx2.AsyncByteStream", response.stream):
            body += piece
            pieces += 1
            if len(body) > self._most_bytes or pieces > _MAX_PIECES:
                raise httpx2.DecodingError("the answer is too large", request=request)
            # Thousands of small pieces may be there already, and then nothing else makes others wait for less.
            await asyncio.sleep(0)
        return bytes(body)


def open_http(url: str, headers: Mapping[str, str] | None = None, most_bytes: int = API_BYTES) -> httpx2.AsyncClient:
    """Return a client with limited calls and answers for one server, through a proxy that the environment names."""
    transport = BoundedTransport(httpx2.AsyncHTTPTransport(proxy=_proxy(url)), most_bytes)
    base_url = url.rstrip("/") + "/"
    return httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)


def refusal(name: str, response: httpx2.Response) -> AccessRefused | ChainRateLimited | ChainUnavailable:
    """Return the error for an answer that is no success; `name` says whose it is."""
    after = _retry_after(response)
    match response.status_code:
        case httpx2.codes.UNAUTHORIZED | httpx2.codes.FORBIDDEN as status:
            return access_refused(name, f"status {status}")
        case httpx2.codes.TOO_MANY_REQUESTS:
            return rate_limited(name, after)
        case status:
            return ChainUnavailable(f"{name} answered with status {status}", after)


def access_refused(name: str, said: str) -> AccessRefused:
    """Return the error for an answer that is about who asks."""
    return AccessRefused(f"{name} refuses this caller ({said}): its key is wrong, or it serves nobody from here")


def rate_limited(name: str, after: float = _RETRY_SECONDS) -> ChainRateLimited:
    """Return the error for a rate limit that ends after so many seconds."""
    return ChainRateLimited(f"{name} limits the rate of calls", after, subject=name)


@contextlib.contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Turn what goes wrong on the way, or in reading an answer, into ChainUnavailable.

    The errors are not chained: they hold the URL, which may hold a provider's key.
    """
    try:
        yield
    except httpx2.HTTPError as error:
        raise ChainUnavailable(f"{name} did not answer: {why(error)}") from None
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise ChainUnavailable(f"{name} did not answer as expected: {why(error)}") from None


def _proxy(url: str) -> str | None:
    there = httpx2.URL(url)
    if there.host == "localhost" or there.host.startswith("127.") or urllib.request.proxy_bypass(there.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(there.scheme) or proxies.get("all")


def _retry_after(response: httpx2.Response) -> float:
    # The header may also be a date; no API spoken here sends one.
    after, reset = (_seconds(response, name) for name in _PASSED_ON)
    if after is None:
        after = _RETRY_SECONDS if reset is None else max(reset - time.time(), _RETRY_SECONDS)
    return min(after, _MAX_RETRY_SECONDS)


def _seconds(response: httpx2.Response, name: str) -> float | None:
    text = response.headers.get(name, "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None
