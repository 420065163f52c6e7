"""Exact search in small agents: all their vectors are compared, in memory.

Up to ten thousand memories this takes less than asking the index, and misses nothing: an approximate index loses what
lies behind many texts that are nearly the same.
"""

import asyncio
from collections.abc import Iterable

from services.memory.domain.memories import EVERYTHING
from services.memory.domain.vectors import Place, Vector
from services.memory.ports.index import Matrices, Matrix
from services.memory.ports.store import Store
from services.runtime.clock import Clock

_SHARED_LIMIT = 1_000
"""How many memories a small agent has at most where other processes write too: each write loads all of them anew."""


class ExactSearch:
    """Loads the vectors of an agent when it is to be searched, and keeps them in step with what is written."""

    def __init__(self, store: Store, matrices: Matrices, limit: int, clock: Clock) -> None:
        """Take what keeps the vectors, and the limit, which is lower where other processes write too."""
        self._store = store
        self._matrices = matrices
        self.limit = min(limit, _SHARED_LIMIT) if store.is_shared else limit
        """How many memories a small agent has at most; with 0 no agent is small."""
        self._clock = clock
        self._model = ""
        self._large: set[str] = set()
        self._lock_key = asyncio.Lock()
        self._loading = ""
        self._meanwhile: list[Vector] = []
        self._is_outdated = False

    async def open(self, agent_id: str, model: str) -> Matrix | None:
        """Return an agent's vectors; None when the agent isn't small, or another model is in use.

        Not to be called in a transaction.
        """
        if not self.limit or agent_id in self._large or model != self._model:
            return None
        matrix = await self._current(agent_id)
        if matrix is None:
            async with self._lock_key:
                if model == self._model:
                    matrix = await self._current(agent_id) or await self._load(agent_id, model)
        return matrix

    def use(self, model: str) -> None:
        """Say of which model all vectors are from now on that are written and looked for."""
        if model != self._model:
            self._model = model
            self.forget("")

    def add(self, vectors: Iterable[Vector]) -> None:
        """Take vectors that were stored; what had the same number before is replaced."""
        by_agent: dict[str, list[Vector]] = {}
        for vector in vectors:
            by_agent.setdefault(vector.agent_id, []).append(vector)
        for agent_id, added in by_agent.items():
            if agent_id == self._loading:
                self._meanwhile += added
            if self._matrices.put(agent_id, added) > self.limit:
                # Too large, unless some of them are gone by now: that is counted when it is asked for.
                self._matrices.drop(agent_id)

    def remove(self, places: Iterable[Place]) -> None:
        """Remove vectors of memories that were forgotten."""
        by_agent: dict[str, list[int]] = {}
        for place in places:
            by_agent.setdefault(place.agent_id, []).append(place.seq)
        for agent_id, seqs in by_agent.items():
            self._is_outdated |= agent_id == self._loading
            self._matrices.remove(agent_id, seqs)

    def forget(self, agent_id: str) -> None:
        """Drop what is kept of an agent, or of all when it is empty: what the store has left is loaded when needed."""
        self._is_outdated |= agent_id in ("", self._loading)
        if agent_id:
            self._matrices.drop(agent_id)
            self._large.discard(agent_id)
        else:
            self._matrices.clear()
            self._large.clear()

    async def _current(self, agent_id: str) -> Matrix | None:
        matrix = self._matrices.of(agent_id)
        if matrix is None or not self._store.is_shared:
            return matrix
        # Other processes write too, and don't tell of it.
        async with self._store.reading() as records:
            return matrix if matrix.state == await records.vectors_state(agent_id, self._model) else None

    async def _load(self, agent_id: str, model: str) -> Matrix | None:
        # Before anything is read: what is written from here on is told.
        self._loading, self._meanwhile, self._is_outdated = agent_id, [], False
        try:
            async with self._store.reading() as records:
                if await records.has_more_than(self.limit, agent_id):
                    if not self._is_outdated:
                        self._large.add(agent_id)
                    return None
                state = await records.vectors_state(agent_id, model) if self._store.is_shared else None
                every = await records.every_vector(agent_id, EVERYTHING, model, self._clock.now(), self.limit)
            matrix = await self._matrices.make(agent_id, [Vector(seq, agent_id, data) for seq, data in every], state)
            if self._matrices.of(agent_id) is None:
                self._large.add(agent_id)  # There is no room for it, not even alone.
        finally:
            self._loading = ""
        self.add(self._meanwhile)
        if self._is_outdated or model != self._model:
            self._matrices.drop(agent_id)
        return matrix
