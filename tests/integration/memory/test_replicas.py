"""Several processes on one database."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.memory import bootstrap
from services.memory.settings import MemorySettings
from services.runtime.rpc.server import Lifecycle
from services.runtime.settings import SettingsError


async def test_a_second_index_of_the_same_postgres_is_refused(
    postgres_server: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "_LOCK_TIMEOUT_SECONDS", 0.5)
    url = postgres_server("memory")
    one, other = (MemorySettings(data_dir=tmp_path / name, database_url=url) for name in ("one", "other"))
    async with bootstrap.opener(one)(Lifecycle()):
        with pytest.raises(SettingsError, match="PUPPET_MEMORY_CHROMA_URL: another replica keeps the index"):
            async with bootstrap.opener(other)(Lifecycle()):
                pass
    async with bootstrap.opener(other)(Lifecycle()):
        pass
