"""Comparing a build of the vector index with the store."""

import random
from dataclasses import dataclass

from services.memory.domain.vectors import Comparison
from services.memory.ports.index import Generation
from services.memory.ports.store import Store

_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """Numbers of memories: what only one of them has, what both hold differently, and what the index doesn't find."""

    checked: int
    missing: set[int]
    left_over: set[int]
    different: set[int]
    unreached: set[int]

    @property
    def all(self) -> set[int]:
        """Whatever isn't as it should be."""
        return self.missing | self.left_over | self.different | self.unreached

    @property
    def comparison(self) -> Comparison:
        """How many they are."""
        return Comparison(
            self.checked, len(self.missing), len(self.left_over), len(self.different), len(self.unreached)
        )


async def compare(store: Store, generation: Generation, model: str, limit: int | None) -> Difference:
    """Compare the numbers that a build and the store hold, and up to `limit` of the vectors that both hold.

    What the index is still to be told of is no difference. Raises IndexDown.
    """
    async with store.reading() as records:
        stored = await records.seqs(model)
        pending = set((await records.pending()).values())
    indexed = await generation.seqs()
    both = sorted(stored & indexed - pending)
    checked = both if limit is None else random.sample(both, min(limit, len(both)))
    difference = Difference(len(checked), stored - indexed - pending, indexed - stored - pending, set(), set())
    for start in range(0, len(checked), _CHUNK):
        async with store.reading() as records:
            vectors = await records.vectors_of(model, checked[start : start + _CHUNK])
        flaws = await generation.flaws(vectors)
        difference.different.update(flaws.different)
        difference.unreached.update(flaws.unreached)
    return difference
