"""Zstandard's frames (RFC 8878), with the data in them as it is: any decoder reads them, and no encoder is needed."""

_MAGIC = bytes.fromhex("28b52ffd")
_ONE_SEGMENT_WITH_SIZE = 0b1110_0000
"""The frame's descriptor: eight bytes say how long the data is, and there is one window for all of it."""

_BLOCK_BYTES = 1 << 17


def frame(data: bytes) -> bytes:
    """Return a frame of this data."""
    blocks = [data[start : start + _BLOCK_BYTES] for start in range(0, len(data), _BLOCK_BYTES)] or [b""]
    written = _MAGIC + bytes([_ONE_SEGMENT_WITH_SIZE]) + len(data).to_bytes(8, "little")
    for number, block in enumerate(blocks, start=1):
        is_last = number == len(blocks)
        written += (is_last | len(block) << 3).to_bytes(3, "little") + block
    return written
