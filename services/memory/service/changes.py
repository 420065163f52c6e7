"""What the index doesn't have yet: noted in the store by each write, and carried over in groups.

Until then a search compares it one by one. So a write can be found when it returns, whatever happens to the index.
"""

import asyncio
from collections.abc import Sequence

from services.memory.domain.vectors import Change, IndexDown, Place, Vector, vectors_of
from services.memory.ports.index import Recent
from services.memory.ports.store import Store
from services.memory.service.builds import Builds
from services.memory.service.exact import ExactSearch

_CHANGES = 500
_GATHER_SECONDS = 0.2
_PATIENCE, _ENOUGH = 150, 10_000
"""How often a quiet moment is waited for, and how many new vectors are not waited with any longer."""


class Changes:
    """Carries changes over to the build that serves, and to the one that is to replace it."""

    def __init__(self, store: Store, recent: Recent, exact: ExactSearch, builds: Builds) -> None:
        self._store = store
        self._recent = recent
        self._exact = exact
        self._builds = builds
        # Numbers whose changes were carried over, and those that changed while they were.
        self._carried: set[int] = set()
        self._fresh: set[int] = set()
        self._behind = asyncio.Event()

    def found(self, changes: Sequence[Change]) -> None:
        """Take the changes that a service before has left."""
        self._recent.put(vectors_of(changes))

    def told(self, vectors: Sequence[Vector] = (), gone: Sequence[Place] = ()) -> None:
        """Say that the store has changes: which vectors are new, and whose memories were forgotten."""
        self._exact.add(vectors)
        self._exact.remove(gone)
        self._recent.put(vectors)
        self._fresh.update(vector.seq for vector in vectors)
        self._behind.set()

    def told_of_many(self, agent_id: str) -> None:
        """Say that many memories of an agent, or of any when it is empty, were forgotten."""
        self._exact.forget(agent_id)
        self._behind.set()

    def look(self) -> None:
        """Have it looked for changes."""
        self._behind.set()

    async def quiet(self) -> None:
        """Wait for changes, and then for a quiet moment if there is one soon: to write to the index takes longest."""
        await self._behind.wait()
        for _ in range(_PATIENCE):
            self._behind.clear()
            await asyncio.sleep(_GATHER_SECONDS)
            if not self._behind.is_set() or len(self._fresh) >= _ENOUGH:
                break

    async def nearest(self, agent_id: str, vector: bytes, limit: int) -> list[int]:
        """Return the numbers of up to `limit` memories of an agent near a vector that the index doesn't have yet."""
        return await self._recent.nearest(agent_id, vector, limit)

    async def carry_over(self) -> Sequence[Change]:
        """Tell the index, and a build that is to replace it, of the oldest changes; return them."""
        builds = self._builds
        async with builds.moving:
            serving = builds.serving
            if serving is None or builds.build is None:
                return ()
            self.forget_fresh()
            async with self._store.reading() as records:
                changes = await records.changes(_CHANGES)
            if not changes:
                return ()
            there = vectors_of(changes)
            gone = [Place(change.seq, change.agent_id) for change in changes if change.data is None]
            replacing = builds.replacing
            try:
                await serving.put(there)
                await serving.remove(gone)
            except IndexDown as error:
                await builds.lose(serving, error)
                raise
            if replacing is not None:
                await replacing.remove(gone)
                if builds.replacing_model == builds.build.model:
                    await replacing.put(there)
            async with self._store.writing() as records:
                await records.settle([change.number for change in changes])
                await records.commit()
            self.settled({change.seq for change in changes})
        return changes

    def forget_fresh(self) -> None:
        """Tell apart from now on what changes while a build takes what there is."""
        self._fresh.clear()

    def settled(self, seqs: set[int]) -> None:
        """Forget the recent vectors of memories that the index has now, but for those that changed meanwhile."""
        carried = self._carried | seqs
        self._recent.drop(carried - self._fresh)
        self._carried = carried & self._fresh
