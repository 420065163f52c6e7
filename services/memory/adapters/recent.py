"""Vectors that the index doesn't have yet: a matrix for each agent, compared in one product."""

import asyncio
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from services.memory.domain.vectors import Vector
from services.memory.ports.index import Recent

_FLOAT = np.dtype("<f4")
_LONG = 5_000
"""More rows than this take longer than handing them to a thread."""


class _Matrix:
    """Rows in no order, with the number of the memory that each belongs to."""

    def __init__(self, dimensions: int) -> None:
        self.rows: NDArray[np.float32] = np.empty((16, dimensions), _FLOAT)
        self.seqs: list[int] = []
        self._at: dict[int, int] = {}

    def put(self, seq: int, row: NDArray[np.float32]) -> None:
        at = self._at.get(seq)
        if at is None:
            at = self._at[seq] = len(self.seqs)
            self.seqs.append(seq)
            if at == len(self.rows):
                self.rows = np.concatenate([self.rows, np.empty_like(self.rows)])
        self.rows[at] = row

    def drop(self, seq: int) -> None:
        at = self._at.pop(seq)
        last = self.seqs.pop()
        if last != seq:
            self.rows[at] = self.rows[len(self.seqs)]
            self.seqs[at], self._at[last] = last, at


class RecentVectors(Recent):
    """Keeps what was written until the index has it."""

    def __init__(self) -> None:
        self._matrices: dict[str, _Matrix] = {}
        self._agents: dict[int, str] = {}

    @override
    def put(self, vectors: Sequence[Vector]) -> None:
        for vector in vectors:
            row = np.frombuffer(vector.data, _FLOAT)
            matrix = self._matrices.get(vector.agent_id)
            if matrix is not None and matrix.rows.shape[1] != len(row):
                # Vectors of another model are of no use to a search with this one.
                self.drop(list(matrix.seqs))
                matrix = None
            if matrix is None:
                matrix = self._matrices[vector.agent_id] = _Matrix(len(row))
            matrix.put(vector.seq, row)
            self._agents[vector.seq] = vector.agent_id

    @override
    def drop(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            agent_id = self._agents.pop(seq, None)
            if agent_id is not None and (matrix := self._matrices.get(agent_id)) is not None:
                matrix.drop(seq)
                if not matrix.seqs:
                    del self._matrices[agent_id]

    @override
    async def nearest(self, agent_id: str, vector: bytes, most: int) -> list[int]:
        matrix = self._matrices.get(agent_id)
        wanted = np.frombuffer(vector, _FLOAT)
        if matrix is None or matrix.rows.shape[1] != len(wanted):
            return []
        seqs = list(matrix.seqs)
        if len(seqs) <= most:
            return seqs
        rows = matrix.rows[: len(seqs)]
        if len(seqs) <= _LONG:
            similarities = rows @ wanted
        else:
            similarities = await asyncio.to_thread(rows.__matmul__, wanted)
        return [seqs[at] for at in np.argpartition(-similarities, most)[:most]]
