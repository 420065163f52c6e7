"""The chain's durable record in SQLite: every landed transaction, and the newest state of every account it changed.

LiteSVM lives in memory and can't be copied out. A transaction is therefore written here, with the accounts it
changed, before its sender hears of it; after a restart the accounts are set again, and no transaction is replayed.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (
    address BLOB PRIMARY KEY, lamports TEXT NOT NULL, data BLOB NOT NULL, owner BLOB NOT NULL,
    executable INTEGER NOT NULL, rent_epoch TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS transactions (
    number INTEGER PRIMARY KEY, signature TEXT NOT NULL UNIQUE, slot INTEGER NOT NULL, time INTEGER NOT NULL,
    visible_at REAL NOT NULL, wire BLOB NOT NULL, meta TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS mentions (
    address BLOB NOT NULL, number INTEGER NOT NULL REFERENCES transactions, PRIMARY KEY (address, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (request_id TEXT PRIMARY KEY, expires_at REAL NOT NULL, body TEXT NOT NULL);
"""

_COLUMNS = "signature, slot, time, visible_at, wire, meta"


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction in a block: `meta` has the shape of JSON-RPC's, and nobody sees it before `visible_at`."""

    signature: str
    slot: int
    time: int
    visible_at: float
    wire: bytes
    meta: dict[str, Any]


class Journal:
    """One SQLite file, owned by one process and used by one thread; a second owner gets sqlite3.OperationalError."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=1.0)
        try:
            # Two chains on one file would each miss what the other one did: the second to come fails.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.Error:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextlib.contextmanager
    def atomic(self) -> Iterator[None]:
        """Write all of what the block writes, or nothing; an inner block joins the outer one."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def meta(self) -> dict[str, str]:
        """Return the facts about the chain which were set with `set_meta`."""
        return dict(self._db.execute("SELECT name, value FROM meta"))

    def set_meta(self, values: Mapping[str, str]) -> None:
        """Store facts about the chain."""
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())

    def accounts(self) -> Iterator[tuple[Pubkey, Account]]:
        """Return every account in its newest state."""
        for address, lamports, data, owner, executable, rent_epoch in self._db.execute("SELECT * FROM accounts"):
            yield Pubkey(address), Account(int(lamports), data, Pubkey(owner), bool(executable), int(rent_epoch))

    def save_accounts(self, accounts: Mapping[Pubkey, Account | None]) -> None:
        """Store accounts in their newest state; None stands for an account that is gone."""
        gone = [(bytes(address),) for address, account in accounts.items() if account is None]
        # Lamports and rent epochs are unsigned 64-bit numbers, which SQLite's signed INTEGER can't hold.
        kept = [
            (bytes(address), str(a.lamports), a.data, bytes(a.owner), a.executable, str(a.rent_epoch))
            for address, a in accounts.items()
            if a is not None
        ]
        self._db.executemany("DELETE FROM accounts WHERE address = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?)", kept)

    def save_landed(self, landed: Landed, mentioned: list[Pubkey]) -> None:
        """Store a transaction, and list it under every address it mentions."""
        row = (landed.signature, landed.slot, landed.time, landed.visible_at, landed.wire, json.dumps(landed.meta))
        number = self._db.execute(f"INSERT INTO transactions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", row).lastrowid  # noqa: S608
        self._db.executemany("INSERT INTO mentions VALUES (?, ?)", {(bytes(address), number) for address in mentioned})

    def landed(self, signature: str) -> Landed | None:
        """Return the transaction with this signature."""
        query = f"SELECT {_COLUMNS} FROM transactions WHERE signature = ?"  # noqa: S608
        row = self._db.execute(query, (signature,)).fetchone()
        return None if row is None else _landed(row)

    def count(self, slot: int) -> int:
        """Return how many transactions there are up to this slot."""
        query = "SELECT COUNT(*) FROM transactions WHERE slot <= ?"
        return int(self._db.execute(query, (slot,)).fetchone()[0])

    def newest_slot(self) -> int:
        """Return the slot of the newest transaction, or 0."""
        return int(self._db.execute("SELECT COALESCE(MAX(slot), 0) FROM transactions").fetchone()[0])

    def mentions(
        self, address: Pubkey, *, slot: int, now: float, before: str | None, until: str | None, limit: int
    ) -> list[Landed]:
        """Return the transactions up to this slot that mention an address and are visible now, newest first.

        `before` and `until` are signatures, both exclusive.
        """
        newest = f"SELECT {_COLUMNS} FROM mentions JOIN transactions USING (number) WHERE address = ?"  # noqa: S608
        number_of = "(SELECT number FROM transactions WHERE signature = ?)"
        query = (
            f"{newest} AND slot <= ? AND visible_at <= ? AND number < COALESCE({number_of}, 1 << 62)"
            f" AND number > COALESCE({number_of}, 0) ORDER BY number DESC LIMIT ?"
        )
        rows = self._db.execute(query, (bytes(address), slot, now, before, until, limit))
        return [_landed(row) for row in rows]

    def save_order(self, request_id: str, expires_at: float, body: dict[str, Any]) -> None:
        """Keep a swap order, and forget those that expired ten minutes before this one."""
        self._db.execute("DELETE FROM orders WHERE expires_at < ?", (expires_at - 600,))
        self._db.execute("INSERT INTO orders VALUES (?, ?, ?)", (request_id, expires_at, json.dumps(body)))

    def order(self, request_id: str) -> tuple[float, dict[str, Any]] | None:
        """Return when a swap order expires, and the order."""
        query = "SELECT expires_at, body FROM orders WHERE request_id = ?"
        row = self._db.execute(query, (request_id,)).fetchone()
        return None if row is None else (row[0], json.loads(row[1]))


def _landed(row: tuple[Any, ...]) -> Landed:
    signature, slot, time, visible_at, wire, meta = row
    return Landed(signature, slot, time, visible_at, wire, json.loads(meta))
