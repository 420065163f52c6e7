"""Finding memories: vectors and words propose, the store decides.

Where the query's vector is made by somebody else it is waited for shortly, and in no transaction.
"""

import asyncio
import heapq
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.memory.domain.search import Candidate, Found, Hit, Matches, Query, Recipe, weigh
from services.memory.domain.vectors import EmbedderDown, TextsRefused
from services.memory.ports.embedder import Embedder
from services.memory.ports.store import Records, Store
from services.memory.service.exact import ExactSearch
from services.memory.service.indexing import Indexing
from services.memory.service.neighbours import ExactNeighbours, IndexedNeighbours, Neighbours, NewestInstead
from services.runtime.clock import Clock

log = logging.getLogger(__name__)

_BY_WORDS = 40
_NEAREST, _WANTED, _ENOUGH = 40, 30, 20
"""How many neighbours are asked for first, and how many of them are to be this agent's and to pass the filter."""
_MORE, _MAX = 5, 1_000
"""How much more is asked for when there weren't enough, and what is asked for at most."""
_COMPARED = 100_000
"""How many memories are compared at most when the index can't propose enough."""
_MEANING_SECONDS = 1.0
"""How long the query's vector is waited for."""


@dataclass(frozen=True, slots=True)
class _SearchContext:
    """One search that is under way."""

    query: Query
    model: str
    neighbours: Neighbours
    has_meaning: bool
    """Whether the query has a vector."""
    named: set[str]
    familiarity: float
    """How well the embedder knows the query's words."""
    now: datetime
    asked: int
    """How many neighbours are asked for at first."""


@dataclass(frozen=True, slots=True)
class _Proposals:
    """What may be found: what is near in meaning, others' among it, and what has the words."""

    near: list[int] | None
    by_words: list[int]
    matches: Matches
    recipe: Recipe

    def needs_weighing(self, query: Query) -> bool:
        """Tell whether it counts how long, how recent or how important a memory is."""
        return query.is_weighted or self.recipe.breadth > 0

    def needs_rows(self, context: _SearchContext) -> bool:
        """Tell whether more than vectors and words says which memories are the best."""
        query = context.query
        return (
            not context.neighbours.has_vectors
            or not query.wanted.is_empty
            or len(context.named) == 1
            or self.needs_weighing(query)
        )


class Search:
    """Searches the memories of one agent at a time."""

    def __init__(self, store: Store, indexing: Indexing, exact: ExactSearch, clock: Clock) -> None:
        self._store = store
        self._indexing = indexing
        self._exact = exact
        self._clock = clock
        self._returned: Counter[int] = Counter()
        self._asked: dict[str, int] = {}
        """How many neighbours are asked for, by agent: the index proposes those of others too."""

    async def find(self, query: Query) -> Found:
        """Return the best hits of a query, highest score first."""
        now, embedder, agent_id = self._clock.now(), self._indexing.embedder, query.agent_id
        vector = None if embedder.is_instant else await self._awaited(embedder, query)
        matrix = await self._exact.open(agent_id, embedder.model)
        async with self._store.reading() as records:
            named = await _named(records, query)
            meaning = query.meaning(named)
            if embedder.is_instant:
                [vector] = await embedder.embed([meaning])
            neighbours: Neighbours
            if vector is None:
                neighbours = NewestInstead(await records.newest_of(agent_id, query.wanted, now, _NEAREST))
            elif matrix is not None:
                neighbours = ExactNeighbours(matrix, vector)
            else:
                neighbours = IndexedNeighbours(self._indexing, embedder, agent_id, vector)
            asked = self._asked.get(agent_id, _NEAREST)
            familiarity = await embedder.familiarity(meaning)
            context = _SearchContext(
                query, embedder.model, neighbours, vector is not None, named, familiarity, now, asked
            )
            proposals = await self._propose(records, context)
            hits: list[Hit] | None = None
            if proposals.near is not None and not proposals.needs_rows(context):
                candidates = [Candidate(seq) for seq in {*proposals.near, *proposals.by_words}]
                hits = await self._best(records, context, candidates, proposals)
            while hits is None:
                candidates = await self._candidates(records, context, proposals)
                hits = await self._best(records, context, candidates, proposals)
        self._returned.update(hit.memory.seq for hit in hits)
        return Found(hits, context.has_meaning)

    async def _awaited(self, embedder: Embedder, query: Query) -> bytes | None:
        """Return the query's vector; None when it isn't made in time."""
        async with self._store.reading() as records:
            meaning = query.meaning(await _named(records, query))
        try:
            async with asyncio.timeout(_MEANING_SECONDS):
                [vector] = await embedder.embed([meaning], query.agent_id)
        except (EmbedderDown, TextsRefused, TimeoutError) as error:
            log.info("searched by words alone", extra={"agent_id": query.agent_id, "problem": str(error) or "too late"})
            return None
        return vector

    async def count_accesses(self) -> None:
        """Write down how often memories were returned since the last time."""
        counts, self._returned = self._returned, Counter()
        if counts:
            async with self._store.writing() as records:
                await records.count_access(counts)
                await records.commit()

    async def _propose(self, records: Records, context: _SearchContext) -> _Proposals:
        query = context.query
        nearest = asyncio.create_task(context.neighbours.nearest(context.asked))
        try:
            await asyncio.sleep(0)  # the index is asked before the words are looked up
            matches = await records.matches(query.agent_id, query.terms, query.wanted, context.now, _BY_WORDS)
        except BaseException:
            nearest.cancel()
            raise
        recipe = Recipe.of(matches.mean_words, context.familiarity)
        recipe = recipe if context.has_meaning else recipe.by_words
        return _Proposals(await nearest, matches.best(_BY_WORDS), matches, recipe)

    async def _candidates(self, records: Records, context: _SearchContext, proposals: _Proposals) -> list[Candidate]:
        """Return what may fit: what has the words, and enough of what is near that passes the filter."""
        query, asked, near = context.query, context.asked, proposals.near

        async def among(seqs: Collection[int]) -> list[Candidate]:
            return await records.candidates(
                query.agent_id,
                {*seqs, *proposals.by_words},
                query.wanted,
                context.now,
                model=None if context.neighbours.has_vectors else context.model,
                weighable=proposals.needs_weighing(query),
            )

        while near is not None:
            found = await among(near)
            own = len({item.seq for item in found}.intersection(near))
            if query.wanted.is_empty and own:
                self._asked[query.agent_id] = min(_MAX, max(_NEAREST, _WANTED * len(near) // own))
            # Fewer neighbours than asked for: these are all that there are.
            if len(near) < asked or own >= _ENOUGH:
                return found
            if asked == _MAX:
                break
            asked = min(_MAX, asked * _MORE)
            near = await context.neighbours.nearest(asked)
        every = await records.every_vector(query.agent_id, query.wanted, context.model, context.now, _COMPARED)
        similarities = await context.neighbours.similarities([Candidate(seq, vector) for seq, vector in every])
        nearest = heapq.nlargest(_NEAREST, zip(similarities, (seq for seq, _ in every), strict=True))
        return await among([seq for _, seq in nearest])

    async def _best(
        self, records: Records, context: _SearchContext, candidates: Sequence[Candidate], proposals: _Proposals
    ) -> list[Hit] | None:
        """Return the best of these that fit well enough; None when one of them is gone, or doesn't pass the filter."""
        query, recipe, share = context.query, proposals.recipe, proposals.matches.share
        similarities = await context.neighbours.similarities(candidates)
        weighed = {
            candidate.seq: weigh(query, recipe, candidate, share(candidate.seq), similarity, context.named, context.now)
            for candidate, similarity in zip(candidates, similarities, strict=True)
        }
        fitting = [seq for seq, parts in weighed.items() if parts.fit >= query.min_relevance]
        # Of equals the newer one comes first.
        best = sorted(fitting, key=lambda seq: (-weighed[seq].score, -seq))[: query.limit]
        found = await records.memories_by_seq(query.agent_id, best, query.wanted, context.now) if best else {}
        return [Hit(found[seq], weighed[seq]) for seq in best] if len(found) == len(best) else None


async def _named(records: Records, query: Query) -> set[str]:
    """Return whom the query names and the agent knows."""
    names = query.possible_names
    return names.named(await records.known_names(query.agent_id, names.places.keys()))
