"""Hybrid search: how well a memory fits a query, from its words, its meaning and whom it names.

Lexical search finds names, numbers and rare words; vectors find other words for the same thing. Each part is absolute:
nothing depends on what else was found, so that one number both orders the hits and can be asked for. The weights were
chosen on public conversations; `python -m benchmarks.memory recall` shows what they do on others.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from services.memory.domain.memories import EVERYTHING, Memory, MemoryFilter
from services.memory.domain.words import possible_names, query_terms, without

LEXICAL_WEIGHT = 0.7
VECTOR_WEIGHT = 0.3
ENTITY_BONUS = 0.4
"""What a hit gains, as a share of the rest, when the query names just one whom the agent knows, and it is theirs."""

RECENCY_HALF_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for in one agent's memories, how many hits, and what counts beside the fit."""

    agent_id: str
    text: str
    wanted: MemoryFilter = EVERYTHING
    most: int = 10
    min_relevance: float = 0.0
    recency_weight: float = 0.0
    importance_weight: float = 0.0

    @property
    def is_weighted(self) -> bool:
        """True when more than the fit counts."""
        return bool(self.recency_weight or self.importance_weight)

    @property
    def possible_names(self) -> set[str]:
        """What the query may name, in the form in which names are compared."""
        return possible_names(self.text)

    def terms(self, named: Collection[str]) -> list[str]:
        """Return the words to look for; the name of the only one who is named is left to the entity's part."""
        terms = query_terms(self.text)
        return (without(named, terms) or terms) if len(named) == 1 else terms

    def meaning(self, named: Collection[str]) -> str:
        """Return what is to be embedded: the words to look for, without the names of those whom the agent knows.

        A name pulls a vector towards everything that mentions anybody.
        """
        return " ".join(without(named, query_terms(self.text))) or self.text


class Candidate(NamedTuple):
    """A memory that may fit, with what its score is made of."""

    seq: int
    vector: bytes = b""
    subject: str = ""
    author: str = ""
    importance: float = 0.0
    occur_time: datetime | None = None


class Parts(NamedTuple):
    """What each way of looking contributes to a score."""

    lexical: float
    vector: float
    entity: float
    recency: float
    importance: float

    @property
    def fit(self) -> float:
        """How well the memory fits the query, whatever else was found: 0 to 1."""
        return min(1.0, self.lexical + self.vector + self.entity)

    @property
    def score(self) -> float:
        """What hits are ordered by."""
        return self.lexical + self.vector + self.entity + self.recency + self.importance


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that a search found, and why."""

    memory: Memory
    parts: Parts


def weigh(
    query: Query, candidate: Candidate, lexical: float, similarity: float, named: Collection[str], now: datetime
) -> Parts:
    """Return the parts of a candidate's score.

    `lexical` is the share of the query's words that it has, by their weight: 0 to 1. `similarity` is the cosine of the
    two vectors. `named` are those whom the query names and the agent knows.
    """
    words = LEXICAL_WEIGHT * lexical
    meaning = VECTOR_WEIGHT * max(0.0, similarity)
    theirs = len(named) == 1 and (candidate.subject in named or candidate.author in named)
    entity = ENTITY_BONUS * (words + meaning) if theirs else 0.0
    recency = query.recency_weight * _recency(candidate.occur_time, now) if candidate.occur_time else 0.0
    return Parts(words, meaning, entity, recency, query.importance_weight * candidate.importance)


def _recency(time: datetime, now: datetime) -> float:
    return float(0.5 ** max(0.0, (now - time) / RECENCY_HALF_LIFE))
