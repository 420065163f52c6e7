"""The vector index: it proposes candidates fast, and the store decides about them."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Protocol

from services.memory.domain.vectors import Flaws, Place, Vector


class Generation(Protocol):
    """One build of the index. Every method raises IndexDown when the build can't be used."""

    async def put(self, vectors: Sequence[Vector]) -> None:
        """Add vectors, or replace those of the same number; durable on return."""
        ...

    async def remove(self, places: Sequence[Place]) -> None:
        """Remove vectors; what isn't there is no error, and a place without an agent is looked for everywhere."""
        ...

    async def nearest(self, agent_id: str, vector: bytes, limit: int) -> list[int]:
        """Return the numbers of up to `limit` memories near a vector, nearest first.

        Other agents' memories may be among them. Fewer than `limit` means that there are no more.
        """
        ...

    async def seqs(self) -> set[int]:
        """Return the numbers of all memories that have a vector."""
        ...

    async def flaws(self, vectors: Sequence[Vector]) -> Flaws:
        """Compare these vectors with those that it holds, and look whether it finds them."""
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...


class Index(Protocol):
    """Opens builds of the index by their number."""

    async def open(self, generation: int) -> Generation:
        """Open a build, a new and empty one when there is none with this number. Raises IndexDown."""
        ...

    async def drop_others(self, generation: int) -> None:
        """Delete every build but this one, with all that it left behind."""
        ...


class Recent(Protocol):
    """The vectors that the index doesn't have yet, in memory, compared one by one."""

    def put(self, vectors: Sequence[Vector]) -> None:
        """Add vectors, or replace those of the same number."""
        ...

    def drop(self, seqs: Iterable[int]) -> None:
        """Remove vectors; what isn't there is no error."""
        ...

    async def nearest(self, agent_id: str, vector: bytes, limit: int) -> list[int]:
        """Return the numbers of up to `limit` memories of an agent near a vector, in no order."""
        ...


class Matrix(Protocol):
    """All vectors of one agent, in memory, compared one by one."""

    state: Hashable
    """What the store said of the agent's vectors when they were loaded."""

    async def nearest(self, vector: bytes, limit: int) -> list[int]:
        """Return the numbers of the `limit` memories that are nearest to a vector, in no order."""
        ...

    def similarities(self, vector: bytes, seqs: Sequence[int]) -> list[float]:
        """Return the cosine of a vector with each of these memories; 0 for what isn't there."""
        ...


class Matrices(Protocol):
    """The matrices of some agents; those that were not used the longest time give way."""

    def of(self, agent_id: str) -> Matrix | None:
        """Return the matrix of an agent, if there is one."""
        ...

    async def make(self, agent_id: str, vectors: Sequence[Vector], state: Hashable) -> Matrix:
        """Make a matrix of all vectors of an agent, in place of the one that there is."""
        ...

    def put(self, agent_id: str, vectors: Sequence[Vector]) -> int:
        """Add vectors to the matrix of an agent, or replace them; return how many it has then, 0 when there is none."""
        ...

    def remove(self, agent_id: str, seqs: Sequence[int]) -> None:
        """Remove vectors from the matrix of an agent; what isn't there is no error."""
        ...

    def drop(self, agent_id: str) -> None:
        """Remove the matrix of an agent, if there is one."""
        ...

    def clear(self) -> None:
        """Remove all."""
        ...
