"""`puppetctl keys`: rotated while the service runs or not, and never so that something can't be opened."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from puppetctl.access.keys import forget, rotate
from puppetctl.suite import SuiteError
from services.runtime.db import Database
from services.runtime.keystore import Keystore
from services.runtime.sealing import open_keystore
from services.trading.settings import TradingSettings
from tests.integration.runtime.rotation import SECRETS, fill, secrets


@pytest.fixture
async def settings(tmp_path: Path) -> TradingSettings:
    """Return the settings of a trading service that has sealed its secrets."""
    settings = TradingSettings(data_dir=tmp_path)
    await fill(Database(settings.sql_url("trading")), Keystore(settings.key_file("trading").create()))
    return settings


async def start(settings: TradingSettings) -> None:
    """Start and end the service, as far as its keys go, and open every secret."""
    database = Database(settings.sql_url("trading"))
    async with open_keystore("trading", settings, database) as keystore:
        assert await secrets(database, keystore) == SECRETS
    await database.close()


async def test_a_key_is_rotated_and_the_old_one_forgotten_when_nothing_needs_it(settings: TradingSettings) -> None:
    [old] = settings.key_file("trading").read()
    assert await rotate("trading", settings.data_dir) == 0
    new, *older = settings.key_file("trading").read()
    assert older == [old]
    with pytest.raises(SuiteError, match="older keys are needed for 3 secrets"):
        await forget("trading", settings.data_dir)
    await start(settings)
    assert await forget("trading", settings.data_dir) == 0
    assert settings.key_file("trading").read() == [new]
    await start(settings)


async def test_keys_are_not_forgotten_under_a_service_that_runs(settings: TradingSettings) -> None:
    database = Database(settings.sql_url("trading"))
    async with open_keystore("trading", settings, database) as keystore:
        assert await rotate("trading", settings.data_dir) == 0
        # It goes on with the keys that it began with.
        assert await secrets(database, keystore) == SECRETS
        with pytest.raises(SuiteError, match="trading uses its keys now"):
            await forget("trading", settings.data_dir)
    await database.close()
    await start(settings)


async def test_what_cannot_be_rotated_is_told_and_nothing_is_made(
    settings: TradingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SuiteError, match="memory seals nothing"):
        await rotate("memory", tmp_path)
    with pytest.raises(SuiteError, match=r"holds no trading\.db"):
        await rotate("trading", tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
    settings.key_file("trading").path.unlink()
    with pytest.raises(SuiteError, match=r"trading\.key is not there"):
        await rotate("trading", tmp_path)
    assert not settings.key_file("trading").path.exists()
    monkeypatch.setenv("PUPPET_TRADING_KEYSTORE_KEY", Fernet.generate_key().decode())
    with pytest.raises(SuiteError, match="the keys are in PUPPET_TRADING_KEYSTORE_KEY"):
        await rotate("trading", tmp_path)
