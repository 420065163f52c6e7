"""A process that changes keys, and is killed at each step in turn; see `test_sealing`.

Each round forks: the child takes over a key that lies beside the database, puts a new one in front, seals everything
again and forgets the old key, until it kills itself at a step; the next child starts as a service does, and must find
every secret.
"""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from cryptography.fernet import Fernet

from services.runtime.db import Database
from services.runtime.keystore import Keystore
from services.runtime.sealing import SealedColumn, SealingSettings, open_keystore

SECRETS = {f"wal_{number}": f"secret {number}" for number in range(3)}
_STEPS = ("open", "os.", "fcntl.", "sqlite3.", "shutil.", "tempfile.")


class Settings(SealingSettings):
    """The settings of a service with wallets."""

    sealed = SealedColumn("wallet", "sealed_key")


async def prepare(folder: Path) -> None:
    """Make a database whose secrets a key beside it has sealed."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing else runs here
    key = Fernet.generate_key()
    (folder / "trading.key").write_bytes(key)
    await fill(_database(folder), Keystore([key]))


async def fill(database: Database, keystore: Keystore) -> None:
    """Store the secrets, sealed."""
    async with database.write() as transaction:
        await transaction.connection.execute(sa.text("CREATE TABLE wallet (id TEXT PRIMARY KEY, sealed_key TEXT)"))
        insert = sa.text("INSERT INTO wallet (id, sealed_key) VALUES (:id, :sealed)")
        for row_id, secret in SECRETS.items():
            await transaction.connection.execute(insert, {"id": row_id, "sealed": keystore.seal(secret)})
        await transaction.commit()
    await database.close()


async def rotate(folder: Path) -> None:
    """Do everything that ever changes keys."""
    settings, database = Settings(data_dir=folder), _database(folder)
    async with open_keystore("trading", settings, database):
        pass
    settings.key_file("trading").add()
    async with open_keystore("trading", settings, database) as keystore:
        assert await settings.sealed.older(database, keystore) == 0
    settings.key_file("trading").keep_newest()
    await database.close()


async def check(folder: Path) -> None:
    """Start as a service does, and open every secret."""
    database = _database(folder)
    async with open_keystore("trading", Settings(data_dir=folder), database) as keystore:
        assert await secrets(database, keystore) == SECRETS
    assert not (folder / "trading.key").exists()
    await database.close()


async def secrets(database: Database, keystore: Keystore) -> dict[str, str]:
    """Return what is stored, opened."""
    async with database.read() as transaction:
        rows = (await transaction.connection.execute(sa.text("SELECT id, sealed_key FROM wallet"))).all()
    return {row_id: keystore.unseal(sealed) for row_id, sealed in rows}


def _database(folder: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{folder / 'trading.db'}")


def _kill_at(step: int) -> None:
    left = step

    def count(event: str, _arguments: object) -> None:
        nonlocal left
        if event.startswith(_STEPS) and event != "os.kill":
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def _forked(work: Callable[[], None]) -> int:
    """Do this in a process of its own, and return how it ended: negative when it was killed."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - os._exit tells nobody of it
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(root: Path) -> int:
    """Kill at each step in turn until there is none left, and return how many there were."""
    step = 0
    while True:
        folder = root / str(step)

        def work(folder: Path = folder, step: int = step) -> None:
            _kill_at(step)
            asyncio.run(rotate(folder))

        assert _forked(lambda folder=folder: asyncio.run(prepare(folder))) == 0  # type: ignore[misc]
        ended = _forked(work)
        assert _forked(lambda folder=folder: asyncio.run(check(folder))) == 0, f"after step {step}"  # type: ignore[misc]
        if ended == 0:
            return step
        assert ended == -signal.SIGKILL
        step += 1


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))  # noqa: T201
