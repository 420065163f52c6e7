"""Strangers can't use up a character: what many mentions cost, and that its own posts go out all the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from puppet.agents.v1 import agent_service_pb2 as pb
from services.agents.settings import AgentsSettings
from tests.fakes.agents import World
from tests.integration.agents.conftest import OpenWith, create, next_of, open_with, persona, settings, world

__all__ = ["open_with", "persona", "settings", "world"]  # fixtures
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

REPLY, PASS, POST = pb.ACTIVITY_KIND_REPLY, pb.ACTIVITY_KIND_PASS, pb.ACTIVITY_KIND_POST
_CALLS_A_REPLY = 4
"""Two tries with a memory, and two without."""


@pytest.fixture
def listener(persona: dict[str, Any]) -> dict[str, Any]:
    """Return a persona that reads its mentions every second of a day that is as long as ours."""
    persona["behavior"]["interaction_patterns"]["mention_response_time"] = {"min_minutes": 0.01, "max_minutes": 0.02}
    persona["solana_integration"]["trading_enabled"] = False
    return persona


@pytest.fixture
def patient(settings: AgentsSettings) -> AgentsSettings:
    return settings.model_copy(update={"speed": 1.0})


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("strangers", "answered"), [(1, 12), (10, 30)])
async def test_a_crowd_costs_no_more_than_its_share_and_own_posts_go_out(
    open_with: OpenWith,
    patient: AgentsSettings,
    world: World,
    listener: dict[str, Any],
    strangers: int,
    answered: int,
    request: pytest.FixtureRequest,
) -> None:
    mentions = (500 if request.config.getoption("--payloads") else 60) // strangers
    share = patient.model_copy(update={"replies_a_day_to_strangers": 30})
    async with open_with(share) as agents:
        await agents.CreateAgent(create(listener))
        for number in range(mentions):
            for stranger in range(strangers):
                world.social.mention("wren", f"stranger{stranger}", f"@wren_handle hello number {number} {stranger}")
        done = await next_of(agents, REPLY, PASS, number=mentions * strangers, seconds=890)
        calls = world.llm.line.calls
        posted = await agents.TriggerPost(pb.TriggerPostRequest(agent_id="wren", request_id="own"), timeout=30)
    replies = [activity for activity in done if activity.kind == REPLY]
    worded = [activity for activity in done if activity.kind == REPLY or "may be published" in activity.reason]
    assert len(replies) <= answered == len(worded)
    assert len(world.social.answers()) == len(replies)
    assert calls <= answered * _CALLS_A_REPLY
    assert posted.activity.kind in (POST, PASS)
    assert world.llm.line.calls > calls


async def test_an_old_mention_is_remembered_and_not_answered(
    open_with: OpenWith, patient: AgentsSettings, world: World, listener: dict[str, Any]
) -> None:
    short = patient.model_copy(update={"mention_age_hours": 1.0})
    async with open_with(short) as agents:
        await agents.CreateAgent(create(listener))
        world.social.mention("wren", "somebody", "@wren_handle the first one")
        await next_of(agents, REPLY, PASS)
        long_ago = datetime.now(UTC) - timedelta(hours=2)
        world.social.mention("wren", "somebody", "@wren_handle are you still there?", time=long_ago)
        *_, old = await next_of(agents, REPLY, PASS, number=2)
    assert (old.kind, old.reason) == (PASS, "it was written too long ago")
    assert "@wren_handle are you still there?" in {memory.text for memory in world.memory.of("wren")}
