"""Keeps a small data folder for the test of upgrades: `python -m tools.upgrade DATA KEYS ARCHIVE`.

DATA is the folder of a suite that has lived for a while in its sandboxes, and is stopped; KEYS is the folder of its
sealing keys. Kept are the databases. The sandboxes' secrets in them are sealed anew with a key that everybody may know,
and nothing else is kept: no credentials, no keys, no logs.
"""

import asyncio
import base64
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from pathlib import Path

from services.runtime.db import Database
from services.runtime.key_file import KeyFile
from services.runtime.keystore import Keystore
from services.runtime.sealing import SealedColumn
from services.social.settings import SocialSettings
from services.trading.settings import TradingSettings

KNOWN_KEY = base64.urlsafe_b64encode(b"for tests of upgrades, no secret").decode()
"""What seals the secrets of a kept folder."""

DATABASES = ("agents", "agents-workflows", "llm", "memory", "social", "trading")
_SEALED = {"social": SocialSettings.sealed, "trading": TradingSettings.sealed}


async def keep(data: Path, keys: Path, archive: Path) -> None:
    """Write the archive."""
    with tempfile.TemporaryDirectory(prefix="puppet-upgrade-") as folder:
        for name in DATABASES:
            shutil.copy(data / f"{name}.db", folder)
        for name, column in _SEALED.items():
            await _seal_anew(Path(folder, f"{name}.db"), column, KeyFile(keys / f"{name}.key").read())
        with tarfile.open(archive, "w:xz") as written:
            for name in DATABASES:
                file = Path(folder, f"{name}.db")
                _empty_its_log(file)
                written.add(file, file.name, filter=_nobodys)


async def _seal_anew(file: Path, column: SealedColumn, keys: list[bytes]) -> None:
    database = Database(f"sqlite+aiosqlite:///{file}")
    try:
        if await column.reseal(database, Keystore([KNOWN_KEY, *keys])):
            raise ValueError(f"{file.name} holds secrets that none of the keys opens")
    finally:
        await database.close()


def _empty_its_log(file: Path) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("VACUUM")
    connection.close()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    return member


if __name__ == "__main__":
    asyncio.run(keep(*map(Path, sys.argv[1:4])))
