"""A FAILURE in the log is an end: over X's own protocol, nothing that was given up is published later."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.social.v1 import social_service_pb2 as social_pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from services.agents.settings import AgentsSettings
from tests.integration.agents.conftest import OpenWith, create, next_of, silent
from tests.support.x import Sandbox

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

POST = "POST /2/tweets"
SETTLED, FAILED = social_pb.POST_STATE_SETTLED, social_pb.POST_STATE_FAILED


@pytest.fixture
async def agents(
    open_on_x: OpenWith, settings: AgentsSettings, x: Sandbox, persona: dict[str, Any]
) -> AsyncIterator[AgentServiceStub]:
    """Serve an agent that gives up soon."""
    hasty = settings.model_copy(update={"settle_seconds": 1.0, "patience_seconds": 0.5})
    async with open_on_x(hasty) as opened:
        await opened.CreateAgent(create(silent(persona, "wren", await x.account("wren"))))
        yield opened


async def trigger(agents: AgentServiceStub, deadline: float = 30) -> pb.TriggerPostResponse:
    request = pb.TriggerPostRequest(agent_id="wren", topic="gates", request_id="one")
    return await agents.TriggerPost(request, timeout=deadline)


async def outbox(social: SocialServiceStub) -> list[social_pb.Post]:
    [account] = (await social.ListAccounts(social_pb.ListAccountsRequest())).accounts
    return list((await social.ListPosts(social_pb.ListPostsRequest(account_id=account.id))).posts)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "status", "status": 429, "seconds": 900}, "rate limit"),
        ({"kind": "refusal", "refusal": "daily_limit", "seconds": 900}, "rate limit"),
        ({"kind": "refusal", "refusal": "credits_depleted"}, "credits"),
        ({"kind": "refusal", "refusal": "usage_capped"}, "cap"),
        ({"kind": "refusal", "refusal": "app_read_only"}, "CREDENTIALS_REFUSED"),
        ({"kind": "refusal", "refusal": "account_locked"}, "locked"),
    ],
)
async def test_what_the_log_calls_failed_is_withdrawn_and_the_log_says_what_it_was(
    agents: AgentServiceStub, social_on_x: SocialServiceStub, x: Sandbox, fault: dict[str, Any], words: str
) -> None:
    await x.fault(**fault)
    activity = (await trigger(agents)).activity
    assert activity.kind == log_pb.ACTIVITY_KIND_FAILURE
    assert words in activity.reason
    [post] = await outbox(social_on_x)
    assert (post.state, post.state_cause) == (FAILED, social_pb.POST_STATE_CAUSE_WITHDRAWN)


async def test_what_may_be_out_is_no_failure_until_that_is_known(
    agents: AgentServiceStub, social_on_x: SocialServiceStub, x: Sandbox
) -> None:
    await x.fault(kind="lost_answer", route=POST, times=1, seconds=0)
    await x.fault(kind="status", status=503, route="GET /2/users", times=6)
    response = await trigger(agents)
    assert response.activity.kind == log_pb.ACTIVITY_KIND_POST
    [post] = await outbox(social_on_x)
    assert (post.state, post.network_post_id) == (SETTLED, response.activity.post.network_post_id)


async def test_what_is_held_of_a_stopped_agent_is_withdrawn(
    agents: AgentServiceStub, social_on_x: SocialServiceStub, x: Sandbox
) -> None:
    await x.fault(kind="status", status=429, route=POST, seconds=900)
    await trigger(agents, deadline=0.5)

    async def held() -> bool:
        return [post.state for post in await outbox(social_on_x)] == [social_pb.POST_STATE_CLAIMED]

    while not await held():
        pass
    await agents.StopAgent(pb.StopAgentRequest(id="wren"))
    [activity] = await next_of(agents, log_pb.ACTIVITY_KIND_FAILURE)
    assert "could not post" in activity.summary
    [post] = await outbox(social_on_x)
    assert (post.state, post.state_cause) == (FAILED, social_pb.POST_STATE_CAUSE_WITHDRAWN)
