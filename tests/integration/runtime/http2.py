"""A client of HTTP/2 in a few frames (RFC 9113, RFC 7541), which pings as it likes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4


class Connection:
    """One connection; it answers nothing, and notes what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.pongs = 0
        self.went_away = b""
        """What the server has said when it ended the connection."""
        self.is_over = False
        """Whether the server has ended the connection, with a word or without."""
        self.data = b""
        """What came on streams."""
        self.grown = asyncio.Event()

    def ping(self) -> None:
        self._send(PING, 0, 0, b"8 octets")

    def call(self, path: str, message: bytes, token: str) -> None:
        """Make a unary gRPC call on the one stream."""
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "localhost",
            "content-type": "application/grpc",
            "te": "trailers",
            "authorization": f"Bearer {token}",
        }
        self._send(_HEADERS, _END_HEADERS, 1, b"".join(map(_literal, headers.items())))
        self._send(_DATA, _END_STREAM, 1, b"\0" + len(message).to_bytes(4, "big") + message)

    async def read(self) -> None:
        """Read until the server closes the connection."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while not self.is_over:
                head = await self._reader.readexactly(9)
                body = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
                kind, flags = head[3], head[4]
                if kind == PING and flags & _ACK:
                    self.pongs += 1
                elif kind == PING:
                    self._send(PING, _ACK, 0, body)
                elif kind == _SETTINGS and not flags & _ACK:
                    self._send(_SETTINGS, _ACK, 0, b"")
                elif kind == GOAWAY:
                    self.went_away, self.is_over = body[8:], True
                elif kind == _DATA:
                    self.data += body
                self.grown.set()
                self.grown = asyncio.Event()
        self.is_over = True
        self.grown.set()

    def greet(self) -> None:
        self._writer.write(_PREFACE)
        self._send(_SETTINGS, 0, 0, b"")

    def _send(self, kind: int, flags: int, stream: int, body: bytes) -> None:
        self._writer.write(len(body).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + body)


@contextlib.asynccontextmanager
async def connected(address: str) -> AsyncIterator[Connection]:
    """Open a connection, and read what comes until the block ends."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    connection = Connection(reader, writer)
    connection.greet()
    reading = asyncio.create_task(connection.read())
    try:
        yield connection
    finally:
        reading.cancel()
        writer.close()
        await asyncio.gather(reading, writer.wait_closed(), return_exceptions=True)


def _literal(header: tuple[str, str]) -> bytes:
    return b"\0" + b"".join(_length(len(text)) + text for text in map(str.encode, header))


def _length(number: int) -> bytes:
    return bytes(_seven_bits(number))


def _seven_bits(number: int) -> Iterable[int]:
    if number < 127:
        yield number
        return
    yield 127
    number -= 127
    while number >= 128:
        yield number % 128 + 128
        number //= 128
    yield number
