"""Finding memories: the index and the words propose, the store decides."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.memory.domain.search import Candidate, Hit, Parts, Query, weigh
from services.memory.ports.embedder import Embedder
from services.memory.ports.store import Records, Store
from services.memory.service.indexing import Indexing
from services.runtime.clock import Clock

_BY_WORDS = 40
_NEAREST, _WANTED, _ENOUGH = 40, 30, 20
"""How many neighbours are asked for first, and how many of them are to be this agent's and to pass the filter."""
_MORE, _MOST = 5, 1_000
"""How much more is asked for when there weren't enough, and what is asked for at most."""
_COMPARED = 100_000
"""How many memories are compared at most when the index can't propose enough."""


@dataclass(frozen=True, slots=True)
class _Looking:
    """One search that is under way."""

    query: Query
    embedder: Embedder
    vector: bytes
    named: set[str]
    now: datetime
    asked: int
    """How many neighbours the index is asked for at first."""


class Search:
    """Searches the memories of one agent at a time."""

    def __init__(self, store: Store, indexing: Indexing, clock: Clock) -> None:
        self._store = store
        self._indexing = indexing
        self._clock = clock
        self._returned: Counter[int] = Counter()
        self._asked: dict[str, int] = {}
        """How many neighbours are asked for, by agent: the index proposes those of others too."""

    async def find(self, query: Query) -> list[Hit]:
        """Return the best hits of a query, highest score first."""
        now, embedder = self._clock.now(), self._indexing.embedder
        async with self._store.reading() as records:
            named = await records.known_names(query.agent_id, query.possible_names)
            [vector] = await embedder.embed([query.meaning(named)])
            asked = self._asked.get(query.agent_id, _NEAREST)
            looking = _Looking(query, embedder, vector, named, now, asked)
            near, by_words = await self._propose(records, looking)
            candidates = await self._candidates(records, looking, near, by_words)
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

    async def _propose(self, records: Records, looking: _Looking) -> tuple[list[int] | None, dict[int, float]]:
        """Return what is near in meaning, and what has the words, with its score."""
        query = looking.query
        nearest = asyncio.create_task(self._nearest(looking, looking.asked))
        try:
            await asyncio.sleep(0)  # the index is asked before the words are looked up
            by_words = await records.matches(
                query.agent_id, query.terms(looking.named), query.wanted, looking.now, _BY_WORDS
            )
        except BaseException:
            nearest.cancel()
            raise
        return await nearest, by_words

    async def _candidates(
        self, records: Records, looking: _Looking, near: list[int] | None, by_words: Collection[int]
    ) -> list[Candidate]:
        """Return what may fit: what has the words, and enough of what is near that passes the filter."""
        query, model, asked = looking.query, looking.embedder.model, looking.asked

        async def among(seqs: Collection[int]) -> list[Candidate]:
            return await records.candidates(
                query.agent_id, {*seqs, *by_words}, query.wanted, model, looking.now, weighable=query.is_weighted
            )

        while near is not None:
            found = await among(near)
            own = len({item.seq for item in found}.intersection(near))
            if query.wanted.is_empty and own:
                self._asked[query.agent_id] = min(_MOST, max(_NEAREST, _WANTED * len(near) // own))
            # Fewer neighbours than asked for: these are all that there are.
            if len(near) < asked or own >= _ENOUGH:
                return found
            if asked == _MOST:
                break
            asked = min(_MOST, asked * _MORE)
            near = await self._nearest(looking, asked)
        every = await records.every_vector(query.agent_id, query.wanted, model, looking.now, _COMPARED)
        similarities = await looking.embedder.similarities(looking.vector, [held for _, held in every])
        nearest = heapq.nlargest(_NEAREST, zip(similarities, (seq for seq, _ in every), strict=True))
        return await among([seq for _, seq in nearest])

    async def _nearest(self, looking: _Looking, most: int) -> list[int] | None:
        return await self._indexing.nearest(looking.query.agent_id, looking.vector, looking.embedder.model, most)


def _best(weighed: dict[int, Parts], query: Query) -> list[int]:
    """Return the numbers of the best memories that fit well enough; of equals the newer one comes first."""
    fitting = [seq for seq, parts in weighed.items() if parts.fit >= query.min_relevance]
    return sorted(fitting, key=lambda seq: (-weighed[seq].score, -seq))[: query.most]
