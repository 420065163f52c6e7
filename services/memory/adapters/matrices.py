"""The vectors of small agents, kept up to a number of bytes."""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from services.memory.domain.vectors import Vector
from services.memory.ports.index import Matrices

if TYPE_CHECKING:
    from services.memory.adapters.rounded import RoundedMatrix


class RoundedMatrices(Matrices):
    """Keeps matrices up to a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._matrices: OrderedDict[str, RoundedMatrix] = OrderedDict()

    @override
    def of(self, agent_id: str) -> "RoundedMatrix | None":
        matrix = self._matrices.get(agent_id)
        if matrix is not None:
            self._matrices.move_to_end(agent_id)
        return matrix

    @override
    async def make(self, agent_id: str, vectors: Sequence[Vector], state: Hashable = None) -> "RoundedMatrix":
        matrix = await asyncio.to_thread(_rounded, vectors, state)  # 40 ms for 10,000
        self.drop(agent_id)
        self._keep(agent_id, matrix)
        return matrix

    @override
    def put(self, agent_id: str, vectors: Sequence[Vector]) -> int:
        matrix = self._matrices.get(agent_id)
        if matrix is None:
            return 0
        self.drop(agent_id)
        if not matrix.takes(vectors):
            return 0  # Of another model, or the first ones: they are loaded when they are asked for.
        matrix.put(vectors)
        self._keep(agent_id, matrix)
        return matrix.count

    @override
    def remove(self, agent_id: str, seqs: Sequence[int]) -> None:
        if matrix := self._matrices.get(agent_id):
            self._bytes -= matrix.size
            matrix.remove(seqs)
            self._bytes += matrix.size

    @override
    def drop(self, agent_id: str) -> None:
        if matrix := self._matrices.pop(agent_id, None):
            self._bytes -= matrix.size

    @override
    def clear(self) -> None:
        self._matrices.clear()
        self._bytes = 0

    def _keep(self, agent_id: str, matrix: "RoundedMatrix") -> None:
        self._matrices[agent_id] = matrix
        self._bytes += matrix.size
        while self._bytes > self._most_bytes:
            _, gone = self._matrices.popitem(last=False)
            self._bytes -= gone.size


def _rounded(vectors: Sequence[Vector], state: Hashable) -> "RoundedMatrix":
    # Imported here, as NumPy takes 10 MB, and most of the time nobody searches.
    from services.memory.adapters.rounded import RoundedMatrix

    return RoundedMatrix(vectors, state)
