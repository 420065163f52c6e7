"""The messages between the service and the process of an embedded index: a length, then a pickled tuple."""

import asyncio
import pickle
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct("<Q")


def pack(message: tuple[Any, ...]) -> bytes:
    """Return the bytes of a message."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> Any:
    """Return the next message, or None at the end of the stream, also when it ends within a message."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    [length] = _LENGTH.unpack(head)
    body = stream.read(length)
    return _message(body) if len(body) == length else None


async def receive(stream: asyncio.StreamReader) -> Any:
    """Return the next message. Raises IncompleteReadError at the end of the stream."""
    [length] = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    return _message(await stream.readexactly(length))


def _message(body: bytes) -> Any:
    return pickle.loads(body)  # noqa: S301 - both ends are this program, over a pipe that nobody else has
