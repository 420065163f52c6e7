"""A data folder of an earlier release opens, and everything in it is there."""

import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from puppet.agents.v1 import activity_pb2 as activity_pb
from puppet.agents.v1 import agent_service_pb2 as agents_pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.memory.v1 import memory_service_pb2 as memory_pb
from puppet.memory.v1.memory_service_pb2_grpc import MemoryServiceStub
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from puppet.trading.v1 import trading_service_pb2 as trading_pb
from puppet.trading.v1.trading_service_pb2_grpc import TradingServiceStub
from services.agents import bootstrap as agents
from services.agents.settings import AgentsSettings
from services.memory import bootstrap as memory
from services.memory.settings import MemorySettings
from services.runtime.db import Database
from services.runtime.keystore import Keystore
from services.runtime.sealing import SealingSettings
from services.social import bootstrap as social
from services.social.settings import SocialSettings
from services.trading import bootstrap as trading
from services.trading.settings import TradingSettings
from tests.conftest import DATA, Serve
from tools.upgrade import DATABASES, KNOWN_KEY

ARCHIVES = sorted((DATA / "upgrades").glob("*.tar.xz"))
NOWHERE = "127.0.0.1:1"
CHARACTERS = ["basil", "odd", "pia", "unit-7"]


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name.removesuffix(".tar.xz"))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


Open = Callable[[str, Any, Any], Any]


@pytest.fixture
async def opened(serve: Serve) -> AsyncIterator[Open]:
    """Return what serves a service until the test ends, and gives a channel to it."""
    async with AsyncExitStack() as stack:

        async def open_service(name: str, settings: Any, opener: Any) -> grpc.aio.Channel:
            return await stack.enter_async_context(serve(name, settings, opener(settings)))

        yield open_service


async def test_the_characters_are_there_with_what_they_did(folder: Path, opened: Open) -> None:
    targets = {f"{name}_target": NOWHERE for name in ("memory", "llm", "trading", "social")}
    settings = AgentsSettings.model_validate({"port": 0, "data_dir": folder, **targets})
    stub = AgentServiceStub(await opened("agents", settings, agents.opener))
    assert [agent.id for agent in (await stub.ListAgents(agents_pb.ListAgentsRequest())).agents] == CHARACTERS
    activities = (await stub.ListActivity(agents_pb.ListActivityRequest(page_size=100))).activities
    kinds = {activity.kind for activity in activities}
    assert {activity_pb.ACTIVITY_KIND_POST, activity_pb.ACTIVITY_KIND_TRADE} <= kinds


async def test_they_remember_and_find_it(folder: Path, opened: Open) -> None:
    stub = MemoryServiceStub(await opened("memory", MemorySettings(port=0, data_dir=folder), memory.opener))
    for name in CHARACTERS:
        assert (await stub.ListMemories(memory_pb.ListMemoriesRequest(agent_id=name))).memories
    found = await stub.SearchMemories(memory_pb.SearchMemoriesRequest(agent_id="odd", query="the lamp at night"))
    assert "lamp" in found.hits[0].memory.text


async def test_accounts_and_posts_are_there_and_their_secrets_open(folder: Path, opened: Open) -> None:
    settings = SocialSettings.model_validate(
        {"port": 0, "data_dir": folder, "keystore_key": KNOWN_KEY, "x_base_url": f"http://{NOWHERE}"}
    )
    stub = SocialServiceStub(await opened("social", settings, social.opener))
    accounts = (await stub.ListAccounts(social_pb.ListAccountsRequest())).accounts
    assert sorted(account.agent_id for account in accounts) == CHARACTERS
    assert (await stub.ListPosts(social_pb.ListPostsRequest(account_id=accounts[0].id))).posts
    await _assert_opens(settings, "social", len(accounts))


async def test_the_wallet_and_its_trades_are_there_and_its_key_opens(folder: Path, opened: Open) -> None:
    settings = TradingSettings.model_validate(
        {"port": 0, "data_dir": folder, "keystore_key": KNOWN_KEY, "sandbox_url": f"http://{NOWHERE}"}
    )
    stub = TradingServiceStub(await opened("trading", settings, trading.opener))
    [wallet] = (await stub.ListWallets(trading_pb.ListWalletsRequest())).wallets
    assert wallet.agent_id == "basil"
    assert (await stub.ListTrades(trading_pb.ListTradesRequest(wallet_id=wallet.id))).trades
    await _assert_opens(settings, "trading", 1)


async def _assert_opens(settings: SealingSettings, name: str, secrets: int) -> None:
    database = Database(settings.sql_url(name))
    try:
        assert await settings.sealed.count(database) == secrets
        assert await settings.sealed.older(database, Keystore([KNOWN_KEY])) == 0
    finally:
        await database.close()


def test_an_archive_is_small_and_holds_databases_only() -> None:
    assert ARCHIVES
    for path in ARCHIVES:
        assert path.stat().st_size < 200_000
        with tarfile.open(path) as archive:
            # The llm service has had one since its ledger.
            whole = {f"{name}.db" for name in DATABASES}
            assert whole - {"llm.db"} <= set(archive.getnames()) <= whole
