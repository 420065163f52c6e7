"""Renamed accounts, names that are taken over, and a fellow that answers a stranger: over X's own protocol."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.ports.neighbours import Source
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import OpenWith, addressed, create, silent, until
from tests.support.x import Sandbox

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def agents(open_on_x: OpenWith, settings: AgentsSettings) -> AsyncIterator[AgentServiceStub]:
    async with open_on_x(settings.model_copy(update={"speed": 600.0})) as opened:
        yield opened


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
