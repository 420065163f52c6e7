"""The memory service over a real loopback channel, on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub, RelationshipServiceStub
from services.memory.bootstrap import opener
from services.memory.settings import MemorySettings
from tests.conftest import Serve


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> MemorySettings:
    return MemorySettings(port=0, data_dir=tmp_path, database_url=database_url)


@pytest.fixture
async def channel(serve: Serve, settings: MemorySettings) -> AsyncIterator[grpc.aio.Channel]:
    async with serve("memory", settings, opener(settings)) as opened:
        yield opened


@pytest.fixture
def memories(channel: grpc.aio.Channel) -> MemoryServiceStub:
    return MemoryServiceStub(channel)


@pytest.fixture
def relationships(channel: grpc.aio.Channel) -> RelationshipServiceStub:
    return RelationshipServiceStub(channel)
