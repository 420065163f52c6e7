"""The words of memories on SQLite, in tables of FTS5."""

import itertools
import math
import sqlite3
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from services.memory.adapters.sql.few_documents import (
    Row,
    Scratch,
    are_few,
    create_words,
    documents_of,
    keep,
    mean_words,
    put_words,
    row_of,
    take_all,
    varints,
)
from services.memory.adapters.sql.filters import Condition
from services.memory.adapters.sql.lexicon import EARLIER, PREVIOUS, Document, Lexicon, idf
from services.memory.adapters.sql.tables import memory
from services.memory.domain.search import Matches
from services.runtime.sqlite_file import LONG, driver_of

_SCALE = 3.0
"""What FTS5's weights are multiplied by: so its k1 of 1.2 works as 0.4, which short texts are better found with."""
_ONCE = 2.2 * _SCALE / (_SCALE + 1.2)
"""What FTS5's BM25 gives, for each unit of idf, to a word that stands once in a text of mean length."""

_LONG = LONG.removeprefix("SELECT ")
_FEW, _FEW_PUT = 20_000, 16
"""More documents take longer to search, and more to put, than handing them to a thread."""
_ROW_BUDGET, _NEWEST = 150, 2_000
"""How many matches are scored at most, at 1.5 microseconds each: as long as one word has fewer, and if none has."""

_TOTALS = 1
"""The id of the record of FTS5 that has the size of its table."""

_COMMON, _LASTING = 1_000, 60.0
"""A word that more documents have is counted once in so many seconds: that walks through all of them."""
_KEPT = 100_000
"""How many words' counts are kept at most."""
_AT_ONCE = 1_000
"""How many words are counted in one statement."""


class SqliteLexicon(Lexicon):
    """An FTS5 table for each agent: its words are weighed among its own, and no search reads another's.

    One that has few documents has it only while they are searched.
    """

    def __init__(self) -> None:
        self._frequencies = _Frequencies()
        self._scratch = Scratch()

    @override
    async def put(self, connection: AsyncConnection, agent_id: str, documents: Sequence[Document]) -> None:
        driver = driver_of(connection)
        self._frequencies.change(agent_id, len(documents))
        if len(documents) <= _FEW_PUT:
            _put(driver.connection, agent_id, documents)
        else:
            await driver.run(lambda db: _put(db, agent_id, documents))

    @override
    async def remove(self, connection: AsyncConnection, agent_id: str, seqs: Sequence[int]) -> None:
        self._frequencies.change(agent_id, len(seqs))
        await driver_of(connection).run(lambda db: _remove(db, agent_id, seqs))

    @override
    async def drop(self, connection: AsyncConnection, agent_id: str) -> None:
        """Remove all documents of an agent, so that nothing of them is left."""
        self._frequencies.drop(agent_id)
        await driver_of(connection).run(lambda db: _drop(db, agent_id))

    @override
    async def matches(
        self,
        connection: AsyncConnection,
        agent_id: str,
        terms: Sequence[str],
        passing: Sequence[Condition],
        now: datetime,
        limit: int,
    ) -> Matches:
        driver = driver_of(connection)
        table, total, mean = _size(driver.connection, agent_id)
        if not table:
            return await self._matches_of_few(connection, agent_id, terms, passing, now, limit)
        nothing = Matches({}, 1.0, mean)
        if not terms:
            return nothing

        def match(db: sqlite3.Connection) -> _Match | None:
            return _match(table, total, self._frequencies.of(db, agent_id, table, total, terms))

        if not passing:

            def found(db: sqlite3.Connection) -> Matches:
                wanted = match(db)
                return Matches(_score(db, wanted, limit), wanted.ideal, mean) if wanted else nothing

            # In one go: every statement of SQLAlchemy takes as long as the words of a query.
            return found(driver.connection) if total <= _FEW else await driver.run(found)
        wanted = await driver.run(match)
        if wanted is None:
            return nothing
        number: Any = sa.literal_column(f"{table}.rowid")
        query = sa.select(number, sa.literal_column(wanted.rank)).prefix_with(_LONG).select_from(sa.text(table))
        query = query.join(memory, memory.c.seq == number).where(sa.text(f"{table} MATCH :match"), *passing)
        query = query.order_by(number.desc()).limit(_NEWEST)
        scores: dict[int, float] = {}
        for expression in wanted.asked(scores, limit):
            rows = await connection.execute(query, {"match": expression, "now": now})
            scores.update({seq: score for seq, score in rows} | scores)  # noqa: C416  # rows are no pairs
        return Matches(scores, wanted.ideal, mean)

    async def _matches_of_few(
        self,
        connection: AsyncConnection,
        agent_id: str,
        terms: Sequence[str],
        passing: Sequence[Condition],
        now: datetime,
        limit: int,
    ) -> Matches:
        rows = documents_of(driver_of(connection).connection, agent_id)
        if not rows:
            return Matches({}, 1.0, 0.0)
        wanted = {row[0] for row in rows}
        if passing:
            query = sa.select(memory.c.seq).where(memory.c.agent_id == agent_id, *passing)
            wanted &= set((await connection.scalars(query, {"now": now})).all())

        def found(db: sqlite3.Connection, table: str, total: int, mean: float) -> Matches:
            match = _match(table, total, dict(zip(terms, _count(db, table, terms), strict=True))) if terms else None
            if match is None:
                return Matches({}, 1.0, mean)
            return Matches(_score(db, match, limit, wanted), match.ideal, mean)

        return self._scratch.search(rows, found)


class _Counted(NamedTuple):
    """How many documents of an agent had a word, of how many, and after how many had been written; and when."""

    documents: int
    total: int
    written: int
    time: float


class _Frequencies:
    """How many documents of an agent have a word; of a common one, how many had it up to a minute ago."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], _Counted] = {}
        self._written: Counter[str] = Counter()

    def change(self, agent_id: str, documents: int) -> None:
        """Say that so many documents of an agent are written or removed."""
        self._written[agent_id] += documents

    def drop(self, agent_id: str) -> None:
        """Forget an agent's words."""
        for key in list(self._counted):  # other threads add to it
            if key[0] == agent_id:
                self._counted.pop(key, None)

    def of(self, db: sqlite3.Connection, agent_id: str, table: str, total: int, terms: Sequence[str]) -> dict[str, int]:
        """Return how many of the `total` documents in an agent's table have each of these words."""
        now, written = time.monotonic(), self._written[agent_id]
        frequencies: dict[str, int] = {}
        for term in terms:
            kept = self._counted.get((agent_id, term))
            # What has changed since is a small part of it: it is still about right.
            is_alike = kept and max(abs(total - kept.total), written - kept.written) <= kept.documents // 10
            frequencies[term] = kept.documents if kept and is_alike and now - kept.time < _LASTING else 0
        asked = [term for term, count in frequencies.items() if not count]
        if asked:
            found = _count(db, table, asked)
            frequencies |= zip(asked, found, strict=True)
            if len(self._counted) > _KEPT:
                self._counted.clear()
            for term, count in zip(asked, found, strict=True):
                if count > _COMMON:
                    self._counted[agent_id, term] = _Counted(count, total, written, now)
        return frequencies


def _count(db: sqlite3.Connection, table: str, terms: Sequence[str]) -> list[int]:
    """Return how many documents of a table have each of these words."""
    counts = list[int]()
    for start in range(0, len(terms), _AT_ONCE):
        some = terms[start : start + _AT_ONCE]
        counting = ", ".join(f"(SELECT count(*) FROM {table} WHERE {table} MATCH ?)" for _ in some)
        counts += db.execute(f"SELECT {counting}", tuple(map(_quoted, some))).fetchone()
    return counts


@dataclass(frozen=True, slots=True)
class _Match:
    """What to match in a table of FTS5, and what a text scores that has every word once."""

    table: str
    expressions: Sequence[str]
    """The later ones find more, and score it by fewer words."""
    certain: int
    """How many of them are matched in any case, and not only when too little was found."""
    otherwise: str
    """What is matched when nothing was found: words that too many documents have."""
    is_common: bool
    """Whether so many documents have even the rarest word that only the newest are scored."""
    ideal: float

    @property
    def rank(self) -> str:
        """The score, which FTS5 gives below zero."""
        return f"-bm25({self.table}, {_SCALE}, {_SCALE}, {_SCALE}, {_SCALE * PREVIOUS}, {_SCALE * EARLIER})"

    def asked(self, scores: Mapping[int, float], limit: int) -> Iterator[str]:
        """Yield what to match next, looking at the scores of what was found so far."""
        for at, expression in enumerate(self.expressions):
            if at < self.certain or len(scores) < limit:
                yield expression
        if self.otherwise and not scores:
            yield self.otherwise


def _table(db: sqlite3.Connection, agent_id: str) -> str:
    """Return the table of an agent's documents; nothing while they are few."""
    row = db.execute("SELECT number FROM lexicon WHERE agent_id = ? AND has_table", (agent_id,)).fetchone()
    return f"memory_words_{row[0]}" if row else ""


def _put(db: sqlite3.Connection, agent_id: str, documents: Sequence[Document]) -> None:
    rows: Sequence[Row] = [row_of(item) for item in documents]
    if not (table := _table(db, agent_id)):
        db.execute("INSERT OR IGNORE INTO lexicon (agent_id, has_table) VALUES (?, 0)", (agent_id,))
        keep(db, agent_id, rows)
        if are_few(db, agent_id):
            return
        rows = take_all(db, agent_id)
        db.execute("UPDATE lexicon SET has_table = 1 WHERE agent_id = ?", (agent_id,))
        table = _table(db, agent_id)
        create_words(db, table)
    put_words(db, table, rows)


def _remove(db: sqlite3.Connection, agent_id: str, seqs: Sequence[int]) -> None:
    table = _table(db, agent_id)
    gone = f"DELETE FROM {table} WHERE rowid = ?" if table else "DELETE FROM memory_document WHERE seq = ?"
    db.executemany(gone, [(seq,) for seq in seqs])


def _drop(db: sqlite3.Connection, agent_id: str) -> None:
    if table := _table(db, agent_id):
        db.execute(f"DROP TABLE {table}")
    take_all(db, agent_id)
    db.execute("DELETE FROM lexicon WHERE agent_id = ?", (agent_id,))


def _size(db: sqlite3.Connection, agent_id: str) -> tuple[str, int, float]:
    """Return the table of an agent's documents, how many it has, and the mean words of a text; else nothing and 0.

    FTS5 keeps the number of rows, and the words of each column, in a record of its own, as varints.
    """
    if not (table := _table(db, agent_id)):
        return "", 0, 0.0
    [(record,)] = db.execute(f"SELECT block FROM {table}_data WHERE id = {_TOTALS}")
    rows, words = itertools.islice(varints(record), 2)
    return table, rows, mean_words(words, rows)


def _match(table: str, total: int, frequencies: Mapping[str, int]) -> _Match | None:
    """Return what to match for words that so many of the documents of a table have; None when none has any.

    Scoring every match of a common word takes too long among many documents: rare words say which documents are scored,
    and common ones only add to their scores.
    """
    known = sorted((term for term, count in frequencies.items() if count), key=lambda term: frequencies[term])
    if not known:
        return None
    matches = itertools.accumulate(frequencies[term] for term in known)
    rare = sum(count <= _ROW_BUDGET for count in matches) or 1
    is_common = frequencies[known[0]] > _NEWEST
    quoted = [_quoted(term) for term in known]
    one_of, adding = " OR ".join(quoted[:rare]), " OR ".join(quoted[rare:])
    expressions = [f"({one_of}) AND ({adding})", one_of] if adding else [one_of]
    # What has one of several rare words can do better without a common one than another with one.
    certain = 1 if rare == 1 else len(expressions)
    if is_common and len(known) > 2:
        expressions, certain = [" AND ".join(quoted), *expressions], 2
    # No document has more of a word than all; some may have gone since that was counted.
    ideal = _ONCE * math.fsum(idf(min(count, total), total) for count in frequencies.values())
    return _Match(table, expressions, certain, adding, is_common, ideal)


def _score(
    db: sqlite3.Connection, match: _Match, limit: int, wanted: Collection[int] | None = None
) -> dict[int, float]:
    """Return the scores of documents, of those wanted alone if that is given."""
    query = f"SELECT rowid, {match.rank} FROM {match.table} WHERE {match.table} MATCH ?"
    if match.is_common:
        query += f" ORDER BY rowid DESC LIMIT {_NEWEST}"
    scores: dict[int, float] = {}
    for expression in match.asked(scores, limit):
        found = dict(db.execute(query, (expression,)).fetchall())
        if wanted is not None:
            found = {seq: score for seq, score in found.items() if seq in wanted}
        scores.update(found | scores)
    return scores


def _quoted(term: str) -> str:
    return f'"{term}"'
