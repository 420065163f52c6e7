"""The schema of a database: its migrations, and a snapshot of what they make of a new SQLite file.

Alembic takes 8 MB and 0.3 s to import, with the dialects of four databases, so it is imported where a database that is
there already has to be changed. A new file gets the snapshot, `schema.sql`, which `make schemas` writes.
"""

import contextlib
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

SNAPSHOT = "schema.sql"
"""The file beside the migrations that has the schema of the newest one."""

_ENVIRONMENT = Path(__file__).with_name("migrations")
_VERSION_TABLE = "alembic_version"
_VERSION = re.compile(rf"INSERT INTO {_VERSION_TABLE} VALUES \('(\w+)'\)")  # noqa: S608


def upgrade(connection: sa.Connection, versions: Path) -> None:
    """Bring the schema to the newest version in this folder, within the transaction of the connection."""
    known = {path.stem.partition("_")[0] for path in versions.glob("*_*.py")}
    version = _version(connection)
    if version is None:
        version = _load(connection, versions / SNAPSHOT, known)
    if version != max(known):
        _migrate(connection, versions)


def statements(script: str) -> Iterator[str]:
    """Return the statements of an SQL script, each of which ends at the end of a line."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _version(connection: sa.Connection) -> str | None:
    """Return the version of the schema; None when there is none yet."""
    if not sa.inspect(connection).has_table(_VERSION_TABLE):
        return None
    version: str | None = connection.scalar(sa.text(f"SELECT version_num FROM {_VERSION_TABLE}"))  # noqa: S608
    return version


def _load(connection: sa.Connection, snapshot: Path, known: set[str]) -> str | None:
    """Make what a snapshot of one of these versions says, and return which it is; None when there is none to load."""
    if connection.dialect.name != "sqlite" or not snapshot.exists():
        return None
    script = snapshot.read_text(encoding="utf-8")
    [version] = _VERSION.findall(script)
    if version not in known:
        return None
    for statement in statements(script):
        connection.exec_driver_sql(statement)
    return str(version)


def _migrate(connection: sa.Connection, versions: Path) -> None:
    with _without("pygments"):
        from alembic import command
        from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_ENVIRONMENT))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextlib.contextmanager
def _without(package: str) -> Iterator[None]:
    """Have a package not be found within the block, unless it is loaded already.

    Alembic's templates, which nobody fills here, would load Pygments to colour their errors: most of what it takes to
    import it, 0.3 s and 6 MB.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]  # what Python's import system takes for "there is none"
    try:
        yield
    finally:
        del sys.modules[package]
