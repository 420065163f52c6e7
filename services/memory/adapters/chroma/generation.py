"""A build of the index, as calls that each concern one shard and take a moment only."""

import hashlib
import time
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from typing_extensions import override

from services.memory.domain.vectors import Flaws, Place, Vector
from services.memory.ports.index import Generation

P = TypeVar("P", bound=Place)

# A fixed number, however many agents there are: each costs 2.6 MB and 4 file descriptors once it is in use.
_SHARDS = 16
# Chroma holds the interpreter while it writes, about a millisecond a vector: between batches queries get their turn.
# Large batches are faster, so they are small only while there are queries.
_BATCH, _SMALL_BATCH = 200, 25
_BUSY_SECONDS = 1.0
ANSWER_SECONDS = 60.0
"""How long one call may take: the first one for a shard reads its files."""


class ShardedGeneration(Generation):
    """Divides what the port asks for by shard; an agent's vectors are all in one."""

    _last_query = -_BUSY_SECONDS

    @abstractmethod
    async def _call(self, method: str, *arguments: Any) -> Any:
        """Call a method of `Shards`. Raises IndexDown."""

    @override
    async def put(self, vectors: Sequence[Vector]) -> None:
        for shard, members in _by_shard(vectors):
            start = 0
            while start < len(members):
                is_busy = time.monotonic() - self._last_query < _BUSY_SECONDS
                batch = members[start : start + (_SMALL_BATCH if is_busy else _BATCH)]
                await self._call("put", shard, _seqs(batch), _data(batch))
                start += len(batch)

    @override
    async def remove(self, places: Sequence[Place]) -> None:
        anywhere = [place for place in places if not place.agent_id]
        shards = dict(_by_shard([place for place in places if place.agent_id]))
        for shard in range(_SHARDS) if anywhere else shards:
            members = [*shards.get(shard, ()), *anywhere]
            for start in range(0, len(members), _BATCH):
                await self._call("remove", shard, _seqs(members[start : start + _BATCH]))

    @override
    async def nearest(self, agent_id: str, vector: bytes, limit: int) -> list[int]:
        self._last_query = time.monotonic()
        near: list[int] = await self._call("nearest", _shard(agent_id), vector, limit)
        return near

    @override
    async def seqs(self) -> set[int]:
        found: set[int] = set()
        for shard in range(_SHARDS):
            found.update(await self._call("seqs", shard))
        return found

    @override
    async def flaws(self, vectors: Sequence[Vector]) -> Flaws:
        flaws = Flaws([], [])
        for shard, members in _by_shard(vectors):
            for start in range(0, len(members), _BATCH):
                batch = members[start : start + _BATCH]
                different, unreached = await self._call("flaws", shard, _seqs(batch), _data(batch))
                flaws.different.extend(different)
                flaws.unreached.extend(unreached)
        return flaws


def _shard(agent_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(agent_id.encode(), digest_size=8).digest()) % _SHARDS


def _by_shard(places: Sequence[P]) -> Iterable[tuple[int, list[P]]]:
    """Divide by shard; of those with the same number the last counts."""
    shards: dict[int, list[P]] = {}
    for place in {place.seq: place for place in places}.values():
        shards.setdefault(_shard(place.agent_id), []).append(place)
    return shards.items()


def _seqs(places: Sequence[Place]) -> list[int]:
    return [place.seq for place in places]


def _data(vectors: Sequence[Vector]) -> bytes:
    return b"".join(vector.data for vector in vectors)
