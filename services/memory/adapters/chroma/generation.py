"""A build of the index, as calls that each concern one shard and take a moment only."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from services.memory.domain.vectors import Place, Vector

P = TypeVar("P", bound=Place)

# A fixed number, however many agents there are: each costs 2.6 MB and 4 file descriptors once it is in use.
_SHARDS = 64
# Chroma holds the interpreter while it writes, half a millisecond a vector: between batches queries get their turn.
_BATCH = 100
ANSWER_SECONDS = 60.0
"""How long one call may take: the first one for a shard reads its files."""


class ShardedGeneration(ABC):
    """Divides what the port asks for by shard; an agent's vectors are all in one."""

    @abstractmethod
    async def _call(self, method: str, *arguments: Any) -> Any:
        """Call a method of `Shards`. Raises IndexDown."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of it."""

    async def put(self, vectors: Sequence[Vector]) -> None:
        """Add vectors, or replace those of the same number; durable on return."""
        for shard, batch in _batches(vectors):
            await self._call("put", shard, _seqs(batch), _data(batch))

    async def remove(self, places: Sequence[Place]) -> None:
        """Remove vectors; what isn't there is no error."""
        for shard, batch in _batches(places):
            await self._call("remove", shard, _seqs(batch))

    async def nearest(self, agent_id: str, vector: bytes, most: int) -> list[int]:
        """Return the numbers of up to `most` memories near a vector, nearest first; fewer when there are no more."""
        near: list[int] = await self._call("nearest", _shard(agent_id), vector, most)
        return near

    async def seqs(self) -> set[int]:
        """Return the numbers of all memories that have a vector."""
        found: set[int] = set()
        for shard in range(_SHARDS):
            found.update(await self._call("seqs", shard))
        return found

    async def different(self, vectors: Sequence[Vector]) -> list[int]:
        """Return the numbers of those vectors that it holds otherwise than given, or can't find."""
        found: list[int] = []
        for shard, batch in _batches(vectors):
            found += await self._call("different", shard, _seqs(batch), _data(batch))
        return found


def _shard(agent_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(agent_id.encode(), digest_size=8).digest()) % _SHARDS


def _batches(places: Sequence[P]) -> Iterator[tuple[int, list[P]]]:
    """Divide by shard; of those with the same number the last counts."""
    shards: dict[int, list[P]] = {}
    for place in {place.seq: place for place in places}.values():
        shards.setdefault(_shard(place.agent_id), []).append(place)
    for shard, members in shards.items():
        for start in range(0, len(members), _BATCH):
            yield shard, members[start : start + _BATCH]


def _seqs(places: Sequence[Place]) -> list[int]:
    return [place.seq for place in places]


def _data(vectors: Sequence[Vector]) -> bytes:
    return b"".join(vector.data for vector in vectors)
