"""The memory service over a real loopback channel: one for all tests on each database, and others of a test's own."""

import functools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio

from services.memory import bootstrap
from services.memory.adapters.sql.records import SqlMemoryStore
from services.memory.bootstrap import opener
from services.memory.service import backlog, changes, indexing
from services.memory.settings import MemorySettings
from services.runtime.db import Database
from services.runtime.rpc.server import serving
from tests.fakes.memory import FakeIndex
from tests.integration.memory.calls import Agent
from tests.integration.memory.mind import Awake, awakened
from tests.support.channels import open_as, operator_of


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["sqlite", "postgres"])
async def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[grpc.aio.Channel]:
    """Serve every test that has agents of its own: a service takes a second to start and another to end."""
    url = ""
    if request.param == "postgres":
        new_database: Callable[[str], str] = request.getfixturevalue("postgres_server")
        url = new_database("memory")
    folder = tmp_path_factory.mktemp("memory")
    settings = MemorySettings(port=0, data_dir=folder, database_url=url)
    operator = operator_of(settings.data_dir)
    async with serving("memory", settings, opener(settings)) as address, open_as(address, operator) as channel:
        yield channel


@pytest.fixture
def new_agent(shared: grpc.aio.Channel) -> Callable[[], Agent]:
    """Return what makes agents that nobody has seen before."""
    return lambda: Agent(shared, f"agt_{uuid4().hex}")


@pytest.fixture
def agent(new_agent: Callable[[], Agent]) -> Agent:
    return new_agent()


@pytest.fixture
def stranger(new_agent: Callable[[], Agent]) -> Agent:
    """Return another agent of the same service."""
    return new_agent()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> MemorySettings:
    """Return the settings of a service that a test has for itself."""
    return MemorySettings(port=0, data_dir=tmp_path, database_url=database_url)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlMemoryStore]:
    """Return an empty store on SQLite."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'memory.db'}")
    await database.migrate(Path(bootstrap.__file__).with_name("migrations"))
    yield SqlMemoryStore(database)
    await database.close()


@pytest.fixture
def index() -> FakeIndex:
    return FakeIndex()


@pytest.fixture
def awake(store: SqlMemoryStore, index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> Awake:
    """Return what starts the use cases; nothing waits longer than it has to."""
    monkeypatch.setattr(indexing, "_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(changes, "_GATHER_SECONDS", 0.0)
    for name, seconds in {"_FIRST_PAUSE_SECONDS": 0.01, "_PAUSE_SECONDS": 0.02, "_LOOK_SECONDS": 0.05}.items():
        monkeypatch.setattr(backlog, name, seconds)
    return functools.partial(awakened, store, index)
