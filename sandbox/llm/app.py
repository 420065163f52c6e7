"""The sandbox application: the engine, and the proxy with its fault switches in front of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from starlette.applications import Starlette

from sandbox.faults import FaultBoard
from sandbox.llm.engine import run_engine
from sandbox.llm.model import find_model
from sandbox.llm.proxy import EngineProxy
from sandbox.llm.settings import LlmSandboxSettings
from sandbox.server import build_app


def create_app(settings: LlmSandboxSettings) -> Starlette:
    """Return the application, whose engine runs from its start to its shutdown; raise ModelError without a model."""
    model = find_model(settings.model)
    # No limits here: the caller's own timeout ends a call, and the engine queues what its slots can't hold.
    client = httpx2.AsyncClient(timeout=None, limits=httpx2.Limits(max_connections=None), trust_env=False)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with run_engine(model, settings) as url, client:
            client.base_url = url
            yield

    return build_app(EngineProxy(client).routes(), FaultBoard(), lifespan)
