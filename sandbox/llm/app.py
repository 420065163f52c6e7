"""The sandbox application: the engine, and the proxy with its fault switches in front of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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
    proxy = EngineProxy()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with run_engine(model, settings) as socket, proxy.connected(socket):
            yield

    return build_app(settings, proxy.routes(), FaultBoard(), lifespan)
