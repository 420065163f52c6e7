"""Inserts that say what happens when a row is there already, which each database's dialect has its own class for."""

from typing import Any

from sqlalchemy.dialects import sqlite


def insert_on(dialect: str, table: Any) -> Any:
    """Return an INSERT into a table that takes `on_conflict_...`, for SQLite or Postgres."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    # Imported here, as 2 MB of it would lie idle beside every SQLite file.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
