"""What words are found by: BM25 over full-text indexes, on SQLite with FTS5 and on Postgres with tsvector.

A document is a memory's text, whom it is about and by, its day, and the two turns before it in its conversation, which
count less. The score of a document is its BM25 divided by what a text of mean length scores that has every word of the
query once, and at most 1: an absolute number, the same for every agent. (Robertson and Zaragoza, "The Probabilistic
Relevance Framework: BM25 and Beyond", 2009.)
"""

import heapq
import itertools
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.memory.adapters.sql.filters import Condition
from services.memory.adapters.sql.tables import lexicon, memory
from services.memory.domain.words import fold, words_of
from services.runtime.sqlite_file import LONG, driver_of

PREVIOUS, EARLIER = 0.5, 0.25
"""How much a word counts that stands in the turn before, and in the one before that."""

_SCALE = 3.0
"""What FTS5's weights are multiplied by: so its k1 of 1.2 works as 0.4, which short texts are better found with."""
_ONCE = 2.2 * _SCALE / (_SCALE + 1.2)
"""What FTS5's BM25 gives, for each unit of idf, to a word that stands once in a text of mean length."""

_BLANKS = 50
"""Documents of no meaning that an agent begins with: else a word in two of three memories would be worth nothing."""

_LONG = LONG.removeprefix("SELECT ")
_FEW, _FEW_PUT = 20_000, 16
"""More documents take longer to search, and more to put, than handing them to a thread."""
_ROW_BUDGET = 200
"""How many matches are scored at most, at 1.5 microseconds each, as long as one word has fewer."""


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
        most: int,
    ) -> dict[int, float]:
        """Return the scores of the best documents whose memories pass these conditions, by number."""
        ...


class SqliteLexicon:
    """An FTS5 table for each agent: its words are weighed among its own, and no search reads another's."""

    async def put(self, connection: AsyncConnection, agent_id: str, documents: Sequence[Document]) -> None:
        """Add documents, or replace those of the same number."""
        driver = driver_of(connection)
        if len(documents) <= _FEW_PUT:
            _put(driver.connection, agent_id, documents)
        else:
            await driver.run(lambda db: _put(db, agent_id, documents))

    async def remove(self, connection: AsyncConnection, agent_id: str, seqs: Sequence[int]) -> None:
        """Remove documents."""
        await driver_of(connection).run(lambda db: _remove(db, agent_id, seqs))

    async def drop(self, connection: AsyncConnection, agent_id: str) -> None:
        """Remove all documents of an agent, so that nothing of them is left."""
        await driver_of(connection).run(lambda db: _drop(db, agent_id))

    async def matches(
        self,
        connection: AsyncConnection,
        agent_id: str,
        terms: Sequence[str],
        passing: Sequence[Condition],
        now: datetime,
        most: int,
    ) -> dict[int, float]:
        """Return the scores of the best documents whose memories pass these conditions, by number."""
        driver = driver_of(connection)
        table, total = _size(driver.connection, agent_id)
        if not (total and terms):
            return {}
        if not passing:

            def best(db: sqlite3.Connection) -> list[tuple[int, float]]:
                return _rank(db, _match(db, table, total, terms), most)

            # In one go: every statement of SQLAlchemy takes as long as the words of a query.
            return dict(best(driver.connection) if total <= _FEW else await driver.run(best))
        match: _Match | None = await driver.run(lambda db: _match(db, table, total, terms))
        if match is None:
            return {}
        number: Any = sa.literal_column(f"{table}.rowid")
        query = sa.select(number, sa.literal_column(match.rank)).prefix_with(_LONG).select_from(sa.text(table))
        query = query.join(memory, memory.c.seq == number).where(sa.text(f"{table} MATCH :match"), *passing)
        scores: dict[int, float] = {}
        for expression in match.expressions:
            if not (match.is_enough and len(scores) >= most):
                rows = await connection.execute(query, {"match": expression, "now": now})
                scores = {**dict(map(tuple, rows)), **scores}
        return dict(match.best(scores, most))


@dataclass(frozen=True, slots=True)
class _Match:
    """What to match in a table of FTS5, and what a text scores that has every word once."""

    table: str
    expressions: Sequence[str]
    """The second finds more than the first, and scores it by fewer words."""
    is_enough: bool
    """Whether what the first finds does better than whatever else the second finds."""
    ideal: float

    @property
    def rank(self) -> str:
        """The score, which FTS5 gives the lower the better."""
        return f"bm25({self.table}, {_SCALE}, {_SCALE}, {_SCALE}, {_SCALE * PREVIOUS}, {_SCALE * EARLIER})"

    def best(self, scores: Mapping[int, float], most: int) -> list[tuple[int, float]]:
        """Return the best numbers, with how well they do: 0 to 1."""
        best = heapq.nsmallest(most, scores.items(), key=itemgetter(1))
        return [(seq, min(1.0, -score / self.ideal)) for seq, score in best]


def _table(db: sqlite3.Connection, agent_id: str) -> str:
    row = db.execute("SELECT number FROM lexicon WHERE agent_id = ?", (agent_id,)).fetchone()
    return f"memory_words_{row[0]}" if row else ""


def _create(db: sqlite3.Connection, agent_id: str) -> str:
    db.execute("INSERT INTO lexicon (agent_id) VALUES (?)", (agent_id,))
    table = _table(db, agent_id)
    db.execute(
        f"CREATE VIRTUAL TABLE {table} USING fts5"
        "(text, who, day, previous, earlier, tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    blanks = [(-number, "qzx " * 30) for number in range(1, _BLANKS + 1)]
    db.executemany(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", blanks)
    return table


def _put(db: sqlite3.Connection, agent_id: str, documents: Sequence[Document]) -> None:
    table = _table(db, agent_id) or _create(db, agent_id)
    db.executemany(
        f"INSERT OR REPLACE INTO {table} (rowid, text, who, day, previous, earlier) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (item.seq, fold(item.text), fold(item.who), item.day, fold(item.previous), fold(item.earlier))
            for item in documents
        ],
    )


def _remove(db: sqlite3.Connection, agent_id: str, seqs: Sequence[int]) -> None:
    if table := _table(db, agent_id):
        db.executemany(f"DELETE FROM {table} WHERE rowid = ?", [(seq,) for seq in seqs])


def _drop(db: sqlite3.Connection, agent_id: str) -> None:
    if table := _table(db, agent_id):
        db.execute(f"DROP TABLE {table}")
        db.execute("DELETE FROM lexicon WHERE agent_id = ?", (agent_id,))


def _size(db: sqlite3.Connection, agent_id: str) -> tuple[str, int]:
    """Return the table of an agent's documents, and how many it has; empty and 0 when there is none."""
    table = _table(db, agent_id)
    return (table, db.execute(f"SELECT count(*) FROM {table}_docsize").fetchone()[0]) if table else ("", 0)


def _match(db: sqlite3.Connection, table: str, total: int, terms: Sequence[str]) -> _Match | None:
    """Return what to match for words in a table of so many documents; None when none of them has any."""
    counting = ", ".join(f"(SELECT count(*) FROM {table} WHERE {table} MATCH ?)" for _ in terms)
    found = db.execute(f"SELECT {counting}", tuple(map(_quoted, terms))).fetchone()
    rare, common = _divided(dict(zip(terms, found, strict=True)))
    if not rare:
        return None
    one_of, adding = (" OR ".join(map(_quoted, words)) for words in (rare, common))
    return _Match(
        table,
        [f"({one_of}) AND ({adding})", one_of] if common else [one_of],
        len(rare) == 1,
        _ONCE * math.fsum(_idf(count, total) for count in found),
    )


def _rank(db: sqlite3.Connection, match: _Match | None, most: int) -> list[tuple[int, float]]:
    if match is None:
        return []
    query = f"SELECT rowid, {match.rank} FROM {match.table} WHERE {match.table} MATCH ?"
    if len(match.expressions) == 1:
        query += f" ORDER BY 2 LIMIT {most}"
    scores: dict[int, float] = {}
    for expression in match.expressions:
        if not (match.is_enough and len(scores) >= most):
            scores = dict(db.execute(query, (expression,))) | scores
    return match.best(scores, most)


_K1 = 0.6


class PostgresLexicon:
    """A tsvector for each memory: how often a word stands in a part of a document doesn't count, nor how long it is.

    Measured on public conversations, this loses 0.2 of 100 in recall.
    """

    async def put(self, connection: AsyncConnection, agent_id: str, documents: Sequence[Document]) -> None:
        """Add documents, or replace those of the same number."""
        if await connection.scalar(sa.select(lexicon.c.number).where(lexicon.c.agent_id == agent_id)) is None:
            await connection.execute(
                sa.text("INSERT INTO lexicon (agent_id) VALUES (:agent_id) ON CONFLICT DO NOTHING"),
                {"agent_id": agent_id},
            )
        await connection.execute(
            sa.text(
                """
                INSERT INTO memory_words (seq, agent_id, words) VALUES (:seq, :agent_id,
                    setweight(to_tsvector('english', :own), 'A')
                    || setweight(to_tsvector('english', :previous), 'B')
                    || setweight(to_tsvector('english', :earlier), 'C'))
                ON CONFLICT (seq) DO UPDATE SET words = excluded.words
                """
            ),
            [
                {
                    "seq": item.seq,
                    "agent_id": agent_id,
                    "own": _plain(f"{item.text}\n{item.who}\n{item.day}"),
                    "previous": _plain(item.previous),
                    "earlier": _plain(item.earlier),
                }
                for item in documents
            ],
        )

    async def remove(self, connection: AsyncConnection, agent_id: str, seqs: Sequence[int]) -> None:
        """Remove documents."""
        gone = sa.text("DELETE FROM memory_words WHERE agent_id = :agent AND seq = :seq")
        await connection.execute(gone, [{"agent": agent_id, "seq": seq} for seq in seqs])

    async def drop(self, connection: AsyncConnection, agent_id: str) -> None:
        """Remove the documents of an agent whose memories are gone: another replica may be adding some."""
        there = "SELECT seq FROM memory WHERE agent_id = :agent"
        gone = sa.text(f"DELETE FROM memory_words WHERE agent_id = :agent AND seq NOT IN ({there})")
        await connection.execute(gone, {"agent": agent_id})

    async def matches(
        self,
        connection: AsyncConnection,
        agent_id: str,
        terms: Sequence[str],
        passing: Sequence[Condition],
        now: datetime,
        most: int,
    ) -> dict[int, float]:
        """Return the scores of the best documents whose memories pass these conditions, by number."""
        counted = await connection.execute(
            sa.text(
                """
                SELECT term,
                    (SELECT count(*) FROM memory_words WHERE agent_id = :agent),
                    (SELECT count(*) FROM memory_words
                     WHERE agent_id = :agent AND words @@ to_tsquery('english', term))
                FROM unnest(CAST(:terms AS text[])) AS term WHERE numnode(to_tsquery('english', term)) > 0
                """
            ),
            {"agent": agent_id, "terms": list(terms)},
        )
        weights = {term: _idf(count, total + _BLANKS) for term, total, count in counted}
        if not weights:
            return {}
        parts = (("A", 1.0), ("B", PREVIOUS), ("C", EARLIER))
        frequency = " + ".join(
            f"{part} * (words @@ to_tsquery('english', term || ':{label}'))::int" for label, part in parts
        )
        score: Any = sa.literal_column(f"sum(weight * {1 + _K1} * ({frequency}) / ({frequency} + {_K1}))")
        number: Any = sa.literal_column("memory_words.seq")
        source = "unnest(CAST(:terms AS text[]), CAST(:weights AS float8[])) AS asked (term, weight), memory_words"
        query = sa.select(number, score).select_from(sa.text(source)).group_by(number)
        query = query.where(sa.text("memory_words.agent_id = :agent AND words @@ to_tsquery('english', term)"))
        if passing:
            query = query.where(number.in_(sa.select(memory.c.seq).where(memory.c.agent_id == agent_id, *passing)))
        rows = await connection.execute(
            query.order_by(score.desc()).limit(most),
            {
                "agent": agent_id,
                "terms": list(weights),
                "weights": list(weights.values()),
                **({"now": now} if passing else {}),
            },
        )
        ideal = sum(weights.values())
        return {seq: min(1.0, found / ideal) for seq, found in rows}


def _idf(count: int, total: int) -> float:
    """Return what a word is worth that stands in `count` of `total` documents, as FTS5 counts it."""
    return max(1e-6, math.log((total - count + 0.5) / (count + 0.5)))


def _divided(frequencies: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Return the words that say which documents are scored, and those that only add to scores; none that nothing has.

    Scoring every match of a common word takes too long among many documents.
    """
    known = sorted((term for term, count in frequencies.items() if count), key=lambda term: frequencies[term])
    matches = itertools.accumulate(frequencies[term] for term in known)
    rare = sum(count <= _ROW_BUDGET for count in matches) or 1
    return known[:rare], known[rare:]


def _quoted(term: str) -> str:
    return f'"{term}"'


def _plain(text: str) -> str:
    """Return a text whose words Postgres takes apart as queries do: it would keep `SOL/USDC` and `nova.ai` whole."""
    return " ".join(words_of(text))
