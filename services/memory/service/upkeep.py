"""Forgetting what is due."""

from services.memory.domain.upkeep import Retention, Swept
from services.memory.ports.store import Store
from services.memory.service.indexing import Indexing
from services.runtime.clock import Clock
from services.runtime.idempotency import NO_REQUEST, RequestKey


class Upkeep:
    """Sweeps memories."""

    def __init__(self, store: Store, indexing: Indexing, retention: Retention, clock: Clock) -> None:
        self._store = store
        self._indexing = indexing
        self._retention = retention
        self._clock = clock

    async def sweep(self, agent_id: str, key: RequestKey) -> Swept:
        """Forget what is due, in one agent or, when it is empty, in all of them."""
        with self._indexing.invalidated_on_cancel(agent_id):
            return await self._sweep(agent_id, key)

    async def sweep_all(self) -> None:
        """Forget what is due in all agents."""
        await self.sweep("", NO_REQUEST)

    async def _sweep(self, agent_id: str, key: RequestKey) -> Swept:
        now = self._clock.now()
        async with self._store.writing() as records:
            if first := await records.claim(key, "0 0 0 0"):
                return Swept(*map(int, first.split()))
            swept = await records.sweep(agent_id, self._retention, now)
            await records.answer(key, f"{swept.expired} {swept.outdated} {swept.excess} {swept.consolidated}")
            await records.commit()
        if swept != Swept():
            self._indexing.forgotten(agent_id)
        return swept
