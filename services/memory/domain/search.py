"""Hybrid search: how well a memory fits a query, from its words, its meaning and whom it names.

Lexical search finds names, numbers and rare words; vectors find other words for the same thing. Each part is absolute:
nothing depends on what else was found, so that one number both orders the hits and can be asked for. How much each
counts depends on how long the texts are that an agent has; `python -m benchmarks.memory recall` shows what they find.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from services.memory.domain.memories import EVERYTHING, Memory, MemoryFilter
from services.memory.domain.names import PossibleNames, possible_names
from services.memory.domain.words import indexed_words, query_terms, without

_SHORT, _LONG = 30, 150
"""Mean words of texts that are short, and of texts that are long: in between, each doubling counts alike."""
_MEANING_IN_SHORT, _MEANING_IN_LONG = 0.3, 0.7
_BROAD = 360.0  # characters
_BREADTH = 0.1
_MEANING_UNKNOWN = 0.25
"""What is left of the weight of meaning where the embedder doesn't know the query's words."""
ENTITY_BONUS = 0.6
"""What a hit gains, as a share of the rest, when the query names just one whom the agent knows, and it is theirs."""

RECENCY_HALF_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How words and meaning are weighed in a search.

    A short text has few of the words that it could have said the same with. A long one has many words that it isn't
    about, and a vector that is near everything.
    """

    meaning: float
    """The weight of meaning; that of words is the rest."""
    breadth: float = 0.0
    """How much a long text loses; nothing where texts are short."""

    @classmethod
    def of(cls, mean_words: float, familiarity: float) -> "Recipe":
        """Return the recipe for texts of so many words in the mean, and for a query that the embedder knows so well."""
        length = min(1.0, max(0.0, math.log(max(1.0, mean_words) / _SHORT) / math.log(_LONG / _SHORT)))
        meaning = _MEANING_IN_SHORT + length * (_MEANING_IN_LONG - _MEANING_IN_SHORT)
        return cls(meaning * max(_MEANING_UNKNOWN, familiarity), length * _BREADTH)

    @property
    def by_words(self) -> "Recipe":
        """The same for a query without a vector: words are all that there is."""
        return Recipe(0.0, self.breadth)

    def share(self, characters: int) -> float:
        """Return what is left of the score of a text of this length, which says a bit of everything when it is long."""
        return (_BROAD / characters) ** self.breadth if self.breadth and characters > _BROAD else 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for in one agent's memories, how many hits, and what counts beside the fit."""

    agent_id: str
    text: str
    wanted: MemoryFilter = EVERYTHING
    limit: int = 10
    min_relevance: float = 0.0
    recency_weight: float = 0.0
    importance_weight: float = 0.0

    @property
    def is_weighted(self) -> bool:
        """True when more than the fit counts."""
        return bool(self.recency_weight or self.importance_weight)

    @property
    def possible_names(self) -> PossibleNames:
        """What the query may name."""
        return possible_names(self.text)

    @property
    def terms(self) -> list[str]:
        """The words to look for, as they are indexed."""
        return list(dict.fromkeys(indexed_words(" ".join(query_terms(self.text)))))

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
    characters: int = 0


@dataclass(frozen=True, slots=True)
class Matches:
    """What has words of a query: scores by the numbers of memories, and the score of a text that has every word."""

    scores: Mapping[int, float]
    ideal: float
    mean_words: float
    """How many words a text of the agent has in the mean."""

    def best(self, limit: int) -> list[int]:
        """Return the numbers of those that do best."""
        return sorted(self.scores, key=self.scores.__getitem__, reverse=True)[:limit]

    def share(self, seq: int) -> float:
        """Return how well a memory does: 0 to 1."""
        return min(1.0, self.scores.get(seq, 0.0) / self.ideal)


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


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first."""

    hits: list[Hit]
    has_meaning: bool
    """False when the query had no vector in time, so that only its words were looked for."""


def weigh(
    query: Query,
    recipe: Recipe,
    candidate: Candidate,
    lexical: float,
    similarity: float,
    named: Collection[str],
    now: datetime,
) -> Parts:
    """Return the parts of a candidate's score.

    `lexical` is the share of the query's words that it has, by their weight: 0 to 1. `similarity` is the cosine of the
    two vectors. `named` are those whom the query names and the agent knows.
    """
    share = recipe.share(candidate.characters)
    words = share * (1 - recipe.meaning) * lexical
    meaning = share * recipe.meaning * max(0.0, similarity)
    theirs = len(named) == 1 and (candidate.subject in named or candidate.author in named)
    entity = ENTITY_BONUS * (words + meaning) if theirs else 0.0
    recency = query.recency_weight * _recency(candidate.occur_time, now) if candidate.occur_time else 0.0
    return Parts(words, meaning, entity, recency, query.importance_weight * candidate.importance)


def _recency(time: datetime, now: datetime) -> float:
    return float(0.5 ** max(0.0, (now - time) / RECENCY_HALF_LIFE))
