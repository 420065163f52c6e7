"""Each service of the suite as a stranger finds it: an address, and a credential."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from services.agents.bootstrap import served
from services.agents.settings import AgentsSettings
from services.llm import bootstrap as llm
from services.llm.settings import LlmSettings, ProviderSettings
from services.memory import bootstrap as memory
from services.memory.settings import MemorySettings
from services.runtime.clock import SystemClock
from services.runtime.rpc.credentials import Credential
from services.runtime.rpc.server import Lifecycle, serving
from services.social import bootstrap as social
from services.social.settings import SocialSettings
from services.trading import bootstrap as trading
from services.trading.settings import TradingSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS
from tests.integration.social.conftest import x_credentials
from tests.integration.trading.conftest import SLOT_SECONDS, Cluster, cluster, sandbox_url
from tests.support.channels import open_as, operator_of
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.x import Sandbox

__all__ = ["cluster", "sandbox_url"]

TENTH_OF_A_SOL = 10**8


@dataclass(frozen=True)
class Found:
    """A service that somebody may try: where it is, whose call is let in, and what its cases need."""

    address: str
    operator: Credential
    given: Mapping[str, str] = field(default_factory=dict)


@pytest.fixture
async def found_llm(tmp_path: Path) -> AsyncIterator[Found]:
    settings = LlmSettings(port=0, data_dir=tmp_path, providers=(ProviderSettings(name="fake"),))
    async with serving("llm", settings, llm.opener(settings)) as address:
        yield Found(address, operator_of(tmp_path))


@pytest.fixture
async def found_memory(tmp_path: Path) -> AsyncIterator[Found]:
    settings = MemorySettings(port=0, data_dir=tmp_path)
    async with serving("memory", settings, memory.opener(settings)) as address:
        yield Found(address, operator_of(tmp_path))


@pytest.fixture
async def found_social(tmp_path: Path) -> AsyncIterator[Found]:
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / "x", rate_limits=False))
    async with listening(app) as url, aiohttp.ClientSession() as session:
        client = await Sandbox(url, session).account("ann")
        settings = SocialSettings(port=0, data_dir=tmp_path, x_base_url=url, visibility_seconds=0.3)
        async with serving("social", settings, social.opener(settings)) as address:
            operator = operator_of(tmp_path)
            async with open_as(address, operator) as channel:
                request = social_pb.RegisterAccountRequest(agent_id="agt_ann", x=x_credentials(client))
                account = (await SocialServiceStub(channel).RegisterAccount(request)).account
            yield Found(address, operator, {"account_id": account.id, "agent_id": "agt_ann"})


@pytest.fixture
async def found_trading(tmp_path: Path, cluster: Cluster) -> AsyncIterator[Found]:
    settings = TradingSettings(
        port=0,
        data_dir=tmp_path,
        rpc_url=cluster.url,
        jupiter_url=f"{cluster.url}/jupiter",
        poll_seconds=SLOT_SECONDS,
        drain_seconds=0.2,
    )
    async with serving("trading", settings, trading.opener(settings)) as address:
        operator = operator_of(tmp_path)
        async with open_as(address, operator) as channel:
            request = trading_pb.RegisterWalletRequest(agent_id="agt_a")
            wallet = (await TradingServiceStub(channel).RegisterWallet(request)).wallet
        await cluster.fund(wallet.address, 10 * TENTH_OF_A_SOL)
        yield Found(address, operator, {"wallet_id": wallet.id, "mint": cluster.mints["USDC"]})


@pytest.fixture
async def found_agents(tmp_path: Path) -> AsyncIterator[Found]:
    settings = AgentsSettings(port=0, data_dir=tmp_path, speed=1e-6, poll_seconds=0.02)
    world = World()

    def opener(lifecycle: Lifecycle) -> Any:
        return served(settings, lifecycle, SystemClock(), world.memory, world.llm, world.social, world.trading)

    async with serving("agents", settings, opener) as address:
        operator = operator_of(tmp_path)
        persona = Struct()
        persona.update({"id": "wren", "name": "Wren", "is_active": True, "twitter_credentials": dict(KEYS)})
        async with open_as(address, operator) as channel:
            await AgentServiceStub(channel).CreateAgent(agents_pb.CreateAgentRequest(persona=persona))
        yield Found(address, operator, {"agent_id": "wren"})


@pytest.fixture
def found(request: pytest.FixtureRequest) -> Found:
    """Return the service whose name the test is given."""
    service: Found = request.getfixturevalue(f"found_{request.getfixturevalue('service')}")
    return service


@pytest.fixture
async def plain(found: Found) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(found.address) as channel:
        yield channel
