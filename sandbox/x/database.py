"""The SQLite file behind the X sandbox: its schema, its transactions and its ids."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.x.text import contains

Clock = Callable[[], float]
"""Seconds since 1970."""

_EPOCH_MS = 1288834974657
_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL, description TEXT NOT NULL,
    created_ms INTEGER NOT NULL, api_key TEXT NOT NULL, api_key_secret TEXT NOT NULL,
    access_token TEXT NOT NULL UNIQUE, access_token_secret TEXT NOT NULL, bearer_token TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS posts (
    id INTEGER PRIMARY KEY, author_id INTEGER NOT NULL REFERENCES users, text TEXT NOT NULL, prefix TEXT NOT NULL,
    lang TEXT NOT NULL, conversation_id INTEGER NOT NULL, reply_to INTEGER, reply_to_user INTEGER, quoted INTEGER,
    quoted_url TEXT, reposted INTEGER, created_ms INTEGER NOT NULL, visible_ms INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS posts_by_author ON posts (author_id, id);
CREATE INDEX IF NOT EXISTS posts_by_text ON posts (author_id, text);
CREATE INDEX IF NOT EXISTS posts_by_conversation ON posts (conversation_id);
CREATE INDEX IF NOT EXISTS posts_by_parent ON posts (reply_to) WHERE reply_to IS NOT NULL;
CREATE INDEX IF NOT EXISTS posts_by_quoted ON posts (quoted) WHERE quoted IS NOT NULL;
CREATE INDEX IF NOT EXISTS posts_by_reposted ON posts (reposted, author_id) WHERE reposted IS NOT NULL;
CREATE TABLE IF NOT EXISTS mentions (
    user_id INTEGER NOT NULL, post_id INTEGER NOT NULL REFERENCES posts, PRIMARY KEY (user_id, post_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS likes (
    post_id INTEGER NOT NULL REFERENCES posts, user_id INTEGER NOT NULL REFERENCES users,
    PRIMARY KEY (post_id, user_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Database:
    """One connection to the file; each call takes well under a millisecond, so it runs in the event loop."""

    def __init__(self, path: Path, clock: Clock = time.time) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.create_function("contains", 2, contains, deterministic=True)
        self._connection.create_function("now_ms", 0, self.now_ms)
        # A commit in the write-ahead log outlives the process; only a power cut could lose it.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(_SCHEMA)
        row = self.one("SELECT MAX(id) AS last FROM (SELECT id FROM posts UNION ALL SELECT id FROM users)")
        self._last_id: int = row["last"] or 0 if row else 0

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def now_ms(self) -> int:
        """Return the time in milliseconds since 1970."""
        return int(self._clock() * 1000)

    def next_id(self) -> int:
        """Return a snowflake id, larger than every id before it, also across restarts and clocks set back."""
        self._last_id = max(first_id_at(self.now_ms()), self._last_id + 1)
        return self._last_id

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is written inside, or nothing of it when an error comes out."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def write(self, sql: str, *values: object) -> int:
        """Run one statement and return how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """Return the first row, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Return every row."""
        return self._connection.execute(sql, values).fetchall()


def first_id_at(ms: int) -> int:
    """Return the smallest snowflake id of a millisecond since 1970."""
    return max(0, ms - _EPOCH_MS) << 22
