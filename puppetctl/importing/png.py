"""The text chunks of a PNG, read within bounds."""

import struct
import zlib
from collections.abc import Iterator

from puppetctl.importing.errors import Unreadable

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_MAX_CHUNKS = 100_000
_MAX_TEXT = 16 * 2**20
"""Of one text, unpacked. The largest cards known have lorebooks of two megabytes."""


def texts(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Go through the texts of a PNG with their keywords, unpacked. Raises Unreadable with the byte of what is wrong."""
    at = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            raise Unreadable(f"byte {at:,}: the PNG ends in the middle")
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND":
            return
        if at + 12 + length > len(data):
            raise Unreadable(f"byte {at:,}: the PNG ends in the middle")
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            content = data[at + 8 : at + 8 + length]
            if zlib.crc32(kind + content) != struct.unpack_from(">I", data, at + 8 + length)[0]:
                raise Unreadable(f"byte {at:,}: a text chunk of the PNG is damaged: its checksum is wrong")
            try:
                yield _text(kind, content)
            except (ValueError, zlib.error) as error:
                raise Unreadable(f"byte {at:,}: a text chunk of the PNG is damaged: {error}") from None
        at += 12 + length
    raise Unreadable(f"the PNG has more than {_MAX_CHUNKS:,} chunks")


def _text(kind: bytes, content: bytes) -> tuple[str, bytes]:
    keyword, _, rest = content.partition(b"\0")
    if kind == b"iTXt":
        # Whether it is packed, and how; then the language, and the keyword in it.
        is_packed, rest = rest[:1] == b"\1", rest[2:]
        rest = rest.split(b"\0", 2)[-1]
    else:
        is_packed = kind == b"zTXt"
        rest = rest[1:] if is_packed else rest
    return keyword.decode("latin-1"), _unpacked(rest) if is_packed else rest


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(packed, _MAX_TEXT)
    if unpacker.unconsumed_tail:
        raise ValueError(f"it unpacks to more than {_MAX_TEXT:,} bytes")
    if not unpacker.eof:
        raise ValueError("what is packed in it is incomplete")
    return text
