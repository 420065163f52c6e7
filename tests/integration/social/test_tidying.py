"""A request is forgotten when nobody repeats it any more, and never while its post isn't decided."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col

import services.social
from services.runtime.db import Database
from services.runtime.idempotency import RequestRecord
from services.runtime.sql import SqlStore
from services.runtime.tidying import Tidying
from services.social.adapters.sql import SqlRecords
from services.social.domain.accounts import Account, NetworkName
from services.social.domain.posts import Post, PostState
from tests.fakes.clock import FixedClock


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.migrate(Path(services.social.__file__).with_name("migrations"))
    yield database
    await database.close()


async def test_the_request_of_a_post_stays_until_the_post_is_decided(database: Database, clock: FixedClock) -> None:
    store, now = SqlStore(database, SqlRecords), clock.now()
    account = Account(
        id="acc_a",
        agent_id="wren",
        network=NetworkName.X,
        handle="wren",
        network_user_id="1",
        sealed_credentials="",
        create_time=now,
        handle_time=now,
        handle_due_time=now,
    )
    async with store.writing() as records:
        await records.save(account)
        for state in PostState:
            await records.save(
                Post(
                    id=f"pst_{state}",
                    account_id="acc_a",
                    text="hello",
                    in_reply_to="",
                    request_id=state,
                    create_time=now,
                    due_time=None,
                    state=state,
                )
            )
        await records.commit()
    names = [*(state.value for state in PostState), "withdrawn unasked", "new"]
    async with database.write() as transaction:
        for name in names:
            row = {"principal": "agents", "method": "CreatePost", "request_id": name, "fingerprint": ""}
            time = now - timedelta(days=89 if name == "new" else 91)
            row |= {"resource_id": f"pst_{name}" if name in tuple(PostState) else ""}
            await transaction.connection.execute(sa.insert(RequestRecord).values(**row, create_time=time))
        await transaction.commit()
    await Tidying(store, clock, timedelta(days=90)).tidy()
    async with database.read() as transaction:
        left = (await transaction.connection.execute(sa.select(col(RequestRecord.request_id)))).scalars().all()
    assert sorted(left) == ["claimed", "new", "sent", "unknown"]
