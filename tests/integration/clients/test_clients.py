"""The example client that is built quickest does all that the others do; `make clients` tries each of them.

Without Node, or where its packages can't be had, these tests are left out, and say so.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.agents.bootstrap import served
from services.agents.settings import AgentsSettings
from services.memory.bootstrap import opener as open_memory
from services.memory.settings import MemorySettings
from services.runtime.clock import SystemClock
from services.runtime.rpc.server import Lifecycle, serving
from tests.fakes.agents import World as Neighbours
from tests.integration.agents.conftest import KEYS
from tests.support.channels import open_as, operator_of
from tests.support.foreign import CHECKS, Foreign, World, cursors_of, remember
from tools.languages import TYPESCRIPT, LeftOutError

REMEMBERED = "The lamp goes out when the ferry is late."


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def built() -> None:
    try:
        await TYPESCRIPT.build()
    except LeftOutError as why:
        pytest.skip(f"left out: {why}")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    neighbours, operator = Neighbours(), operator_of(tmp_path)
    port = 0

    def opener(lifecycle: Lifecycle) -> Any:
        ports = (neighbours.memory, neighbours.llm, neighbours.social, neighbours.trading)
        return served(settings(), lifecycle, SystemClock(), *ports)

    def settings() -> AgentsSettings:
        return AgentsSettings(port=port, data_dir=tmp_path, speed=1e-6, poll_seconds=0.02, drain_seconds=0.1)

    async with contextlib.AsyncExitStack() as stack, contextlib.AsyncExitStack() as running:
        at_memory = MemorySettings(port=0, data_dir=tmp_path)
        memory = await stack.enter_async_context(serving("memory", at_memory, open_memory(at_memory)))
        agents = await running.enter_async_context(serving("agents", settings(), opener))
        port = int(agents.rpartition(":")[2])

        async def restart() -> None:
            await running.aclose()
            await running.enter_async_context(serving("agents", settings(), opener))

        stub = AgentServiceStub(await stack.enter_async_context(open_as(agents, operator)))
        await _create(stub, ["wren", "otto", "pia"])
        await remember(
            MemoryServiceStub(await stack.enter_async_context(open_as(memory, operator))), "wren", REMEMBERED
        )
        tokens = {name: operator.token(name) for name in ("agents", "memory")}
        yield World(agents, memory, tokens, "wren", REMEMBERED, lambda: cursors_of(stub, "wren"), restart)


async def _create(agents: AgentServiceStub, names: Sequence[str]) -> None:
    for name in names:
        persona = Struct()
        persona.update({"id": name, "name": name.title(), "is_active": True, "twitter_credentials": dict(KEYS)})
        await agents.CreateAgent(pb.CreateAgentRequest(persona=persona))


@pytest.mark.parametrize("check", CHECKS)
async def test_a_client_in_typescript_does_what_it_shows(built: None, world: World, check: str) -> None:
    await CHECKS[check](Foreign(TYPESCRIPT, world))
