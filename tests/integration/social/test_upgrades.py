"""What earlier versions stored, after an upgrade, on each database."""

import shutil
from pathlib import Path

import sqlalchemy as sa

import services.social
from services.runtime.db import Database
from services.runtime.sql import SqlStore
from services.social.adapters.sql import SqlRecords
from services.social.domain.accounts import Account, NetworkName
from tests.fakes.clock import FixedClock

MIGRATIONS = Path(services.social.__file__).with_name("migrations")


async def test_accounts_of_before_keep_their_handles_and_the_network_is_asked_for_them(
    database_url: str, clock: FixedClock, tmp_path: Path
) -> None:
    (tmp_path / "before").mkdir()
    for path in MIGRATIONS.glob("000[12]_*.py"):
        shutil.copy(path, tmp_path / "before")
    database = Database(database_url)
    await database.migrate(tmp_path / "before")
    row = {
        "id": "acc_a",
        "agent_id": "agt_a",
        "network": NetworkName.X,
        "handle": "ann",
        "network_user_id": "7",
        "sealed_credentials": "",
        "create_time": clock.now(),
    }
    table = sa.table("account", *(sa.column(name, sa.inspect(Account).columns[name].type) for name in row))
    async with database.write() as transaction:
        await transaction.connection.execute(sa.insert(table).values(row))
        await transaction.commit()
    await database.migrate(MIGRATIONS)
    store = SqlStore(database, SqlRecords)
    async with store.writing() as records:
        ann = await records.account("acc_a")
        assert ann is not None
        assert (ann.handle, ann.handle_time, ann.is_handle_due(clock.now())) == ("ann", clock.now(), True)
        taken = {"id": "acc_b", "agent_id": "agt_b", "network_user_id": "8", "handle": "Ann"}
        await records.save(Account(**(ann.model_dump() | taken)))
        assert [one.id for one in await records.others_with_handle(ann, "ANN")] == ["acc_b"]
    await database.close()
