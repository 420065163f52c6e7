"""Opens the keys of a service that keeps sealed secrets, and sees to it that the newest key has sealed them all."""

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import sqlalchemy as sa
from pydantic import SecretStr

from services.runtime.db import Database
from services.runtime.errors import Unavailable
from services.runtime.key_file import KeyFile
from services.runtime.key_folder import KeystoreError, explained, folder_of
from services.runtime.keystore import Keystore
from services.runtime.private import make_folder
from services.runtime.session_lock import SessionLock, held
from services.runtime.settings import ServiceSettings

log = logging.getLogger(__name__)

_LOCK_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """The column of a table in which a service keeps sealed secrets; the table's key is `id`."""

    table: str
    column: str

    async def count(self, database: Database) -> int:
        """Return how many secrets there are."""
        return len(await self._secrets(database))

    async def older(self, database: Database, keystore: Keystore) -> int:
        """Return how many secrets the newest key doesn't open."""
        return sum(not keystore.is_newest(sealed) for sealed in await self._secrets(database))

    async def reseal(self, database: Database, keystore: Keystore) -> int:
        """Seal with the newest key what an older one has sealed, all or nothing; the value is how many none opens."""
        changed = lost = 0
        table, key, column = self._names()
        async with database.write("sealing") as transaction:
            rows = await transaction.connection.execute(sa.select(key, column).select_from(table).where(column != ""))
            for row_id, sealed in rows.all():
                if keystore.is_newest(sealed):
                    continue
                try:
                    again = keystore.seal(keystore.unseal(sealed))
                except ValueError:
                    lost += 1
                    continue
                # Another replica may have replaced it since.
                unchanged = sa.update(table).where(key == row_id, column == sealed)
                await transaction.connection.execute(unchanged.values({column: again}))
                changed += 1
            await transaction.commit()
        if changed:
            log.info("sealed again with the newest key", extra={"secrets": changed})
            # An old key that was stolen must not open what is left of the old rows in the file.
            with contextlib.suppress(Unavailable):
                await database.scrub()
        return lost

    async def _secrets(self, database: Database) -> list[str]:
        table, _, column = self._names()
        async with database.read() as transaction:
            rows = (
                await transaction.connection.execute(sa.select(column).select_from(table).where(column != ""))
            ).all()
        return [sealed for (sealed,) in rows]

    def _names(self) -> tuple[sa.TableClause, sa.ColumnClause[str], sa.ColumnClause[str]]:
        key: sa.ColumnClause[str] = sa.column("id", sa.String)
        column: sa.ColumnClause[str] = sa.column(self.column, sa.String)
        return sa.table(self.table, key, column), key, column


class SealingSettings(ServiceSettings):
    """The settings of a service that seals secrets."""

    sealed: ClassVar[SealedColumn]

    keystore_key: SecretStr = SecretStr("")
    """Fernet keys with commas between: the first one seals, and each opens. Empty: those in the key file."""
    key_dir: Path | None = None
    """The folder of the key file, made when it isn't there; none: the data folder's own in the user's `~/.config`."""

    def key_file(self, name: str) -> KeyFile:
        """Return the key file of a service by its name. Raises KeystoreError, which says what to set."""
        try:
            return KeyFile(self._key_folder() / f"{name}.key")
        except KeystoreError as error:
            raise KeystoreError(f"{error}; {self.variable('key_dir')} names another folder") from error

    def _key_folder(self) -> Path:
        if self.key_dir is None:
            return folder_of(self.data_dir)
        with explained(self.key_dir):
            make_folder(self.key_dir)
        return self.key_dir

    def given_keys(self) -> Keystore | None:
        """Return the keystore of the keys that are set, or None when none are. Raises KeystoreError."""
        keys = [key.strip() for key in self.keystore_key.get_secret_value().split(",") if key.strip()]
        try:
            return Keystore(keys) if keys else None
        except ValueError:
            # Not chained: what the library says is about the key.
            raise KeystoreError(f"{self.variable('keystore_key')}: each must be 32 bytes in URL-safe base64") from None


@contextlib.asynccontextmanager
async def open_keystore(name: str, settings: SealingSettings, database: Database) -> AsyncIterator[Keystore]:
    """Open the keys of a service by its name, and seal everything with the newest one. Raises KeystoreError.

    The keys are made when there are none and nothing is sealed; a key file that is missing while secrets are there is
    an error, since a new key would only hide that they are lost. So is a replica that seals with a key that isn't here.
    """
    async with contextlib.AsyncExitStack() as stack:
        keystore = settings.given_keys()
        if keystore is None:
            secrets = await settings.sealed.count(database)
            earlier = settings.data_dir / f"{name}.key"
            keystore = stack.enter_context(_from_file(settings.key_file(name), earlier, secrets))
        # Before anything is sealed: what one replica writes, each must be able to open.
        await stack.enter_async_context(_among_replicas(settings, database, keystore))
        if lost := await settings.sealed.reseal(database, keystore):
            log.error("some secrets were sealed under a key that isn't there", extra={"secrets": lost})
        yield keystore


@contextlib.asynccontextmanager
async def _among_replicas(settings: SealingSettings, database: Database, keystore: Keystore) -> AsyncIterator[None]:
    """Show the replicas which key seals here, and see which seal there. Raises KeystoreError for another one."""
    sealing = SessionLock("sealing key", keystore.fingerprints[0], is_shared=True)
    async with held(database, sealing, _LOCK_TIMEOUT_SECONDS) as others:
        if others - set(keystore.fingerprints):
            raise KeystoreError(
                f"{settings.variable('keystore_key')}: another replica seals with a key that isn't here, so neither "
                "could open what the other writes: give all replicas the same keys"
            )
        yield


@contextlib.contextmanager
def _from_file(file: KeyFile, earlier: Path, secrets: int) -> Iterator[Keystore]:
    # It once lay beside the database.
    file.adopt(earlier)
    if not file.read():
        if secrets:
            raise KeystoreError(
                f"{file.path} is missing, and the database holds secrets that only its keys open ({secrets}): "
                "put the file back"
            )
        file.create()
    with file.in_use():
        # Read once more: another one may have been put in front since.
        yield Keystore(file.read())
