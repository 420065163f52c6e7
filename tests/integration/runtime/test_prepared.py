"""Statements that are compiled once, on both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.runtime.columns import text_of
from services.runtime.db import Database
from services.runtime.prepared import Prepared


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


kite = sa.Table(
    "kite",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.String),
    sa.Column("colour", text_of(Colour)),
    sa.Column("flown", sa.DateTime(timezone=True)),
    sa.Column("notes", sa.JSON),
    sa.Column("drawing", sa.LargeBinary),
    sa.Column("is_new", sa.Boolean),
    sa.Column("length", sa.Float),
)
NOON = datetime(2026, 11, 22, 12, 30, 15, 123456, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {
        "number": 1,
        "name": 'it\'s "quoted" ü',
        "colour": Colour.RED,
        "flown": NOON,
        "notes": {"a.b": ["c", 1]},
        "drawing": b"\x00\xff",
        "is_new": True,
        "length": 0.1,
    },
    {
        "number": 2,
        "name": "",
        "colour": Colour.BLUE,
        "flown": None,
        "notes": {},
        "drawing": b"",
        "is_new": False,
        "length": -1.5,
    },
    {
        "number": 3,
        "name": "[]",
        "colour": None,
        "flown": datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC),
        "notes": {"é": None},
        "drawing": None,
        "is_new": None,
        "length": None,
    },
]
ADD = Prepared(sa.insert(kite))
EVERY = Prepared(sa.select(kite).order_by(kite.c.number))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    async with opened.write() as transaction:
        await transaction.connection.run_sync(kite.metadata.create_all)
        await transaction.commit()
    yield opened
    await opened.close()


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    """Return a connection within a transaction that has the kites."""
    async with database.write() as transaction:
        connection = transaction.connection
        await ADD.each(connection, ROWS)
        yield connection


async def rows(statement: Prepared, connection: AsyncConnection, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await statement.all(connection, values)]


async def test_values_are_read_as_they_were_written(connection: AsyncConnection) -> None:
    expected = [tuple(row.values()) for row in ROWS]
    for _ in range(2):
        assert await rows(EVERY, connection) == expected
    plain = await connection.execute(sa.select(kite).order_by(kite.c.number))
    assert [tuple(row) for row in plain] == expected, "by SQLAlchemy alone too"


async def test_a_time_of_another_zone_is_the_same_time(connection: AsyncConnection) -> None:
    at = Prepared(sa.select(kite.c.number).where(kite.c.flown == sa.bindparam("time", type_=kite.c.flown.type)))
    assert await rows(at, connection, time=NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))) == [(1,)]


@pytest.mark.parametrize("numbers", [[], [2], [3, 1, 1, 99], list(range(50_000))])
async def test_a_list_may_have_any_length(connection: AsyncConnection, numbers: list[int]) -> None:
    among = Prepared(sa.select(kite.c.number).where(kite.c.number.in_(sa.bindparam("numbers", expanding=True))))
    if len(numbers) > 30_000 and connection.dialect.name != "sqlite":
        numbers = numbers[:30_000]
    for chosen in (numbers, [1, 2]):
        assert sorted(await rows(among, connection, numbers=chosen)) == [(n,) for n in (1, 2, 3) if n in chosen]


async def test_a_list_of_texts_is_compared_as_texts(connection: AsyncConnection) -> None:
    among = Prepared(sa.select(kite.c.number).where(kite.c.name.in_(sa.bindparam("names", expanding=True))))
    assert sorted(await rows(among, connection, names=['it\'s "quoted" ü', "[]", "1"])) == [(1,), (3,)]
    assert await rows(among, connection, names=[""]) == [(2,)]


async def test_a_constant_of_the_statement_needs_no_value(connection: AsyncConnection) -> None:
    query = sa.select(kite.c.number).where(kite.c.colour == Colour.BLUE, kite.c.number < sa.bindparam("below"))
    assert await rows(Prepared(query.limit(5)), connection, below=9) == [(2,)]


async def test_what_is_added_can_be_returned(connection: AsyncConnection) -> None:
    add = Prepared(sa.insert(kite).returning(kite.c.number, kite.c.colour, kite.c.flown))
    many = [ROWS[0] | {"number": number} for number in (7, 8)]
    assert sorted(tuple(row) for row in await add.each(connection, many)) == [
        (7, Colour.RED, NOON),
        (8, Colour.RED, NOON),
    ]
    [one] = await add.each(connection, [ROWS[0] | {"number": 9}])
    assert tuple(one) == (9, Colour.RED, NOON)


async def test_changes_and_deletions_are_carried_out_for_each(connection: AsyncConnection) -> None:
    rename = Prepared(
        sa.update(kite).where(kite.c.number == sa.bindparam("which")).values(name=sa.bindparam("new_name"))
    )
    assert list(await rename.each(connection, [{"which": n, "new_name": f"kite {n}"} for n in (1, 2, 99)])) == []
    gone = Prepared(sa.delete(kite).where(kite.c.number == sa.bindparam("which")))
    await gone.each(connection, [{"which": 3}])
    names = Prepared(sa.select(kite.c.name).order_by(kite.c.number))
    assert await rows(names, connection) == [("kite 1",), ("kite 2",)]


async def test_it_belongs_to_the_transaction_of_its_connection(database: Database) -> None:
    async with database.write() as transaction:
        await ADD.each(transaction.connection, ROWS)
    async with database.read() as transaction:
        assert await rows(EVERY, transaction.connection) == []
    async with database.write() as transaction:
        await ADD.each(transaction.connection, ROWS[:1])
        await transaction.commit()
    async with database.read() as transaction:
        assert len(await rows(EVERY, transaction.connection)) == 1


async def test_after_a_commit_another_transaction_begins(database: Database) -> None:
    async with database.write() as transaction:
        await ADD.each(transaction.connection, ROWS[:1])
        await transaction.commit()
        await ADD.each(transaction.connection, ROWS[1:])
    async with database.read() as transaction:
        assert len(await rows(EVERY, transaction.connection)) == 1
