"""The memory service over a real loopback channel: one for all tests on each database, and others of a test's own."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio

from services.memory.bootstrap import opener
from services.memory.settings import MemorySettings
from services.runtime.server import serving
from tests.integration.memory.calls import Agent


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
    async with serving("memory", settings, opener(settings)) as address, grpc.aio.insecure_channel(address) as channel:
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
