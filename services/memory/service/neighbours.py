"""What is near a query in meaning: compared one by one in a small agent, proposed by the index in a large one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.memory.domain.search import Candidate
from services.memory.ports.embedder import Embedder
from services.memory.ports.index import Matrix
from services.memory.service.indexing import Indexing


class Neighbours(Protocol):
    """The memories near one query in one agent."""

    has_vectors: bool
    """True when candidates need no vector to be compared."""

    async def nearest(self, limit: int) -> list[int] | None:
        """Return the numbers of up to `limit` memories, others' among them; fewer: no more; None: nobody knows."""
        ...

    async def similarities(self, candidates: Sequence[Candidate]) -> list[float]:
        """Return the cosine of the query with each of these."""
        ...


@dataclass(frozen=True, slots=True)
class ExactNeighbours:
    """All vectors of the agent are at hand."""

    matrix: Matrix
    vector: bytes
    has_vectors = True

    async def nearest(self, limit: int) -> list[int]:
        """Return the numbers of up to `limit` memories, all of this agent."""
        return await self.matrix.nearest(self.vector, limit)

    async def similarities(self, candidates: Sequence[Candidate]) -> list[float]:
        """Return the cosine of the query with each of these."""
        return self.matrix.similarities(self.vector, [candidate.seq for candidate in candidates])


@dataclass(frozen=True, slots=True)
class NewestInstead:
    """The query has no vector: nothing is near it, and beside what has its words the newest memories may fit."""

    newest: list[int]
    has_vectors = True

    async def nearest(self, limit: int) -> list[int]:
        """Return the numbers of up to `limit` memories."""
        return self.newest[:limit]

    async def similarities(self, candidates: Sequence[Candidate]) -> list[float]:
        """Return no nearness."""
        return [0.0] * len(candidates)


@dataclass(frozen=True, slots=True)
class IndexedNeighbours:
    """The index proposes, and the store's vectors are compared."""

    indexing: Indexing
    embedder: Embedder
    agent_id: str
    vector: bytes
    has_vectors = False

    async def nearest(self, limit: int) -> list[int] | None:
        """Return the numbers of up to `limit` memories; None when there is no index."""
        return await self.indexing.nearest(self.agent_id, self.vector, self.embedder.model, limit)

    async def similarities(self, candidates: Sequence[Candidate]) -> list[float]:
        """Return the cosine of the query with each of these."""
        return await self.embedder.similarities(self.vector, [candidate.vector for candidate in candidates])
