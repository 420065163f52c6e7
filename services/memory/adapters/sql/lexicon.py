"""What words are found by: BM25 over full-text indexes, on SQLite with FTS5 (`fts5.py`) and on Postgres with tsvector.

A document is a memory's text, whom it is about and by, its day, and the two turns before it in its conversation, which
count less, unless one of them is long. The score of a document is its BM25 divided by what a text of mean length scores
that has every word of the query once, and at most 1: an absolute number, the same for every agent. (Robertson and
Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from services.memory.adapters.sql.filters import Condition
from services.memory.domain.search import Matches

PREVIOUS, EARLIER = 0.5, 0.25
"""How much a word counts that stands in the turn before, and in the one before that."""

BLANKS = 50
"""Documents of no meaning that an agent begins with: else a word in two of three memories would be worth nothing."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a memory can be found by."""

    seq: int
    text: str
    who: str
    day: str
    previous: str
    earlier: str


class Lexicon(Protocol):
    """The documents of each agent. Each method works in the caller's transaction."""

    async def put(self, connection: AsyncConnection, agent_id: str, documents: Sequence[Document]) -> None:
        """Add documents, or replace those of the same number."""
        ...

    async def remove(self, connection: AsyncConnection, agent_id: str, seqs: Sequence[int]) -> None:
        """Remove documents."""
        ...

    async def drop(self, connection: AsyncConnection, agent_id: str) -> None:
        """Remove all documents of an agent whose memories are gone, and perhaps the others too, without a trace."""
        ...

    async def matches(
        self,
        connection: AsyncConnection,
        agent_id: str,
        terms: Sequence[str],
        passing: Sequence[Condition],
        now: datetime,
        limit: int,
    ) -> Matches:
        """Return documents whose memories pass these conditions, the best `limit` of them and perhaps others."""
        ...


def idf(count: int, total: int) -> float:
    """Return what a word is worth that stands in `count` of `total` documents, as FTS5 counts it."""
    return max(1e-6, math.log((total - count + 0.5) / (count + 0.5)))
