"""The use cases of memories over SQLite and a fake index."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from services.memory.adapters.matrices import RoundedMatrices
from services.memory.adapters.recent import RecentVectors
from services.memory.adapters.sql.records import SqlMemoryStore
from services.memory.domain.memories import Memory
from services.memory.domain.search import Query
from services.memory.domain.vectors import IndexState
from services.memory.domain.writers import Writer
from services.memory.service.backlog import Alone
from services.memory.service.exact import ExactSearch
from services.memory.service.indexing import Indexing
from services.memory.service.memories import Memories
from services.memory.service.search import Search
from services.runtime.idempotency import RequestKey
from services.runtime.ids import new_id
from tests.fakes.clock import FixedClock
from tests.fakes.memory import FakeEmbedder, FakeEmbedders, FakeIndex
from tests.integration.memory.calls import until
from tests.unit.memory.examples import memory

NO_KEY = RequestKey("", "", "", "")


class Mind:
    """The use cases over SQLite and an index that does what the test says."""

    def __init__(
        self,
        store: SqlMemoryStore,
        index: FakeIndex,
        model: str,
        exact_limit: int,
        *,
        may_rest: bool = True,
        alone: Alone = lambda: contextlib.nullcontext(True),
    ) -> None:
        self.clock, self.matrices = FixedClock(), RoundedMatrices(2**20)
        self.exact = ExactSearch(store, self.matrices, exact_limit, self.clock)
        self.store, self.index = store, index
        embedders = FakeEmbedders()
        self.embedders = embedders.opened
        self.embedder = embedder = embedders.opened[model] = FakeEmbedder(model)
        self.indexing = Indexing(
            store, index, RecentVectors(), self.exact, embedders, embedder, may_rest=may_rest, alone=alone
        )
        self.memories = Memories(store, self.indexing, self.clock)
        self.search = Search(store, self.indexing, self.exact, self.clock)

    async def create(self, *texts: str, agent_id: str = "agt_a") -> list[Memory]:
        new = [memory(text, id=new_id("mem"), agent_id=agent_id) for text in texts]
        return (await self.memories.create(new, Writer.OPERATOR, NO_KEY)).memories

    async def find(self, query: str, agent_id: str = "agt_a") -> list[str]:
        """Search by meaning only."""
        found = await self.search.find(Query(agent_id, query, min_relevance=0.0))
        return [hit.memory.text for hit in found.hits if hit.parts.vector > 0.1]

    async def state(self) -> IndexState:
        return (await self.indexing.status()).state

    async def settled(self) -> None:
        """Wait until the index serves and has everything; one that rests is opened."""
        if await self.state() is IndexState.IDLE:
            await self.indexing.verify()

        async def is_settled() -> bool:
            status = await self.indexing.status()
            return status.state is IndexState.READY and not status.pending

        await until(is_settled)

    def held(self) -> set[int]:
        """Return the numbers in the newest build."""
        return set(self.index.builds[max(self.index.builds)])


Awake = Callable[..., contextlib.AbstractAsyncContextManager[Mind]]
"""Starts the use cases with the vectors of a model, again and again on the same store and index."""


@contextlib.asynccontextmanager
async def awakened(
    store: SqlMemoryStore,
    index: FakeIndex,
    model: str = "words-64",
    exact_limit: int = 0,
    *,
    may_rest: bool = True,
    alone: Alone = lambda: contextlib.nullcontext(True),
) -> AsyncIterator[Mind]:
    """Start the use cases; what agents with more memories than the limit find by meaning comes from the index."""
    mind = Mind(store, index, model, exact_limit, may_rest=may_rest, alone=alone)
    await mind.indexing.prepare()
    task = asyncio.create_task(mind.indexing.run())
    try:
        yield mind
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
