"""How much of an answer is read, for how long, and what of it is passed on."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import httpx2
import pytest

from services.trading.adapters.http import BoundedTransport, open_http
from services.trading.adapters.jupiter import Jupiter
from services.trading.adapters.solana import rpc
from services.trading.domain.errors import ChainUnavailable
from services.trading.domain.market import SOL

MAX_BYTES = 1_000


@dataclass
class Body(httpx2.AsyncByteStream):
    """A body in pieces, of which it is known how many were taken."""

    pieces: AsyncIterator[bytes]
    taken: int = 0
    is_closed: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self.pieces:
            self.taken += 1
            self.begun.set()
            yield piece

    async def aclose(self) -> None:
        self.is_closed = True


@dataclass
class There(httpx2.AsyncBaseTransport):
    """A server that answers with one body."""

    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    asked: list[httpx2.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return httpx2.Response(self.status, headers=self.headers, stream=self.body)


async def in_pieces(piece: bytes, times: int | None = None) -> AsyncIterator[bytes]:
    """Say the same again and again, for ever without a number of times."""
    said = 0
    while times is None or said < times:
        said += 1
        yield piece


async def never() -> AsyncIterator[bytes]:
    """Say something, and nothing more."""
    yield b" "
    await asyncio.Event().wait()


@pytest.fixture
async def asking() -> AsyncIterator[Callable[[There], httpx2.AsyncClient]]:
    clients: list[httpx2.AsyncClient] = []

    def ask(there: There, seconds: float = 10.0) -> httpx2.AsyncClient:
        transport = BoundedTransport(there, MAX_BYTES, seconds)
        clients.append(httpx2.AsyncClient(base_url="http://there.test/", transport=transport, follow_redirects=True))
        return clients[-1]

    yield ask
    for client in clients:
        await client.aclose()


Asking = Callable[..., httpx2.AsyncClient]


async def test_an_answer_without_end_is_given_up(asking: Asking) -> None:
    there = There(Body(in_pieces(b" " * 100)))
    with pytest.raises(ChainUnavailable, match="none that can be used"):
        await Jupiter(asking(there)).prices([SOL])
    assert there.body.taken == MAX_BYTES // 100 + 1
    assert there.body.is_closed


async def test_an_answer_in_nothings_is_given_up(asking: Asking) -> None:
    there = There(Body(in_pieces(b"")))
    with pytest.raises(ChainUnavailable, match="none that can be used"):
        await Jupiter(asking(there)).prices([SOL])


async def test_an_answer_that_drips_is_given_up_in_the_time_of_a_whole_call(asking: Asking) -> None:
    there = There(Body(never()))
    with pytest.raises(ChainUnavailable, match="did not answer: it took too long"):
        await Jupiter(asking(there, 0.01)).prices([SOL])
    assert there.body.is_closed


async def test_others_have_their_turn_while_pieces_come(asking: Asking) -> None:
    there = There(Body(in_pieces(b" ", MAX_BYTES)))
    call = asyncio.create_task(asking(there).get("x"))
    await there.body.begun.wait()
    assert there.body.taken < MAX_BYTES
    assert (await call).content == b" " * MAX_BYTES


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
async def test_what_is_packed_is_neither_asked_for_nor_unpacked(asking: Asking, coding: str) -> None:
    there = There(Body(in_pieces(gzip.compress(b"{}"), 1)), {"content-encoding": coding})
    with pytest.raises(ChainUnavailable, match="none that can be used"):
        await Jupiter(asking(there)).prices([SOL])
    assert there.asked[0].headers["accept-encoding"] == "identity"
    assert not there.body.taken


@pytest.mark.parametrize("charset", ["punycode", "idna", "utf-7", "latin-1"])
async def test_the_charset_is_not_for_others_to_choose(asking: Asking, charset: str) -> None:
    there = There(Body(in_pieces("ä".encode(), 3)), {"content-type": f"text/plain; charset={charset}"})
    assert (await asking(there).get("x")).text == "äää"


async def test_nobody_is_sent_elsewhere_or_given_cookies(asking: Asking) -> None:
    there = There(Body(in_pieces(b"", 1)), {"location": "http://elsewhere.test/", "set-cookie": "a=b"}, 302)
    client = asking(there)
    assert (await client.get("x")).status_code == 302
    assert len(there.asked) == 1
    assert not client.cookies


async def test_a_caller_who_gives_up_ends_the_call(asking: Asking) -> None:
    there = There(Body(never()))
    call = asyncio.create_task(asking(there).get("x"))
    await there.body.begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert there.body.is_closed


async def test_the_node_is_asked_through_the_same_limits() -> None:
    client = rpc.open_client("http://127.0.0.1:9/")
    try:
        assert isinstance(client._client._transport, BoundedTransport)
        with pytest.raises(ChainUnavailable):
            await client.ask("getBalance", SOL)
    finally:
        await client.close()


def test_a_proxy_of_the_environment_is_for_the_world_and_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("http_proxy", "http://proxy.test:3128")
    monkeypatch.setenv("no_proxy", "near.test")
    proxies = {url: _pool_of(open_http(url)) for url in ("https://far.test", "https://near.test", "http://127.0.0.1")}
    assert proxies == {
        "https://far.test": "AsyncHTTPProxy",
        "https://near.test": "AsyncConnectionPool",
        "http://127.0.0.1": "AsyncConnectionPool",
    }


def _pool_of(client: httpx2.AsyncClient) -> str:
    transport = client._transport
    assert isinstance(transport, BoundedTransport)
    assert isinstance(transport._inner, httpx2.AsyncHTTPTransport)
    return type(transport._inner._pool).__name__
