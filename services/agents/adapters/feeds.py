"""Feeds over HTTP: bounded in size, time and redirections, and never from an address of the network that we are in."""

import asyncio
import hashlib
import html
import io
import ipaddress
import socket
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import feedparser
import httpx2
from typing_extensions import override

from services.agents.ports.feeds import FeedError, FeedItem, FeedPort, Fetched, Validators
from services.runtime.http_failures import why

_SECONDS = 10.0
"""For one source, with all its redirections."""
_MAX_BYTES = 2_000_000
"""Several times the largest of common feeds."""
_MAX_REDIRECTS = 3
_MAX_ITEMS = 100
_MAX_TEXT, _MAX_LINK, _MAX_HEADER = 600, 2_048, 500
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_OK, _NOT_MODIFIED = 200, 304
_PAGES = ("text/html", "application/xhtml+xml")


class HttpFeeds(FeedPort):
    """Reads feeds and pages; each connection goes to an address that was looked at before."""

    def __init__(self, *, allows_http: bool, allows_private: bool) -> None:
        """Take whether plain HTTP may be spoken, and whether addresses that aren't public may be called."""
        self._allows_http = allows_http
        self._allows_private = allows_private

    @override
    async def fetch(self, url: str, known: Validators) -> Fetched:
        try:
            async with (
                asyncio.timeout(_SECONDS),
                # No proxy, and nothing else that the environment says.
                httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=_SECONDS) as client,
            ):
                place, headers, body = await self._followed(client, url, known)
        except TimeoutError:
            raise FeedError(f"it took longer than {_SECONDS:g} seconds") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise FeedError(f"could not be read: {why(error)}") from error
        if body is None:
            return Fetched((), known)
        # What is parsed is the work of strangers: it takes no turn of the others.
        items = await asyncio.to_thread(_items, place, headers, body)
        etag, modified = headers.get("etag", ""), headers.get("last-modified", "")
        return Fetched(items, Validators(etag[:_MAX_HEADER], modified[:_MAX_HEADER]))

    async def _followed(
        self, client: httpx2.AsyncClient, url: str, known: Validators
    ) -> tuple[str, httpx2.Headers, bytes | None]:
        for _ in range(_MAX_REDIRECTS + 1):
            request = await self._request(client, httpx2.URL(url), known)
            response = await client.send(request, stream=True)
            try:
                if response.status_code in _REDIRECTS:
                    url = str(httpx2.URL(url).join(response.headers.get("location", "")))
                    continue
                if response.status_code == _NOT_MODIFIED:
                    return url, response.headers, None
                if response.status_code != _OK:
                    raise FeedError(f"was answered with status {response.status_code}")
                return url, response.headers, await _body(response)
            finally:
                await response.aclose()
        raise FeedError(f"redirects more than {_MAX_REDIRECTS} times")

    async def _request(self, client: httpx2.AsyncClient, url: httpx2.URL, known: Validators) -> httpx2.Request:
        """Return a request to an address that was looked at, whatever the name means to the next who asks."""
        if url.scheme != "https" and not (url.scheme == "http" and self._allows_http):
            raise FeedError("is not an https:// address, which PUPPET_AGENTS_FEED_HTTP=true lets be")
        if not url.host or url.userinfo:
            raise FeedError("is not the address of a public server")
        address = await self._address(url.host, url.port or (443 if url.scheme == "https" else 80))
        headers = {
            "host": url.netloc.decode("ascii"),
            # What is packed may be a thousand times as large as it looks.
            "accept-encoding": "identity",
            "accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/html;q=0.8",
            "user-agent": "puppet-engine",
        }
        if known.etag:
            headers["if-none-match"] = known.etag
        if known.last_modified:
            headers["if-modified-since"] = known.last_modified
        # The certificate has to be that of the name.
        extensions = {"sni_hostname": url.raw_host.decode("ascii")}
        return client.build_request("GET", url.copy_with(host=address), headers=headers, extensions=extensions)

    async def _address(self, host: str, port: int) -> str:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(item[4][0]) for item in found]
        if not addresses or not (self._allows_private or all(map(_is_public, addresses))):
            raise FeedError("is not a public server's, which PUPPET_AGENTS_FEED_PRIVATE_ADDRESSES=true lets be")
        return str(addresses[0])


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return _is_public(inner)
        if address in _TRANSLATED:
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator, by RFC 6052."""


async def _body(response: httpx2.Response) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise FeedError("is packed, which was not asked for")
    read = bytearray()
    async for piece in response.aiter_raw():
        read += piece
        if len(read) > _MAX_BYTES:
            raise FeedError(f"has more than {_MAX_BYTES:,} bytes")
    return bytes(read)


def _items(url: str, headers: httpx2.Headers, body: bytes) -> list[FeedItem]:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _PAGES:
        return [item for item in [_page(url, body)] if item.text]
    # A stream, since a text that looks like an address or a file's name would be opened.
    parsed = feedparser.parse(io.BytesIO(body), response_headers={"content-type": headers.get("content-type", "")})
    if not parsed.entries and (parsed.get("bozo") or not parsed.get("version")):
        raise FeedError("is neither a feed nor a page")
    return list(_read(parsed.entries))


def _read(entries: list[Any]) -> Iterator[FeedItem]:
    for entry in entries[:_MAX_ITEMS]:
        title, summary = _plain(str(entry.get("title", ""))), _plain(str(entry.get("summary", "")))
        text = title if not summary or summary.startswith(title) else f"{title.rstrip('.')}. {summary}" if title else ""
        text = (text or summary)[:_MAX_TEXT].strip()
        link = str(entry.get("link", ""))[:_MAX_LINK]
        if text:
            yield FeedItem(_id(str(entry.get("id") or link or text)), text, link if _is_web(link) else "")


def _page(url: str, body: bytes) -> FeedItem:
    reader = _Head()
    reader.feed(body.decode("utf-8", "replace"))
    title = reader.found.get("og:title") or reader.found.get("title", "")
    about = reader.found.get("og:description") or reader.found.get("description", "")
    text = ". ".join(part.rstrip(".") for part in (_plain(title), _plain(about)) if part)
    return FeedItem(_id(text), text[:_MAX_TEXT].strip(), url[:_MAX_LINK])


class _Head(HTMLParser):
    """Reads the title and the description of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._is_title = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_title = tag == "title" and "title" not in self.found
        given = dict(attrs)
        if tag == "meta" and (name := given.get("property") or given.get("name")):
            self.found.setdefault(name.lower(), given.get("content") or "")

    @override
    def handle_endtag(self, tag: str) -> None:
        self._is_title = False

    @override
    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.found["title"] = (self.found.get("title", "") + data)[: 2 * _MAX_TEXT]


def _plain(text: str) -> str:
    """Return a text without markup, on one line."""
    return " ".join(html.unescape(_without_tags(text[: 20 * _MAX_TEXT])).replace("\0", " ").split())


def _is_web(link: str) -> bool:
    return link.startswith(("https://", "http://"))


def _id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _without_tags(text: str) -> str:
    """Return a text without what stands between `<` and `>`, in time that grows with its length alone."""
    head, *rest = text.split("<")
    return " ".join((head, *(piece.partition(">")[2] if ">" in piece else piece for piece in rest)))
