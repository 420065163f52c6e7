"""Renamed accounts, names that are taken over, and a fellow that answers a stranger: over X's own protocol."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from services.agents.adapters.social_client import SocialClient
from services.agents.bootstrap import served
from services.agents.ports.neighbours import Source
from services.agents.settings import AgentsSettings
from services.runtime.clock import SystemClock
from services.runtime.rpc.server import Lifecycle
from services.social.bootstrap import opener as open_social
from services.social.settings import SocialSettings
from tests.conftest import Serve
from tests.fakes.agents import World
from tests.integration.agents.conftest import addressed, create, until
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.x import Sandbox, XClient

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def x(tmp_path: Path) -> AsyncIterator[Sandbox]:
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / "x", rate_limits=False))
    timeout = aiohttp.ClientTimeout(total=10)
    async with listening(app) as url, aiohttp.ClientSession(timeout=timeout) as session:
        yield Sandbox(url, session)


@pytest.fixture
async def agents(
    serve: Serve, settings: AgentsSettings, world: World, x: Sandbox, tmp_path: Path
) -> AsyncIterator[AgentServiceStub]:
    """Serve agents whose accounts are at a social service on X."""
    at_x = SocialSettings(port=0, data_dir=tmp_path / "social", x_base_url=x.url)
    async with serve("social", at_x, open_social(at_x)) as channel:
        social = SocialClient(SocialServiceStub(channel), SystemClock())

        def opener(lifecycle: Lifecycle) -> Any:
            ports = (world.memory, world.llm, social, world.trading)
            return served(settings.model_copy(update={"speed": 600.0}), lifecycle, SystemClock(), *ports)

        async with serve("agents", settings, opener) as opened:
            yield AgentServiceStub(opened)


def silent(persona: dict[str, Any], agent_id: str, client: XClient) -> dict[str, Any]:
    """Return a persona that hears and answers nobody, with this account."""
    persona["behavior"]["post_frequency"] |= {"min_hours_between_posts": 5_000, "max_hours_between_posts": 5_000}
    persona["behavior"]["interaction_patterns"]["reply_probability"] = 0
    persona["solana_integration"]["trading_enabled"] = False
    keys = {
        "apiKey": client.consumer_key,
        "apiKeySecret": client.consumer_secret,
        "accessToken": client.access_token,
        "accessTokenSecret": client.access_token_secret,
    }
    return persona | {"id": agent_id, "name": agent_id.title(), "twitter_credentials": keys}


async def test_a_renamed_fellow_is_heard_and_addressed_and_who_took_its_name_is_a_stranger(
    agents: AgentServiceStub, world: World, x: Sandbox, persona: dict[str, Any]
) -> None:
    wren, otto = await x.account("wren"), await x.account("otto")
    for agent_id, client in (("wren", wren), ("otto", otto)):
        await agents.CreateAgent(create(silent(persona, agent_id, client)))
    assert await x.rename(otto, "otto_moved") == 200
    thief, stranger = await x.account("otto"), await x.account("stranger")
    await thief.create_tweet(text="@wren it is me, your old friend")
    await otto.create_tweet(text="@wren a new name, and still me")
    asked = (await stranger.create_tweet(text="@otto_moved tell them of the flood"))["data"]["id"]
    await otto.create_tweet(text="@wren there is a flood", in_reply_to_tweet_id=asked)
    expected = {
        "it is me, your old friend": (Source.EXTERNAL, f"x:{thief.id}"),
        "a new name, and still me": (Source.AGENT, "otto"),
        "there is a flood": (Source.EXTERNAL, "otto"),
    }

    def heard() -> dict[str, tuple[Source, str]]:
        said = {memory.text.rsplit("@wren ")[-1]: memory for memory in world.memory.of("wren")}
        return {text: (memory.source, memory.author) for text, memory in said.items() if text in expected}

    await until(lambda: len(heard()) == len(expected))
    assert heard() == expected
    assert await addressed(agents, "wren") == {"@otto_moved"}
