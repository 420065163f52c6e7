"""Vectors that the index doesn't have yet: a matrix for each agent, compared in one product."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from services.memory.domain.vectors import Vector
from services.memory.ports.index import Recent

if TYPE_CHECKING:
    from services.memory.adapters.recent_matrix import RecentMatrix


class RecentVectors(Recent):
    """Keeps what was written until the index has it; a matrix is made of it when it is first compared with."""

    def __init__(self) -> None:
        self._matrices: dict[str, RecentMatrix] = {}
        self._waiting: dict[str, dict[int, bytes]] = {}
        """By agent and number, what no matrix has yet."""
        self._agents: dict[int, str] = {}

    @override
    def put(self, vectors: Sequence[Vector]) -> None:
        for vector in vectors:
            self._waiting.setdefault(vector.agent_id, {})[vector.seq] = vector.data
            self._agents[vector.seq] = vector.agent_id

    @override
    def drop(self, seqs: Iterable[int]) -> None:
        for seq in seqs:
            agent_id = self._agents.pop(seq, None)
            if agent_id is None:
                continue
            self._waiting.get(agent_id, {}).pop(seq, None)
            if (matrix := self._matrices.get(agent_id)) is not None:
                matrix.drop(seq)
                if not matrix.seqs:
                    del self._matrices[agent_id]

    @override
    async def nearest(self, agent_id: str, vector: bytes, limit: int) -> list[int]:
        for seq, data in self._waiting.pop(agent_id, {}).items():
            self._matrix_for(agent_id, data).put(seq, data)
            self._agents[seq] = agent_id
        matrix = self._matrices.get(agent_id)
        return await matrix.nearest(vector, limit) if matrix is not None else []

    def _matrix_for(self, agent_id: str, data: bytes) -> "RecentMatrix":
        # Imported here, as NumPy takes 10 MB, and most of the time nobody searches.
        from services.memory.adapters.recent_matrix import RecentMatrix

        matrix = self._matrices.get(agent_id)
        if matrix is not None and matrix.width != len(data):
            # Vectors of another model are of no use to a search with this one.
            self.drop(list(matrix.seqs))
            matrix = None
        if matrix is None:
            matrix = self._matrices[agent_id] = RecentMatrix(len(data))
        return matrix
