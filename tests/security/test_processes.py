"""What the real processes leave for others: nothing in the environment of a neighbour, and no file for another user."""

import asyncio
import os
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from cryptography.fernet import Fernet

from puppetctl.checks.findings import Mark
from puppetctl.checks.privacy import private_files
from puppetctl.datadir import locked
from puppetctl.local.processes import Child, running
from puppetctl.suite import DEFAULT_PORTS, PRINCIPALS, free_ports, plan_suite, prefix
from services.runtime.db import Database
from services.runtime.keystore import Keystore
from services.runtime.rpc.principals import PrincipalFiles
from services.social.settings import SocialSettings
from tests.integration.memory.calls import until

SECRET = "a secret of "  # noqa: S105
_NOBODY = 65534


@asynccontextmanager
async def suite(folder: Path) -> AsyncIterator[Sequence[Child]]:
    """Run every program, with a secret of each and some of the user's own in the environment of all."""
    own = {f"{prefix(name)}PLANTED": SECRET + name for name in DEFAULT_PORTS}
    # With it the vector index has its process from the beginning.
    own["PUPPET_MEMORY_EXACT_LIMIT"] = "0"
    shell = dict.fromkeys(("AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "PGPASSWORD"), f"{SECRET}the shell")
    programs = plan_suite({**os.environ, **own, **shell}, folder, free_ports(), has_gateway=True).programs
    with locked(folder):
        PrincipalFiles(folder / "auth").prepare(PRINCIPALS)
        async with running(programs, folder / "logs", lambda *_: None) as children:
            await asyncio.gather(*(child.wait_healthy() for child in children))
            yield children


def secrets_of(process: psutil.Process) -> set[str]:
    return {value for value in process.environ().values() if value.startswith(SECRET)}


async def index_of(memory: Child, folder: Path) -> psutil.Process:
    """Wait for the process of the memory service's vector index, and for its files."""
    found: list[psutil.Process] = []

    async def has_one() -> bool:
        children = psutil.Process(memory.pid).children()
        found[:] = [child for child in children if "services.memory.adapters.chroma.child" in child.cmdline()]
        return bool(found) and any(folder.glob("chroma/*/chroma.sqlite3"))  # noqa: ASYNC240

    await until(has_one)
    return found[0]


def _is_open_to_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o077)
    except FileNotFoundError:
        # A journal of SQLite comes and goes.
        return False


@pytest.mark.slow
async def test_each_process_sees_its_own_secrets_only_and_writes_for_its_user_only(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    async with suite(folder) as children:
        for child in children:
            assert secrets_of(psutil.Process(child.pid)) == {SECRET + child.program.name}
        memory = next(child for child in children if child.program.name == "memory")
        index = await index_of(memory, folder)
        assert secrets_of(index) == set()
        assert not any(name.startswith("PUPPET_") for name in index.environ())
        assert {"memory.db-wal", "agents-workflows.db", "sandbox", "logs"} <= {path.name for path in folder.iterdir()}
        assert [path for path in (folder, *folder.rglob("*")) if _is_open_to_others(path)] == []
        assert [item for item in private_files(folder, None, {}) if item.mark is Mark.BAD] == []


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
async def test_another_user_of_the_machine_reads_and_changes_nothing(tmp_path: Path) -> None:
    async def tried(folder: Path) -> tuple[str, str]:
        process = await asyncio.create_subprocess_exec(
            *("find", str(folder), "-readable", "-o", "-writable", "-o", "-executable"),
            user=_NOBODY,
            group=_NOBODY,
            extra_groups=[],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return output.decode(), errors.decode()

    # pytest's own folders would shut others out by themselves.
    with tempfile.TemporaryDirectory(prefix="puppet-") as shared:
        Path(shared).chmod(0o755)  # noqa: ASYNC240
        async with suite(Path(shared, "var")):
            output, errors = await tried(Path(shared, "var"))
        assert output == ""
        assert "Permission denied" in errors


@pytest.mark.slow
async def test_nothing_listens_beyond_loopback_and_a_sandbox_on_its_own_port_only(tmp_path: Path) -> None:
    async with suite(tmp_path / "var") as children:
        for child in children:
            own = psutil.Process(child.pid)
            listened = {
                connection.laddr
                for process in (own, *own.children(recursive=True))
                for connection in process.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            }
            assert {address.ip.removeprefix("::ffff:") for address in listened} == {"127.0.0.1"}
            if child.program.health != "grpc":
                assert {address.port for address in listened} == {child.program.port}


async def test_a_service_whose_key_is_lost_says_which_file_and_makes_no_other(tmp_path: Path) -> None:
    async def start() -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.social"),
            env={**os.environ, "PUPPET_SOCIAL_PORT": "0", "PUPPET_SOCIAL_DATA_DIR": str(tmp_path)},
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        return process.returncode, errors.decode().splitlines()[-1]

    settings = SocialSettings(data_dir=tmp_path)
    database = Database(settings.sql_url("social"))
    await database.migrate(Path(sys.modules["services.social.settings"].__file__ or "").with_name("migrations"))
    async with database.write() as transaction:
        await transaction.connection.exec_driver_sql(
            "INSERT INTO account (id, agent_id, network, handle, network_user_id, sealed_credentials, create_time) "
            "VALUES ('acc_1', 'agt_1', 'x', 'ann', '1', :1, '2026-11-22 12:00:00.000000')",
            (Keystore([Fernet.generate_key()]).seal("hush"),),
        )
        await transaction.commit()
    await database.close()
    path = settings.key_file("social").path
    code, said = await start()
    assert (code, said) == (
        1,
        f"{path} is missing, and the database holds secrets that only its keys open (1): put the file back",
    )
    assert not path.exists()
    assert stat.S_IMODE((tmp_path / "social.db").stat().st_mode) == 0o600
