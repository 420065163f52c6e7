"""Five services and a gateway before them, for each module of tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.security.principals import served
from tests.support.gateway import Door, door


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="gateway")
async def _gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    async with served(tmp_path_factory.mktemp("suite")) as suite, door(suite) as opened:
        yield opened
