"""The keys of a service that starts: made, missed, rotated, and lost never."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from services.runtime.db import Database
from services.runtime.key_folder import KeystoreError
from services.runtime.keystore import Keystore
from services.runtime.sealing import SealingSettings, open_keystore
from tests.integration.runtime.rotation import SECRETS, Settings, fill, secrets


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> SealingSettings:
    return Settings(data_dir=tmp_path / "var", database_url=database_url)


def with_keys(*keys: bytes) -> SealingSettings:
    return Settings.model_validate({"keystore_key": b",".join(keys).decode()})


async def test_a_key_is_made_for_an_empty_database_and_found_again(
    database: Database, settings: SealingSettings
) -> None:
    await fill(database, Keystore([Fernet.generate_key()]))
    async with database.write() as transaction:
        await transaction.connection.exec_driver_sql("DELETE FROM wallet")
        await transaction.commit()
    async with open_keystore("trading", settings, database) as keystore:
        sealed = keystore.seal("hush")
    async with open_keystore("trading", settings, database) as keystore:
        assert keystore.unseal(sealed) == "hush"
    assert not any(path.suffix == ".key" for path in settings.data_dir.rglob("*"))


async def test_no_key_is_made_in_place_of_one_that_is_missing(database: Database, settings: SealingSettings) -> None:
    await fill(database, Keystore([Fernet.generate_key()]))
    for _ in range(2):
        with pytest.raises(KeystoreError, match=r"trading\.key is missing, and the database holds secrets"):
            async with open_keystore("trading", settings, database):
                pass
    assert not settings.key_file("trading").path.exists()


async def test_what_an_older_key_has_sealed_is_sealed_again_at_the_next_start(
    database: Database, settings: SealingSettings
) -> None:
    file = settings.key_file("trading")
    await fill(database, Keystore(file.create()))
    file.add()
    async with open_keystore("trading", settings, database) as keystore:
        assert await settings.sealed.older(database, keystore) == 0
    file.keep_newest()
    async with open_keystore("trading", settings, database) as keystore:
        assert await secrets(database, keystore) == SECRETS


async def test_keys_of_the_settings_are_rotated_by_naming_the_new_one_first(database: Database) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    await fill(database, Keystore([old]))
    async with open_keystore("trading", with_keys(new, old), database):
        pass
    async with open_keystore("trading", with_keys(new), database) as keystore:
        assert await secrets(database, keystore) == SECRETS


async def test_what_no_key_opens_is_told_and_stays_as_it_is(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    lost = Fernet.generate_key()
    await fill(database, Keystore([lost]))
    async with open_keystore("trading", with_keys(Fernet.generate_key()), database):
        [record] = [record for record in caplog.records if record.levelname == "ERROR"]
        assert vars(record)["secrets"] == 3
    assert await secrets(database, Keystore([lost])) == SECRETS


async def test_nothing_that_the_old_key_opens_is_left_in_the_file(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'trading.db'}")
    settings = Settings(data_dir=tmp_path)
    file = settings.key_file("trading")
    await fill(database, Keystore(file.create()))
    before = [row[0] for row in await _sealed(database)]
    file.add()
    async with open_keystore("trading", settings, database):
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("trading.db*"))  # noqa: ASYNC240
        assert not any(sealed.encode() in stored for sealed in before)
    await database.close()


async def _sealed(database: Database) -> list[tuple[str]]:
    async with database.read() as transaction:
        rows = await transaction.connection.exec_driver_sql("SELECT sealed_key FROM wallet")
        return [(row[0],) for row in rows]


@pytest.mark.slow
async def test_a_kill_at_any_step_of_a_rotation_loses_nothing(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.runtime.rotation", str(tmp_path / "rounds")),
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert int(output) > 50


async def test_replicas_with_different_keys_say_so(postgres_server: Callable[[str], str]) -> None:
    url = postgres_server("replicas")
    one, other = Database(url), Database(url)
    old, new, stranger = (Fernet.generate_key() for _ in range(3))
    await fill(one, Keystore([old]))
    try:
        async with open_keystore("trading", with_keys(old, new), one):
            for keys in ([stranger], [new]):
                with pytest.raises(KeystoreError, match=r"KEYSTORE_KEY: another replica seals with a key"):
                    async with open_keystore("trading", with_keys(*keys), other):
                        pass
            # As keys are rotated: first everybody knows the new one, then it comes first.
            async with open_keystore("trading", with_keys(new, old), other):
                pass
        async with open_keystore("trading", with_keys(new), other):
            pass
    finally:
        await one.close()
        await other.close()
