"""Locks that last as long as their process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime import session_lock
from services.runtime.db import Database
from services.runtime.session_lock import SessionLock, held
from tests.support.waits import WAIT_SECONDS

LOCK = SessionLock("something")


@pytest.fixture
def url(postgres_server: Callable[[str], str]) -> str:
    return postgres_server("locks")


@pytest.fixture
async def databases(url: str) -> AsyncIterator[tuple[Database, Database]]:
    """Return one database as two processes have it."""
    pair = Database(url), Database(url)
    yield pair
    for database in pair:
        await database.close()


async def test_one_process_holds_it_at_a_time_and_the_next_one_after_it(databases: tuple[Database, Database]) -> None:
    one, other = databases
    async with held(one, LOCK, 5):
        with pytest.raises(TimeoutError):
            async with held(other, LOCK, 0.5):
                pass
        async with held(other, SessionLock("something else"), 5):
            pass
    async with held(other, LOCK, 5):
        pass


async def test_who_comes_while_it_is_given_back_gets_it(databases: tuple[Database, Database]) -> None:
    one, other = databases
    async with held(one, LOCK, 5):
        waiting = asyncio.ensure_future(held(other, LOCK, 30).__aenter__())
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting == {0}


async def test_shared_ones_are_seen_by_their_numbers(databases: tuple[Database, Database]) -> None:
    one, other = databases
    numbers = (-(2**31), 2**31 - 1)
    async with held(one, SessionLock("keys", numbers[0], is_shared=True), 5) as seen:
        assert seen == {numbers[0]}
        async with held(other, SessionLock("keys", numbers[1], is_shared=True), 5) as both:
            assert both == set(numbers)


async def test_a_lost_session_is_replaced(
    databases: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session_lock, "_LOOK_SECONDS", 0.05)
    one, other = databases
    async with held(one, LOCK, 5), other.session() as session:
        [before] = await _holders(session)
        await session.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": before})
        async with asyncio.timeout(WAIT_SECONDS):
            while not (now := await _holders(session)) or now == [before]:
                await session.execute(sa.text("SELECT pg_sleep(0.05)"))
        assert "the session that holds a lock is lost" in caplog.messages


async def test_who_loses_it_to_another_process_ends(
    databases: tuple[Database, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Postgres looks every tenth of a second whether a session has ended.
    monkeypatch.setattr(session_lock, "_LOOK_SECONDS", 1.0)
    ended = asyncio.Event()
    monkeypatch.setattr("os.kill", lambda _pid, _signal: ended.set())
    one, other = databases
    async with held(one, LOCK, 5), other.session() as session:
        [pid] = await _holders(session)
        # In one statement, so that nobody comes between.
        await session.execute(
            sa.text("SELECT pg_terminate_backend(:pid, 5000), pg_advisory_lock(CAST(:space AS integer), 0)"),
            {"pid": pid, "space": LOCK.space},
        )
        async with asyncio.timeout(WAIT_SECONDS):
            await ended.wait()


async def test_on_sqlite_a_file_beside_the_database_is_locked(tmp_path: object) -> None:
    database, other = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db"), Database(f"sqlite+aiosqlite:///{tmp_path}/b.db")
    async with held(database, LOCK, 0), held(other, LOCK, 0):
        with pytest.raises(TimeoutError):
            async with held(database, LOCK, 0):
                pass
    async with held(database, LOCK, 0):
        pass
    await database.close()
    await other.close()


async def test_on_sqlite_shared_locks_hold_nobody_up(tmp_path: object) -> None:
    database, shared = Database(f"sqlite+aiosqlite:///{tmp_path}/a.db"), replace(LOCK, is_shared=True)
    async with held(database, shared, 0), held(database, shared, 0):
        pass
    await database.close()


async def _holders(session: AsyncConnection) -> list[int]:
    rows = await session.execute(
        sa.text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = :space"),
        {"space": LOCK.space % 2**32},
    )
    return [pid for (pid,) in rows.all()]
