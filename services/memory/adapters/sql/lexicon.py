"""What words are found by: BM25 over full-text indexes, on SQLite with FTS5 and on Postgres with tsvector.

A document is a memory's text, whom it is about and by, its day, and the two turns before it in its conversation, which
count less. The score of a document is its BM25 divided by what a text of mean length scores that has every word of the
query once, and at most 1: an absolute number, the same for every agent. (Robertson and Zaragoza, "The Probabilistic
Relevance Framework: BM25 and Beyond", 2009.)
"""

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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
_FEW = 5_000
"""More documents take longer to search than handing them to a thread."""
_ROW_BUDGET = 1_000
"""How many matches are scored at most, at 1.2 microseconds each, as long as one word has fewer."""


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
        if len(documents) == 1:
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
        number: Any = sa.literal_column(f"{match.table}.rowid")
        rank: Any = sa.literal_column(match.rank)
        query = sa.select(number, rank).prefix_with(_LONG).select_from(sa.text(match.table))
        query = query.join(memory, memory.c.seq == number).where(sa.text(f"{match.table} MATCH :match"), *passing)
        rows = await connection.execute(query.order_by(rank).limit(most), {"match": match.expression, "now": now})
        return {seq: match.share(score) for seq, score in rows}


@dataclass(frozen=True, slots=True)
class _Match:
    """What to match in a table of FTS5, and what a text scores that has every word once."""

    table: str
    expression: str
    ideal: float

    @property
    def rank(self) -> str:
        """The score, which FTS5 gives the lower the better."""
        return f"bm25({self.table}, {_SCALE}, {_SCALE}, {_SCALE}, {_SCALE * PREVIOUS}, {_SCALE * EARLIER})"

    def share(self, score: float) -> float:
        """Return how well a score does: 0 to 1."""
        return min(1.0, -score / self.ideal)


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
    expression, times = _expression(dict(zip(terms, found, strict=True)))
    ideal = times * _ONCE * math.fsum(_idf(count, total) for count in found)
    return _Match(table, expression, ideal) if expression else None


def _rank(db: sqlite3.Connection, match: _Match | None, most: int) -> list[tuple[int, float]]:
    if match is None:
        return []
    query = f"SELECT rowid, {match.rank} AS rank FROM {match.table} WHERE {match.table} MATCH ? ORDER BY 2 LIMIT ?"
    return [(seq, match.share(score)) for seq, score in db.execute(query, (match.expression, most))]


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


def _expression(frequencies: dict[str, int]) -> tuple[str, int]:
    """Return what to match, and how often each word stands in it.

    Scoring every match of a common word takes too long among many documents. Then the rarest words say which documents
    are scored, and the common ones only add to their scores.
    """
    known = sorted((term for term, count in frequencies.items() if count), key=lambda term: frequencies[term])
    rare: list[str] = []
    budget = _ROW_BUDGET
    for term in known:
        budget -= frequencies[term]
        if rare and budget < 0:
            break
        rare.append(term)
    common = known[len(rare) :]
    one_of = " OR ".join(map(_quoted, rare))
    if not common:
        return one_of, 1
    # Every word twice, so that all are weighed alike.
    return f"({one_of}) AND ({one_of} OR {' OR '.join(_quoted(term) for term in common for _ in range(2))})", 2


def _quoted(term: str) -> str:
    return f'"{term}"'


def _plain(text: str) -> str:
    """Return a text whose words Postgres takes apart as queries do: it would keep `SOL/USDC` and `nova.ai` whole."""
    return " ".join(words_of(text))
