"""Finding memories: the index and the words propose, the store decides."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Collection
from datetime import datetime

from services.memory.domain.search import Candidate, Hit, Parts, Query, weigh
from services.memory.ports.embedder import Embedder
from services.memory.ports.store import Records, Store
from services.memory.service.indexing import Indexing
from services.runtime.clock import Clock

_BY_WORDS = 40
_NEAREST = (40, 200, 1_000)
"""How many neighbours are asked for, again and again until enough of them are this agent's and pass the filter."""
_ENOUGH = 20
_COMPARED = 100_000
"""How many memories are compared at most when the index can't propose enough."""


class Search:
    """Searches the memories of one agent at a time."""

    def __init__(self, store: Store, indexing: Indexing, clock: Clock) -> None:
        self._store = store
        self._indexing = indexing
        self._clock = clock
        self._returned: Counter[int] = Counter()

    async def find(self, query: Query) -> list[Hit]:
        """Return the best hits of a query, highest score first."""
        now, embedder = self._clock.now(), self._indexing.embedder
        async with self._store.reading() as records:
            named = await records.known_names(query.agent_id, query.possible_names)
            [vector] = await embedder.embed([query.meaning(named)])
            near, by_words = await self._propose(records, query, embedder, vector, named, now)
            candidates = await self._candidates(records, query, embedder, vector, near, by_words, now)
            similarities = await embedder.similarities(vector, [candidate.vector for candidate in candidates])
            weighed = {
                candidate.seq: weigh(query, candidate, by_words.get(candidate.seq, 0.0), similarity, named, now)
                for candidate, similarity in zip(candidates, similarities, strict=True)
            }
            best = _best(weighed, query)
            found = await records.memories_by_seq(query.agent_id, best, query.wanted, now) if best else {}
        self._returned.update(best)
        return [Hit(found[seq], weighed[seq]) for seq in best if seq in found]

    async def count_accesses(self) -> None:
        """Write down how often memories were returned since the last time."""
        counts, self._returned = self._returned, Counter()
        if counts:
            async with self._store.writing() as records:
                await records.count_access(counts)
                await records.commit()

    async def _propose(
        self, records: Records, query: Query, embedder: Embedder, vector: bytes, named: set[str], now: datetime
    ) -> tuple[list[int] | None, dict[int, float]]:
        """Return what is near in meaning, and what has the words, with its score."""
        nearest = asyncio.create_task(self._indexing.nearest(query.agent_id, vector, embedder.model, _NEAREST[0]))
        try:
            by_words = await records.matches(query.agent_id, query.terms(named), query.wanted, now, _BY_WORDS)
        except BaseException:
            nearest.cancel()
            raise
        return await nearest, by_words

    async def _candidates(
        self,
        records: Records,
        query: Query,
        embedder: Embedder,
        vector: bytes,
        near: list[int] | None,
        by_words: Collection[int],
        now: datetime,
    ) -> list[Candidate]:
        """Return what may fit: what has the words, and enough of what is near that passes the filter."""

        async def among(seqs: Collection[int]) -> list[Candidate]:
            return await records.candidates(
                query.agent_id, {*seqs, *by_words}, query.wanted, embedder.model, now, weighable=query.is_weighted
            )

        for asked in _NEAREST:
            if asked != _NEAREST[0]:
                near = await self._indexing.nearest(query.agent_id, vector, embedder.model, asked)
            if near is None:
                break
            found = await among(near)
            # Fewer neighbours than asked for: these are all that there are.
            if len(near) < asked or len({item.seq for item in found}.intersection(near)) >= _ENOUGH:
                return found
        every = await records.every_vector(query.agent_id, query.wanted, embedder.model, now, _COMPARED)
        similarities = await embedder.similarities(vector, [held for _, held in every])
        nearest = heapq.nlargest(_NEAREST[0], zip(similarities, (seq for seq, _ in every), strict=True))
        return await among([seq for _, seq in nearest])


def _best(weighed: dict[int, Parts], query: Query) -> list[int]:
    """Return the numbers of the best memories that fit well enough; of equals the newer one comes first."""
    fitting = [seq for seq, parts in weighed.items() if parts.fit >= query.min_relevance]
    return sorted(fitting, key=lambda seq: (-weighed[seq].score, -seq))[: query.most]
