"""The services that the command line calls, on loopback ports."""

import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest

from puppet.agents.v1.agent_service_pb2_grpc import add_AgentServiceServicer_to_server
from puppet.llm.v1.llm_service_pb2_grpc import add_LlmServiceServicer_to_server
from puppet.memory.v1.memory_service_pb2_grpc import add_MemoryServiceServicer_to_server
from puppet.social.v1.social_service_pb2_grpc import add_SocialServiceServicer_to_server
from puppet.trading.v1.trading_service_pb2_grpc import add_TradingServiceServicer_to_server
from puppetctl.characters.provision import Sandboxes
from puppetctl.clients import Clients, connected
from services.runtime.rpc.client import Proof
from services.runtime.rpc.principals import OPERATOR, PrincipalFiles
from tests.integration.puppetctl.memory_service import FakeMemory
from tests.integration.puppetctl.services import (
    SANDBOX_TOKEN,
    FakeAgents,
    FakeLlm,
    FakeSandbox,
    FakeSocial,
    FakeTrading,
)
from tests.support.channels import operator_of


@dataclass(frozen=True, slots=True)
class World:
    """The fakes, and where they listen."""

    agents: FakeAgents
    memory: FakeMemory
    trading: FakeTrading
    llm: FakeLlm
    sandbox: FakeSandbox
    address: str

    @property
    def sandboxes(self) -> Sandboxes:
        """The fake sandbox in place of both."""
        return Sandboxes(self.sandbox.address, self.sandbox.address, SANDBOX_TOKEN)


@pytest.fixture(autouse=True)
def _own_credential(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the commands a credential, so that none looks for the one of a suite that runs in this checkout."""
    folder = tmp_path_factory.mktemp("operator")
    operator_of(folder)
    monkeypatch.setenv("PUPPET_CTL_CREDENTIAL", str(PrincipalFiles(folder / "auth").credential_path(OPERATOR)))


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Run the fakes, and let the environment say where they are."""
    agents = FakeAgents()  # type: ignore[abstract]
    memory = FakeMemory()  # type: ignore[abstract]
    trading = FakeTrading()  # type: ignore[abstract]
    llm = FakeLlm()  # type: ignore[abstract]
    server = grpc.aio.server()
    add_LlmServiceServicer_to_server(llm, server)
    add_AgentServiceServicer_to_server(agents, server)
    add_MemoryServiceServicer_to_server(memory, server)
    add_SocialServiceServicer_to_server(FakeSocial(), server)  # type: ignore[abstract]
    add_TradingServiceServicer_to_server(trading, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    with FakeSandbox(trading) as sandbox:
        thread = threading.Thread(target=sandbox.serve_forever, args=(0.02,))
        thread.start()
        for name in ("AGENTS", "LLM", "MEMORY", "SOCIAL", "TRADING"):
            monkeypatch.setenv(f"PUPPET_CTL_{name}", address)
        for name in ("SANDBOX_X", "SANDBOX_SOLANA"):
            monkeypatch.setenv(f"PUPPET_CTL_{name}", sandbox.address)
        yield World(agents, memory, trading, llm, sandbox, address)
        sandbox.shutdown()
        thread.join()
    await server.stop(None)


@pytest.fixture
async def clients(world: World) -> AsyncIterator[Clients]:
    """Open the stubs."""
    where = dict.fromkeys(("agents", "llm", "memory", "social", "trading"), world.address)
    async with connected(where, Proof()) as stubs:
        yield stubs
