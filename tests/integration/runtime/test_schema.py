"""What a new SQLite file begins with is what the migrations make."""

import sqlite3
from pathlib import Path

import pytest

from services.runtime.db import Database
from services.runtime.schema import SNAPSHOT
from tools.schemas import FOLDERS, snapshot

MIGRATED = [folder for folder in FOLDERS if folder.parent.name != "runtime"]


@pytest.mark.parametrize("migrations", MIGRATED, ids=lambda folder: folder.parent.name)
async def test_a_snapshot_is_what_the_migrations_make(migrations: Path) -> None:
    assert (migrations / SNAPSHOT).read_text() == await snapshot(migrations), "`make schemas` writes it anew"


@pytest.mark.parametrize("migrations", MIGRATED, ids=lambda folder: folder.parent.name)
async def test_a_new_file_has_the_schema_that_the_migrations_make_and_nothing_in_it(
    migrations: Path, tmp_path: Path
) -> None:
    for name, versions in {
        "loaded": migrations,
        "migrated": _without_snapshot(migrations, tmp_path / "versions"),
    }.items():
        await _migrated(tmp_path / name, versions)
    assert _content(tmp_path / "loaded") == _content(tmp_path / "migrated")


async def test_a_snapshot_of_a_version_that_is_not_the_newest_is_migrated_from_there(tmp_path: Path) -> None:
    [agents] = [folder for folder in MIGRATED if folder.parent.name == "agents"]
    earlier = _without_snapshot(agents, tmp_path / "earlier")
    newest = max(earlier.glob("*_*.py"))
    kept = newest.read_text()
    newest.unlink()
    script = await snapshot(earlier)
    newest.write_text(kept)
    (earlier / SNAPSHOT).write_text(script)
    await _migrated(tmp_path / "loaded", earlier)
    await _migrated(tmp_path / "migrated", _without_snapshot(agents, tmp_path / "versions"))
    assert _content(tmp_path / "loaded") == _content(tmp_path / "migrated")


async def test_a_snapshot_of_a_version_that_there_is_not_is_left_aside(tmp_path: Path) -> None:
    [trading] = [folder for folder in MIGRATED if folder.parent.name == "trading"]
    versions = _without_snapshot(trading, tmp_path / "versions")
    max(versions.glob("*_*.py")).unlink()
    await _migrated(tmp_path / "migrated", versions)
    (versions / SNAPSHOT).write_text((trading / SNAPSHOT).read_text())
    await _migrated(tmp_path / "loaded", versions)
    assert _content(tmp_path / "loaded") == _content(tmp_path / "migrated")


def _without_snapshot(migrations: Path, copy: Path) -> Path:
    copy.mkdir()
    for path in migrations.glob("*_*.py"):
        (copy / path.name).write_text(path.read_text())
    return copy


async def _migrated(file: Path, versions: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    try:
        await database.migrate(versions)
    finally:
        await database.close()


def _content(file: Path) -> tuple[dict[str, str], dict[str, list[object]]]:
    """Return what there is by name, and the rows of all tables that have any."""
    connection = sqlite3.connect(file)
    try:
        made = dict(connection.execute("SELECT name, sql FROM sqlite_master").fetchall())
        tables = [
            name for name, kind in connection.execute("SELECT name, type FROM pragma_table_list") if kind == "table"
        ]
        rows = {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}  # noqa: S608
    finally:
        connection.close()
    # SQLite's own tables say which numbers were given to rows: none.
    return made, {name: found for name, found in rows.items() if found and not name.startswith("sqlite_")}
