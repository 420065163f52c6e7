"""The words of agents with few memories on SQLite: documents in a table that these agents share.

A full-text table is six tables of SQLite. To make one takes the longer the more there are, and every connection then
reads the whole schema anew; so an agent gets its own when it has too much to put into one in memory for each search.
"""

import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from services.memory.adapters.sql.lexicon import BLANKS, Document
from services.memory.domain.words import spaced

T = TypeVar("T")
Row = tuple[int, str, str, str, str, str]
"""A document as it is indexed: its number, and its texts."""

FEW, FEW_CHARACTERS = 100, 30_000
"""More documents, or more text, are indexed for good: these take up to a millisecond for each search."""

COLUMNS = "text, who, day, previous, earlier"
_BLANK_WORDS = 30
"""How many words a document has that has no meaning."""
_TABLE = "memory_words"


def row_of(item: Document) -> Row:
    """Return a document as it is indexed."""
    return item.seq, spaced(item.text), spaced(item.who), item.day, spaced(item.previous), spaced(item.earlier)


def create_words(db: sqlite3.Connection, table: str) -> None:
    """Create a full-text table, with the documents of no meaning that every agent begins with."""
    db.execute(f"CREATE VIRTUAL TABLE {table} USING fts5({COLUMNS}, tokenize = 'porter unicode61 remove_diacritics 2')")
    blanks = [(-number, "qzx " * _BLANK_WORDS) for number in range(1, BLANKS + 1)]
    db.executemany(f"INSERT INTO {table} (rowid, text) VALUES (?, ?)", blanks)


def put_words(db: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    """Add documents to a full-text table, or replace those of the same number."""
    db.executemany(f"INSERT OR REPLACE INTO {table} (rowid, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows)


def mean_words(words: int, rows: int) -> float:
    """Return the mean words of a text, of a full-text table with so many words of texts and rows."""
    return max(0, words - BLANKS * _BLANK_WORDS) / max(1, rows - BLANKS)


def varints(record: bytes) -> Iterator[int]:
    """Yield the numbers of a record, each 7 bits a byte, the highest first; only the last byte of one is below 128."""
    number = 0
    for byte in record:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            yield number
            number = 0


def keep(db: sqlite3.Connection, agent_id: str, rows: Sequence[Row]) -> None:
    """Add documents to the shared table, or replace those of the same number."""
    db.executemany(
        f"INSERT OR REPLACE INTO memory_document (seq, {COLUMNS}, agent_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*row, agent_id) for row in rows],
    )


def are_few(db: sqlite3.Connection, agent_id: str) -> bool:
    """Tell whether an agent's documents in the shared table are as few as they may be there."""
    size = "length(text) + length(previous) + length(earlier)"
    query = f"SELECT count(*), coalesce(sum({size}), 0) FROM memory_document WHERE agent_id = ?"
    count, characters = db.execute(query, (agent_id,)).fetchone()
    return bool(count <= FEW and characters <= FEW_CHARACTERS)


def take_all(db: sqlite3.Connection, agent_id: str) -> list[Row]:
    """Remove an agent's documents from the shared table, and return them."""
    rows = documents_of(db, agent_id)
    db.execute("DELETE FROM memory_document WHERE agent_id = ?", (agent_id,))
    return rows


def documents_of(db: sqlite3.Connection, agent_id: str) -> list[Row]:
    """Return an agent's documents in the shared table."""
    return db.execute(f"SELECT seq, {COLUMNS} FROM memory_document WHERE agent_id = ?", (agent_id,)).fetchall()


class Scratch:
    """A full-text table in memory that holds the documents of one agent for as long as a search of them takes."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        create_words(self._db, _TABLE)
        weakref.finalize(self, self._db.close)

    def search(self, rows: Sequence[Row], work: Callable[[sqlite3.Connection, str, int, float], T]) -> T:
        """Let something search these documents: in which table, how many rows it has, the mean words of its texts."""
        self._db.execute("BEGIN")
        try:
            put_words(self._db, _TABLE, rows)
            sizes = self._db.execute(f"SELECT sz FROM {_TABLE}_docsize").fetchall()
            words = sum(next(varints(record)) for (record,) in sizes)
            return work(self._db, _TABLE, len(sizes), mean_words(words, len(sizes)))
        finally:
            self._db.execute("ROLLBACK")
