"""Sessions, turns and repeated requests, on both databases."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import DateTime, Field, SQLModel, col, select

from services.runtime import db, idempotency, sqlite_file
from services.runtime.db import Database
from services.runtime.errors import RequestIdReused, Unavailable
from services.runtime.idempotency import NO_REQUEST, RequestKey
from services.runtime.sql import SqlStore, SqlTransaction
from services.runtime.sqlite_file import driver_of
from tests.support.waits import WAIT_SECONDS

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table("note", sa.Column("id", sa.String, primary_key=True), sa.Column("count", sa.Integer),
                    sa.Column("time", sa.DateTime(timezone=True)))
    note_id = sa.ForeignKey("note.id", deferrable=True, initially="DEFERRED")
    op.create_table("leaf", sa.Column("note_id", sa.String, note_id, primary_key=True))
    op.create_table("request", sa.Column("principal", sa.String, primary_key=True),
                    sa.Column("method", sa.String, primary_key=True),
                    sa.Column("request_id", sa.String, primary_key=True), sa.Column("fingerprint", sa.String),
                    sa.Column("resource_id", sa.String), sa.Column("create_time", sa.DateTime(timezone=True)))
"""


class Note(SQLModel, table=True):
    id: str = Field(primary_key=True)
    count: int = 0
    time: datetime = Field(sa_type=DateTime(timezone=True))


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "0001_initial.py").write_text(MIGRATION)
    return folder


@pytest.fixture
async def database(database_url: str, versions: Path) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await opened.migrate(versions)
    yield opened
    await opened.close()


async def test_migrating_again_changes_nothing(database: Database, versions: Path) -> None:
    await asyncio.gather(database.migrate(versions), database.migrate(versions))


async def test_what_is_not_committed_is_rolled_back(database: Database) -> None:
    async with database.write() as transaction:
        transaction.session.add(Note(id="a", time=datetime.now(UTC)))
        await transaction.session.flush()
    async with database.read() as transaction:
        assert await transaction.session.get(Note, "a") is None


async def test_times_come_back_in_utc_whatever_zone_they_had(database: Database) -> None:
    time = datetime(2026, 11, 22, 12, 30, tzinfo=timezone(timedelta(hours=5)))
    async with database.write() as transaction:
        transaction.session.add(Note(id="a", time=time))
        await transaction.commit()
    async with database.read() as transaction:
        note = await transaction.session.get_one(Note, "a")
    assert note.time == time
    assert note.time.utcoffset() == timedelta(0)


async def test_writers_at_once_lose_no_update(database: Database) -> None:
    async with database.write() as transaction:
        transaction.session.add(Note(id="a", time=datetime.now(UTC)))
        await transaction.commit()

    async def count() -> None:
        async with database.write("note/a") as transaction:
            note = await transaction.session.get_one(Note, "a")
            note.count += 1
            transaction.session.add(note)
            await transaction.commit()

    await asyncio.gather(*(count() for _ in range(30)))
    async with database.read() as transaction:
        assert (await transaction.session.get_one(Note, "a")).count == 30


async def test_those_who_wait_for_a_turn_leave_connections_for_others(database: Database) -> None:
    async def write() -> None:
        async with database.write("turn"):
            pass

    async with database.write("turn"):
        waiting = [asyncio.ensure_future(write()) for _ in range(40)]
        await asyncio.sleep(0)
        async with asyncio.timeout(WAIT_SECONDS), database.read() as transaction:
            assert await transaction.connection.scalar(sa.select(1)) == 1
        assert not any(one.done() for one in waiting)
    await asyncio.gather(*waiting)


async def test_what_is_cut_off_by_postgres_is_a_failure_that_passes(
    postgres_server: Callable[[str], str], versions: Path
) -> None:
    database = Database(postgres_server("cut_off"))
    await database.migrate(versions)

    async def be_cut_off() -> None:
        async with database.write() as transaction:
            own = await transaction.connection.scalar(sa.text("SELECT pg_backend_pid()"))
            async with database.read() as other:
                await other.connection.execute(sa.text("SELECT pg_terminate_backend(:own)"), {"own": own})
            await transaction.connection.execute(sa.select(1))

    with pytest.raises(Unavailable):
        await be_cut_off()
    async with database.read() as transaction:
        assert await transaction.connection.scalar(sa.select(1)) == 1
    await database.close()


async def test_what_was_cut_off_while_it_rested_is_not_lent(
    postgres_server: Callable[[str], str], versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "_RESTED_SECONDS", 0.0)
    database, other = (Database(postgres_server("rested")) for _ in range(2))
    await database.migrate(versions)
    async with database.read() as transaction:
        own = await transaction.connection.scalar(sa.text("SELECT pg_backend_pid()"))
    async with other.read() as transaction:
        await transaction.connection.execute(sa.text("SELECT pg_terminate_backend(:own, 10000)"), {"own": own})
    async with database.read() as transaction:
        assert await transaction.connection.scalar(sa.text("SELECT pg_backend_pid()")) != own
    await other.close()
    await database.close()


async def test_a_postgres_that_is_not_there_is_a_failure_that_passes() -> None:
    database = Database("postgresql+asyncpg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(Unavailable):
        async with database.read():
            pass
    await database.close()


async def test_one_request_at_once_from_many_callers_is_carried_out_once(database: Database) -> None:
    key = RequestKey.of("ann", "test.Create", "req_1", b"body")

    async def create(number: int) -> str:
        async with database.write() as transaction:
            if first := await idempotency.claim(transaction.connection, key, f"note_{number}"):
                return first
            transaction.session.add(Note(id=f"note_{number}", time=datetime.now(UTC)))
            await transaction.commit()
            return f"note_{number}"

    made = set(await asyncio.gather(*(create(number) for number in range(10))))
    async with database.read() as transaction:
        assert {note.id for note in (await transaction.session.exec(select(Note))).all()} == made
    assert len(made) == 1


async def test_a_request_id_with_another_body_is_refused(database: Database) -> None:
    async with database.write() as transaction:
        assert await idempotency.claim(transaction.connection, RequestKey.of("ann", "m", "req_1", b"a"), "x") is None
        assert (
            await idempotency.claim(transaction.connection, RequestKey.of("ann", "other", "req_1", b"b"), "y") is None
        )
        with pytest.raises(RequestIdReused):
            await idempotency.claim(transaction.connection, RequestKey.of("ann", "m", "req_1", b"b"), "z")


async def test_a_claim_that_is_rolled_back_can_be_made_again(database: Database) -> None:
    key = RequestKey.of("ann", "m", "req_1", b"a")
    for _ in range(2):
        async with database.write() as transaction:
            assert await idempotency.claim(transaction.connection, key, "x") is None


async def test_a_request_that_was_claimed_is_found_without_claiming_it(database: Database) -> None:
    key = RequestKey.of("ann", "m", "req_1", b"a")
    async with database.write() as transaction:
        assert await idempotency.claimed(transaction.connection, key) is None
        assert await idempotency.claim(transaction.connection, key, "x") is None
        await transaction.commit()
    others = [RequestKey.of("bob", "m", "req_1", b"a"), RequestKey.of("ann", "m", "req_2", b"a"), NO_REQUEST]
    async with database.read() as transaction:
        assert await idempotency.claimed(transaction.connection, key) == "x"
        assert await idempotency.claimed(transaction.connection, replace(key, fingerprint="")) == "x"
        with pytest.raises(RequestIdReused):
            await idempotency.claimed(transaction.connection, RequestKey.of("ann", "m", "req_1", b"b"))
        assert [await idempotency.claimed(transaction.connection, other) for other in others] == [None] * 3


async def test_what_a_request_really_made_is_found_in_place_of_what_it_was_claimed_with(database: Database) -> None:
    key, other = RequestKey.of("ann", "m", "req_1", b"a"), RequestKey.of("ann", "m", "req_2", b"a")
    async with database.write() as transaction:
        for claimed in (key, other, NO_REQUEST):
            assert await idempotency.claim(transaction.connection, claimed, "0") is None
        await idempotency.answer(transaction.connection, key, "3")
        await idempotency.answer(transaction.connection, NO_REQUEST, "4")
        await transaction.commit()
    async with database.write() as transaction:
        assert await idempotency.claim(transaction.connection, key, "0") == "3"
        assert await idempotency.claim(transaction.connection, other, "0") == "0"


async def test_what_a_service_does_by_itself_is_claimed_once_under_its_own_name(database: Database) -> None:
    async with database.write() as transaction:
        for claimed in (
            RequestKey.own("Reply", "wf_1"),
            RequestKey.own("Reply", "wf_2"),
            RequestKey.own("Call", "wf_1"),
        ):
            assert await idempotency.claim(transaction.connection, claimed, "x") is None
        assert await idempotency.claim(transaction.connection, RequestKey.own("Reply", "wf_1"), "y") == "x"


async def test_a_migration_that_fails_leaves_nothing_behind(database_url: str, versions: Path) -> None:
    (versions / "0001_initial.py").write_text(MIGRATION + "    raise RuntimeError('power cut')\n")
    database = Database(database_url)
    try:
        with pytest.raises(RuntimeError, match="power cut"):
            await database.migrate(versions)
        async with database.read() as transaction:
            connection = transaction.connection
            assert await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()) == []
    finally:
        await database.close()


async def test_a_caller_who_goes_away_leaves_no_trouble_behind(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as transaction:
            transaction.session.add(Note(id=f"note_{number}", time=datetime.now(UTC)))
            await transaction.session.flush()
            # On SQLite, two rows leave the event loop.
            rows = [{"id": f"{number}_{row}", "count": 0, "time": datetime.now(UTC)} for row in range(2)]
            await transaction.connection.execute(sa.insert(Note), rows)
            await transaction.commit()

    # What ended them refers to what they had open, as long as it is kept.
    errors: list[BaseException | None] = []
    for number in range(40):
        task = asyncio.create_task(write(number))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        errors += await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(WAIT_SECONDS):
            await write(100 + number)
    assert any(errors)
    async with database.read() as transaction:
        assert await transaction.session.get(Note, "note_139") is not None


async def test_what_is_done_with_and_without_a_session_is_one_transaction(database: Database) -> None:
    async def ids() -> list[str]:
        async with database.read() as transaction:
            return list((await transaction.connection.scalars(sa.select(col(Note.id)).order_by(col(Note.id)))).all())

    for commits in (False, True):
        async with database.write() as transaction:
            row = {"id": "beside", "count": 0, "time": datetime.now(UTC)}
            await transaction.connection.execute(sa.insert(Note).values(row))
            transaction.session.add(Note(id="within", time=datetime.now(UTC)))
            await transaction.session.flush()
            if commits:
                await transaction.commit()
        assert await ids() == (["beside", "within"] if commits else [])


async def test_a_block_may_go_on_after_a_commit(database: Database) -> None:
    async with database.write() as transaction:
        for name in "ab":
            transaction.session.add(Note(id=name, time=datetime.now(UTC)))
            await transaction.session.flush()
            await transaction.commit()
        transaction.session.add(Note(id="c", time=datetime.now(UTC)))
        await transaction.session.flush()
    async with database.read() as transaction:
        assert [note.id for note in (await transaction.session.exec(select(Note))).all()] == ["a", "b"]


async def test_another_process_that_writes_to_the_file_is_waited_for(tmp_path: Path, versions: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/notes.db")
    await database.migrate(versions)
    with contextlib.closing(sqlite3.connect(tmp_path / "notes.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        async def write() -> None:
            async with database.write() as transaction:
                transaction.session.add(Note(id="a", time=datetime.now(UTC)))
                await transaction.commit()

        writing = asyncio.create_task(write())
        async with database.read() as transaction:
            assert await transaction.session.get(Note, "a") is None
        assert not writing.done()
        other.execute("ROLLBACK")
        await writing
    await database.close()


@pytest.mark.parametrize("with_session", [False, True])
async def test_after_a_commit_that_fails_others_can_write(database: Database, *, with_session: bool) -> None:
    async def fail() -> None:
        async with database.write() as transaction:
            if with_session:
                transaction.session.add(Note(id="a", time=datetime.now(UTC)))
                await transaction.session.flush()
            await transaction.connection.execute(sa.text("INSERT INTO leaf (note_id) VALUES ('nowhere')"))
            await transaction.commit()

    for _ in range(2):
        with pytest.raises(IntegrityError):
            await fail()
    async with database.write() as transaction:
        transaction.session.add(Note(id="b", time=datetime.now(UTC)))
        await transaction.commit()
    async with database.read() as transaction:
        assert [note.id for note in (await transaction.session.exec(select(Note))).all()] == ["b"]


async def test_who_goes_away_twice_commits_nothing(tmp_path: Path, versions: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/notes.db")
    await database.migrate(versions)
    begun, going_on = threading.Event(), threading.Event()

    def insert(connection: sqlite3.Connection) -> None:
        for name in "abc":
            connection.execute("INSERT INTO leaf (note_id) VALUES (?)", (name,))
            begun.set()
            going_on.wait()

    async def write() -> None:
        async with database.write() as transaction:
            await driver_of(transaction.connection).run(insert)

    writing = asyncio.create_task(write())
    await asyncio.to_thread(begun.wait)
    for _ in range(3):
        writing.cancel()
        await asyncio.sleep(0)
    assert not writing.done()
    going_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    async with database.read() as transaction:
        assert await transaction.connection.scalar(sa.text("SELECT count(*) FROM leaf")) == 0
    await database.close()


async def test_a_file_that_another_process_keeps_locked_is_a_failure_that_passes(
    tmp_path: Path, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "_BUSY_TIMEOUT_MS", 10)
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'service.db'}")
    await database.migrate(versions)
    with contextlib.closing(sqlite3.connect(tmp_path / "service.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked by another process"):
            async with database.write():
                raise AssertionError
        other.rollback()
    async with database.write() as transaction:
        await transaction.connection.execute(sa.text("INSERT INTO note (id) VALUES ('a')"))
        await transaction.commit()
    await database.close()


class Notes(SqlTransaction):
    """Notes within one transaction."""

    async def note(self, note_id: str) -> Note | None:
        return await self._one(Note, note_id)

    async def notes(self, *note_ids: str) -> dict[str, int]:
        return {note.id: note.count for note in await self._each_of(Note, note_ids)}


async def test_several_rows_are_read_by_their_keys_alike_by_who_reads_and_by_who_writes(database: Database) -> None:
    store, time = SqlStore(database, Notes), datetime(2026, 1, 1, tzinfo=UTC)
    async with store.writing() as notes:
        for number, note_id in enumerate("abc"):
            await notes.save(Note(id=note_id, count=number, time=time))
        await notes.commit()
    for opened in (store.reading, store.writing):
        async with opened() as notes:
            assert await notes.notes("c", "z", "a") == {"a": 0, "c": 2}
            assert await notes.notes() == {}


async def test_what_is_only_read_is_the_same_object_as_of_a_session_and_can_be_changed_later(
    database: Database,
) -> None:
    store, time = SqlStore(database, Notes), datetime(2026, 1, 1, tzinfo=UTC)
    async with store.writing() as notes:
        await notes.save(Note(id="a", count=1, time=time))
        await notes.commit()
    async with store.reading() as notes:
        assert await notes.note("b") is None
        read = await notes.note("a")
    async with store.writing() as notes:
        kept = await notes.note("a")
    assert read is not None
    assert kept is not None
    assert (read.id, read.count, read.time) == (kept.id, kept.count, kept.time) == ("a", 1, time)
    read.count = 2
    async with store.writing() as notes:
        await notes.save(read)
        await notes.commit()
    async with store.reading() as notes:
        changed = await notes.note("a")
        assert changed is not None
        assert changed.count == 2
