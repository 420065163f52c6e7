"""Comparing vectors of one model."""

import asyncio
from collections.abc import Sequence

_WIDTH = 4
"""How many bytes a number of a vector has."""
_MANY = 2_000
"""More vectors take longer to compare than handing them to a thread."""


async def cosines(vector: bytes, others: Sequence[bytes]) -> list[float]:
    """Return the cosine of a vector of unit length with each of the others; what has no vector is 0."""
    if len(others) > _MANY:
        return await asyncio.to_thread(_cosines, vector, others)
    return _cosines(vector, others)


def _cosines(vector: bytes, others: Sequence[bytes]) -> list[float]:
    # Imported here, as NumPy takes 10 MB, and most of the time nobody searches.
    import numpy as np

    nothing = bytes(len(vector))
    numbers = np.frombuffer(b"".join(other or nothing for other in others), "<f4")
    found: list[float] = (numbers.reshape(-1, len(vector) // _WIDTH) @ np.frombuffer(vector, "<f4")).tolist()
    return found
