"""The words of memories on SQLite, in tables of FTS5."""

import itertools
import math
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import override

from services.memory.adapters.sql.filters import Condition
from services.memory.adapters.sql.lexicon import BLANKS, EARLIER, PREVIOUS, Document, Lexicon, idf
from services.memory.adapters.sql.tables import memory
from services.memory.domain.search import Matches
from services.memory.domain.words import spaced
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

_BLANK_WORDS = 30
"""How many words a document has that has no meaning."""
_TOTALS = 1
"""The id of the record of FTS5 that has the size of its table."""

_COMMON, _LASTING = 1_000, 60.0
"""A word that more documents have is counted once in so many seconds: that walks through all of them."""
_KEPT = 100_000
"""How many words' counts are kept at most."""
_AT_ONCE = 1_000
"""How many words are counted in one statement."""


class SqliteLexicon(Lexicon):
    """An FTS5 table for each agent: its words are weighed among its own, and no search reads another's."""

    def __init__(self) -> None:
        self._frequencies = _Frequencies()

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
        most: int,
    ) -> Matches:
        driver = driver_of(connection)
        table, total, mean_words = _size(driver.connection, agent_id)
        nothing = Matches({}, 1.0, mean_words)
        if not (total and terms):
            return nothing

        def match(db: sqlite3.Connection) -> _Match | None:
            return _match(table, total, self._frequencies.of(db, agent_id, table, total, terms))

        if not passing:

            def found(db: sqlite3.Connection) -> Matches:
                wanted = match(db)
                return Matches(_score(db, wanted, most), wanted.ideal, mean_words) if wanted else nothing

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
        for expression in wanted.asked(scores, most):
            rows = await connection.execute(query, {"match": expression, "now": now})
            scores.update({seq: score for seq, score in rows} | scores)  # noqa: C416  # rows are no pairs
        return Matches(scores, wanted.ideal, mean_words)


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
            found = [
                count
                for start in range(0, len(asked), _AT_ONCE)
                for count in _count(db, table, asked[start : start + _AT_ONCE])
            ]
            frequencies |= zip(asked, found, strict=True)
            if len(self._counted) > _KEPT:
                self._counted.clear()
            for term, count in zip(asked, found, strict=True):
                if count > _COMMON:
                    self._counted[agent_id, term] = _Counted(count, total, written, now)
        return frequencies


def _count(db: sqlite3.Connection, table: str, terms: Sequence[str]) -> Sequence[int]:
    counting = ", ".join(f"(SELECT count(*) FROM {table} WHERE {table} MATCH ?)" for _ in terms)
    counts: Sequence[int] = db.execute(f"SELECT {counting}", tuple(map(_quoted, terms))).fetchone()
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

    def asked(self, scores: Mapping[int, float], most: int) -> Iterator[str]:
        """Yield what to match next, looking at the scores of what was found so far."""
        for at, expression in enumerate(self.expressions):
            if at < self.certain or len(scores) < most:
                yield expression
        if self.otherwise and not scores:
            yield self.otherwise


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
    blanks = [(-number, "qzx " * _BLANK_WORDS) for number in range(1, BLANKS + 1)]
    db.executemany(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", blanks)
    return table


def _put(db: sqlite3.Connection, agent_id: str, documents: Sequence[Document]) -> None:
    table = _table(db, agent_id) or _create(db, agent_id)
    db.executemany(
        f"INSERT OR REPLACE INTO {table} (rowid, text, who, day, previous, earlier) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (item.seq, spaced(item.text), spaced(item.who), item.day, spaced(item.previous), spaced(item.earlier))
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


def _size(db: sqlite3.Connection, agent_id: str) -> tuple[str, int, float]:
    """Return the table of an agent's documents, how many it has, and the mean words of a text; else nothing and 0.

    FTS5 keeps the number of rows, and the words of each column, in a record of its own, as varints.
    """
    if not (table := _table(db, agent_id)):
        return "", 0, 0.0
    [(record,)] = db.execute(f"SELECT block FROM {table}_data WHERE id = {_TOTALS}")
    rows, words = itertools.islice(_varints(record), 2)
    return table, rows, max(0, words - BLANKS * _BLANK_WORDS) / max(1, rows - BLANKS)


def _varints(record: bytes) -> Iterator[int]:
    """Yield the numbers of a record, each 7 bits a byte, the highest first; only the last byte of one is below 128."""
    number = 0
    for byte in record:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            yield number
            number = 0


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


def _score(db: sqlite3.Connection, match: _Match, most: int) -> dict[int, float]:
    query = f"SELECT rowid, {match.rank} FROM {match.table} WHERE {match.table} MATCH ?"
    if match.is_common:
        query += f" ORDER BY rowid DESC LIMIT {_NEWEST}"
    scores: dict[int, float] = {}
    for expression in match.asked(scores, most):
        scores.update(dict(db.execute(query, (expression,))) | scores)
    return scores


def _quoted(term: str) -> str:
    return f'"{term}"'
