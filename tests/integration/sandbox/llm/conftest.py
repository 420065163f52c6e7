"""One engine for all tests of the language-model sandbox: it takes a second to load."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from openai import AsyncOpenAI

from sandbox.llm.app import create_app
from sandbox.llm.settings import LlmSandboxSettings
from tests.support.http import ADMIN, ADMIN_TOKEN, listening_in_a_thread
from tests.support.waits import WAIT_SECONDS


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """Serve the sandbox in a thread of its own, since each test has its own event loop."""
    with listening_in_a_thread(create_app(LlmSandboxSettings(admin_token=ADMIN_TOKEN))) as url:
        yield url


@pytest.fixture
async def openai(sandbox_url: str) -> AsyncIterator[AsyncOpenAI]:
    """Return the real client, which never retries."""
    async with AsyncOpenAI(
        base_url=f"{sandbox_url}/v1", api_key="unused", max_retries=0, timeout=WAIT_SECONDS
    ) as client:
        yield client


@pytest.fixture
async def switches(sandbox_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Return a client of the sandbox's own routes; every fault is cleared afterwards."""
    async with httpx2.AsyncClient(base_url=f"{sandbox_url}/_sandbox", headers=ADMIN, timeout=WAIT_SECONDS) as client:
        yield client
        await client.delete("/faults")
