"""The vectors of one agent that the index doesn't have yet."""

import asyncio

import numpy as np
from numpy.typing import NDArray

_FLOAT = np.dtype("<f4")
_LONG = 5_000
"""More rows than this take longer than handing them to a thread."""


class RecentMatrix:
    """Rows in no order, with the number of the memory that each belongs to."""

    def __init__(self, width: int) -> None:
        """Take how many bytes a vector has."""
        self.width = width
        self.seqs: list[int] = []
        self._rows: NDArray[np.float32] = np.empty((16, width // _FLOAT.itemsize), _FLOAT)
        self._at: dict[int, int] = {}

    def put(self, seq: int, data: bytes) -> None:
        """Add a vector, or replace that of the same number."""
        at = self._at.get(seq)
        if at is None:
            at = self._at[seq] = len(self.seqs)
            self.seqs.append(seq)
            if at == len(self._rows):
                self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[at] = np.frombuffer(data, _FLOAT)

    def drop(self, seq: int) -> None:
        """Remove a vector; one that isn't there is no error."""
        at = self._at.pop(seq, None)
        if at is None:
            return
        last = self.seqs.pop()
        if last != seq:
            self._rows[at] = self._rows[len(self.seqs)]
            self.seqs[at], self._at[last] = last, at

    async def nearest(self, vector: bytes, limit: int) -> list[int]:
        """Return the numbers of up to `limit` memories near a vector, in no order; none for another model's vector."""
        if len(vector) != self.width:
            return []
        seqs, wanted = list(self.seqs), np.frombuffer(vector, _FLOAT)
        if len(seqs) <= limit:
            return seqs
        rows = self._rows[: len(seqs)]
        if len(seqs) <= _LONG:
            similarities = rows @ wanted
        else:
            similarities = await asyncio.to_thread(rows.__matmul__, wanted)
        return [seqs[at] for at in np.argpartition(-similarities, limit)[:limit]]
