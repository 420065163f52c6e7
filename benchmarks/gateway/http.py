"""As little of an HTTP client as measuring takes: what a library adds would count as the gateway's."""

import asyncio
from collections.abc import AsyncIterator


class Connection:
    """One connection that is kept alive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        self._reader, self._writer, self._head = reader, writer, head

    @classmethod
    async def open(cls, address: str, token: str) -> "Connection":
        """Connect to `host:port`; the token goes with every call."""
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        return cls(reader, writer, f"Host: {address}\r\nAuthorization: Bearer {token}\r\n")

    async def call(self, verb: str, path: str, body: bytes = b"") -> bytes:
        """Return the body of an answer. Raises ValueError unless it is a success."""
        head = f"{verb} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        status = await self._reader.readline()
        length = 0
        while (line := await self._reader.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        answer = await self._reader.readexactly(length)
        if not status.split()[1].startswith(b"2"):
            raise ValueError(f"{verb} {path}: {answer!r}")
        return answer

    async def stream(self, path: str) -> None:
        """Begin an event stream."""
        self._writer.write(f"GET {path} HTTP/1.0\r\n{self._head}\r\n".encode())
        status = await self._reader.readline()
        if b"200" not in status:
            raise ValueError(f"{path}: {status!r}")
        while (await self._reader.readline()).strip():
            pass

    async def ids(self) -> AsyncIterator[str]:
        """Yield the id of each event that has data, as it arrives."""
        last = ""
        while line := await self._reader.readline():
            if line.startswith(b"id: "):
                last = line[4:].strip().decode()
            elif line.startswith(b"data: "):
                yield last

    def close(self) -> None:
        """Leave."""
        self._writer.close()
