"""The llm service over a real loopback channel, with two providers that really listen."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import services.llm.adapters.openai  # noqa: F401 - takes long the first time, which a test with little time would pay
from puppet.llm.v1.llm_service_pb2_grpc import LlmServiceStub
from services.llm.bootstrap import opener
from services.llm.settings import LlmSettings, ProviderSettings
from tests.conftest import Serve
from tests.integration.llm.openai_server import OpenAiServer, openai_server

KEY = "sk-very-secret"

ServeLlm = Callable[..., AbstractAsyncContextManager[LlmServiceStub]]


def provider(name: str, base_url: str, **fields: Any) -> ProviderSettings:
    """Return the settings of a chat provider."""
    return ProviderSettings(name=name, base_url=base_url, **{"model": "small", "api_key": SecretStr(KEY), **fields})


@pytest.fixture
async def first() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as server:
        yield server


@pytest.fixture
async def second() -> AsyncIterator[OpenAiServer]:
    async with openai_server() as server:
        yield server


@pytest.fixture
def serve_llm(serve: Serve, tmp_path: Path) -> ServeLlm:
    """Return a context manager that serves the service with these providers, and no cache unless a test wants one."""

    @asynccontextmanager
    async def serve_these(*providers: ProviderSettings, **fields: Any) -> AsyncIterator[LlmServiceStub]:
        settings = LlmSettings(port=0, data_dir=tmp_path, providers=providers, **({"cache_mib": 0} | fields))
        async with serve("llm", settings, opener(settings)) as channel:
            yield LlmServiceStub(channel)

    return serve_these


@pytest.fixture
async def llm(serve_llm: ServeLlm, first: OpenAiServer, second: OpenAiServer) -> AsyncIterator[LlmServiceStub]:
    """Return a stub of the service; the order of fallback is `first`, `second`."""
    async with serve_llm(provider("first", first.base_url), provider("second", second.base_url)) as stub:
        yield stub
