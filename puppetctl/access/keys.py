"""The keys that seal secrets: a new one is put in front, and old ones are forgotten when nothing needs them."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from puppetctl.suite import SuiteError, prefix
from puppetctl.terminal.display import open_console
from services.runtime.db import Database
from services.runtime.key_file import KeyFile
from services.runtime.key_folder import KeystoreError
from services.runtime.keystore import Keystore
from services.runtime.sealing import SealingSettings
from services.runtime.settings import explain
from services.social.settings import SocialSettings
from services.trading.settings import TradingSettings

_SERVICES: Mapping[str, type[SealingSettings]] = {"social": SocialSettings, "trading": TradingSettings}


async def rotate(service: str, data_dir: Path) -> int:
    """Put a new key in front of a service's; what the older ones have sealed is sealed again when it next starts."""
    _, file = _open(service, data_dir)
    try:
        file.add()
    except KeystoreError as error:
        raise SuiteError(str(error)) from None
    open_console().print(
        f"{file.path} has a new key: start {service} again, and it seals everything with it.\n"
        f"Then `puppetctl keys forget {service}` removes the older ones.",
        markup=False,
    )
    return 0


async def forget(service: str, data_dir: Path) -> int:
    """Forget all keys but the newest, unless the service runs or something in its database still needs them."""
    settings, file = _open(service, data_dir)
    try:
        with file.unused() as is_unused:
            if not is_unused:
                raise SuiteError(f"{service} uses its keys now: stop it first")
            keys = file.read()
            if needed := await _sealed_by_older(service, settings, Keystore(keys)):
                raise SuiteError(f"older keys are needed for {needed} secrets: start {service} once, and it seals them")
            file.keep_newest()
    except KeystoreError as error:
        raise SuiteError(str(error)) from None
    open_console().print(f"{len(keys) - 1} older keys of {service} are forgotten", markup=False)
    return 0


def _open(service: str, data_dir: Path) -> tuple[SealingSettings, KeyFile]:
    if service not in _SERVICES:
        raise SuiteError(f"{service} seals nothing: name one of {', '.join(_SERVICES)}")
    try:
        settings = _SERVICES[service](data_dir=data_dir)
    except ValidationError as error:
        raise SuiteError(explain(error, prefix(service))) from None
    if settings.keystore_key.get_secret_value():
        variable = f"{prefix(service)}KEYSTORE_KEY"
        raise SuiteError(f"the keys are in {variable}: put a new one in front there, and a comma between them")
    # Looked for and not made: a data folder without keys has nothing to rotate.
    if not (data_dir / f"{service}.db").exists() and not settings.database_url:
        raise SuiteError(f"{data_dir} holds no {service}.db: name the data folder with --data")
    try:
        file = settings.key_file(service)
        if not file.read():
            raise SuiteError(f"{file.path} is not there: {service} makes it when it first starts")
    except KeystoreError as error:
        raise SuiteError(str(error)) from None
    return settings, file


async def _sealed_by_older(service: str, settings: SealingSettings, keystore: Keystore) -> int:
    database = Database(settings.sql_url(service))
    try:
        return await settings.sealed.older(database, keystore)
    finally:
        await database.close()
