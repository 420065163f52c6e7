"""The vectors of a small agent, with 8 bits for each number: a quarter of the memory.

Rounding moves a cosine by about a thousandth.
"""

import asyncio
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from services.memory.domain.vectors import Vector

_FLOAT = np.dtype("<f4")
_LEVELS = 127
_AT_ONCE = 256
"""How many rows are made numbers again in one step, so that they stay in the processor's cache."""
_EMPTY = 1_000
"""How many bytes a matrix takes about without a row."""
_SPARE = 1.25
"""What a matrix grows by when it is full."""
_FEW = 2_000
"""Comparing more takes longer than handing it to a thread, beside which the words are looked up."""


class RoundedMatrix:
    """The rounded vectors of one agent, in the order of their numbers: a row times its scale is the vector."""

    def __init__(self, vectors: Sequence[Vector], state: Hashable = None) -> None:
        self.state = state
        self.dimensions = len(vectors[0].data) // _FLOAT.itemsize if vectors else 0
        self.count = 0
        self._rows = np.empty((0, self.dimensions), np.int8)
        self._scales = np.empty(0, _FLOAT)
        self._seqs = np.empty(0, np.int64)
        self.put(vectors)

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return _EMPTY + self._rows.nbytes + self._scales.nbytes + self._seqs.nbytes

    def takes(self, vectors: Sequence[Vector]) -> bool:
        """Tell whether these are vectors of the same model, as far as that can be seen."""
        return all(len(vector.data) == self.dimensions * _FLOAT.itemsize for vector in vectors)

    def put(self, vectors: Sequence[Vector]) -> None:
        """Add vectors, or replace those of the same number."""
        given = {vector.seq: vector for vector in vectors}
        places, are_there = self._places(list(given))
        known = [vector for vector, is_there in zip(given.values(), are_there, strict=True) if is_there]
        if known:
            self._rearrange(np.arange(self.count))
            self._write(places[are_there], known)
        fresh = sorted(
            (vector for vector, is_there in zip(given.values(), are_there, strict=True) if not is_there),
            key=lambda vector: vector.seq,
        )
        if fresh:
            self._append(fresh)

    def remove(self, seqs: Sequence[int]) -> None:
        """Remove vectors; what isn't there is no error."""
        places, are_there = self._places(seqs)
        if are_there.any():
            self._rearrange(np.delete(np.arange(self.count), places[are_there]))

    async def nearest(self, vector: bytes, limit: int) -> list[int]:
        """Return the numbers of the `limit` memories that are nearest to a vector, in no order."""
        # Nothing is written to these rows meanwhile: what is new stands behind them, and all else in new arrays.
        rows, scales, seqs = self._rows[: self.count], self._scales[: self.count], self._seqs[: self.count]
        if self.count > limit:
            if self.count <= _FEW:
                similarities = _compare(vector, rows, scales)
            else:
                similarities = await asyncio.to_thread(_compare, vector, rows, scales)
            seqs = seqs[np.argpartition(-similarities, limit)[:limit]]
        found: list[int] = seqs.tolist()
        return found

    def similarities(self, vector: bytes, seqs: Sequence[int]) -> list[float]:
        """Return the cosine of a vector with each of these memories; 0 for what isn't there."""
        if not self.count:
            return [0.0] * len(seqs)
        places, are_there = self._places(seqs)
        similarities = _compare(vector, self._rows[places], self._scales[places])
        found: list[float] = (similarities * are_there).tolist()
        return found

    def _places(self, seqs: Sequence[int]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return where these numbers stand, and whether they do; a place is a valid one in any case."""
        wanted, held = np.array(seqs, np.int64), self._seqs[: self.count]
        if not self.count:
            return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), np.bool_)
        places = np.minimum(np.searchsorted(held, wanted), self.count - 1)
        return places, held[places] == wanted

    def _append(self, fresh: Sequence[Vector]) -> None:
        before, count = self.count, self.count + len(fresh)
        if count > len(self._seqs):
            for name in ("_rows", "_scales", "_seqs"):
                old = getattr(self, name)
                new = np.empty((max(count, int(before * _SPARE)), *old.shape[1:]), old.dtype)
                new[:before] = old[:before]
                setattr(self, name, new)
        self._seqs[before:count] = [vector.seq for vector in fresh]
        self._write(slice(before, count), fresh)
        self.count = count
        if before and fresh[0].seq < self._seqs[before - 1]:
            self._rearrange(np.argsort(self._seqs[:count]))

    def _rearrange(self, places: NDArray[np.intp]) -> None:
        self._rows, self._scales, self._seqs = self._rows[places], self._scales[places], self._seqs[places]
        self.count = len(places)

    def _write(self, places: NDArray[np.intp] | slice, vectors: Sequence[Vector]) -> None:
        numbers = np.frombuffer(b"".join(vector.data for vector in vectors), _FLOAT).reshape(-1, self.dimensions)
        scales = np.abs(numbers).max(axis=1) / _LEVELS
        scales[scales == 0] = 1.0
        self._rows[places], self._scales[places] = np.rint(numbers / scales[:, None]), scales


def _compare(vector: bytes, rows: NDArray[np.int8], scales: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosine of a vector with each of these rows."""
    wanted = np.frombuffer(vector, _FLOAT)
    similarities = np.empty(len(rows), _FLOAT)
    numbers = np.empty((min(len(rows), _AT_ONCE), len(wanted)), _FLOAT)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        numbers[: len(some)] = some
        np.dot(numbers[: len(some)], wanted, out=similarities[start : start + len(some)])
    similarities *= scales
    return similarities
