"""`make schemas` writes what each service's migrations make of a new SQLite file beside them, in `schema.sql`."""

import asyncio
import shutil
import sqlite3
import tempfile
from pathlib import Path

from services.runtime.db import Database
from services.runtime.schema import SNAPSHOT

FOLDERS = tuple(sorted((Path(__file__).parents[1] / "services").glob("*/migrations")))
"""The migrations of each service."""

# Alembic makes the indexes of a table that it writes anew in any order.
_OBJECTS = r"""
SELECT sql FROM sqlite_master
WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
    AND name NOT IN (SELECT name FROM pragma_table_list WHERE type = 'shadow')
ORDER BY type <> 'table', CASE type WHEN 'table' THEN rowid END, name
"""


async def main() -> None:
    """Write the snapshot of every service that has migrations of its own."""
    for folder in FOLDERS:
        if any(folder.glob("*_*.py")):
            (folder / SNAPSHOT).write_text(await snapshot(folder), encoding="utf-8")


async def snapshot(migrations: Path) -> str:
    """Return the SQL script of the schema that these migrations make, with its version."""
    with tempfile.TemporaryDirectory() as folder:
        versions, file = Path(folder, "versions"), Path(folder, "new.db")
        shutil.copytree(migrations, versions, ignore=shutil.ignore_patterns(SNAPSHOT, "__pycache__"))
        database = Database(f"sqlite+aiosqlite:///{file}")
        try:
            await database.migrate(versions)
        finally:
            await database.close()
        with sqlite3.connect(file) as connection:
            made = [sql for (sql,) in connection.execute(_OBJECTS)]
            [(version,)] = connection.execute("SELECT version_num FROM alembic_version")
        connection.close()
    made.append(f"INSERT INTO alembic_version VALUES ('{version}')")  # noqa: S608
    return "\n".join(f"{statement};\n" for statement in made)


if __name__ == "__main__":
    asyncio.run(main())
