"""TriggerReply: a post is answered now, once, under the limits of any answer."""

import asyncio
from typing import Any

import grpc
import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from services.agents.ports.neighbours import ReplyScope
from services.agents.settings import AgentsSettings
from services.runtime.waiting import poll
from tests.fakes.agents import World
from tests.integration.agents.conftest import KEYS, Open, OpenWith, create, reason_of
from tests.support.waits import WAIT_SECONDS

# What differs between the databases is tested with the store, the agents and the posts.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Persona = dict[str, Any]
REPLY, PASS = log_pb.ACTIVITY_KIND_REPLY, log_pb.ACTIVITY_KIND_PASS


async def reply(agents: AgentServiceStub, post_id: str, request_id: str = "r") -> pb.TriggerReplyResponse:
    request = pb.TriggerReplyRequest(agent_id="wren", network_post_id=post_id, request_id=request_id)
    return await agents.TriggerReply(request, timeout=WAIT_SECONDS)


async def refused(agents: AgentServiceStub, post_id: str, request_id: str = "r") -> str:
    code, reason, _ = await reason_of(reply(agents, post_id, request_id))
    assert code in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND)
    return reason


async def test_a_mention_is_answered_once_whoever_asks_and_however_often(
    reopen: Open, world: World, persona: Persona
) -> None:
    async with reopen() as agents:
        await agents.CreateAgent(create(persona))
        post_id = world.social.mention("wren", "gatekeeper", "@wren is it far")
        first, second = await asyncio.gather(reply(agents, post_id), reply(agents, post_id, "another"))
        again = await reply(agents, post_id)
    async with reopen() as agents:
        later = await reply(agents, post_id)
        assert await refused(agents, post_id, "a third") == "ALREADY_ANSWERED"
    assert first.activity.kind == REPLY
    assert first.activity.trigger == log_pb.ACTIVITY_TRIGGER_REQUEST
    assert first == second == again == later
    assert [answered for _, answered in world.social.answers()] == [post_id]


async def test_a_persona_that_answers_nobody_by_itself_answers_when_it_is_asked(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    persona["behavior"]["interaction_patterns"]["reply_probability"] = 0
    await agents.CreateAgent(create(persona))
    post_id = world.social.mention("wren", "gatekeeper", "@wren is it far")
    assert (await reply(agents, post_id)).activity.kind == REPLY
    assert world.llm.awaited == [True]


async def test_what_was_passed_over_is_tried_again_and_limits_hold(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    async with open_with(settings.model_copy(update={"replies_a_day_to_one": 0})) as agents:
        await agents.CreateAgent(create(persona))
        post_id = world.social.mention("wren", "gatekeeper", "@wren is it far")
        passed = (await reply(agents, post_id)).activity
        assert (passed.kind, passed.passed.reason) == (PASS, log_pb.PASS_REASON_COUNTERPART_LIMIT)
        assert not world.social.answers()
    async with open_with(settings) as agents:
        answered = await reply(agents, post_id, "later")
        assert answered.activity.kind == REPLY
        assert answered.workflow_id == f"{passed.workflow_id}/2"
        # The first request has its own end.
        assert (await reply(agents, post_id)).activity == passed
    assert len(world.social.answers()) == 1


async def test_an_answer_that_is_planned_is_the_one_that_is_asked_for(
    open_with: OpenWith, settings: AgentsSettings, world: World, persona: Persona
) -> None:
    persona["behavior"]["interaction_patterns"] |= {
        "reply_probability": 1,
        "mention_response_time": {"min_minutes": 2_000, "max_minutes": 2_800},
    }
    async with open_with(settings.model_copy(update={"speed": 50.0})) as agents:

        async def planned() -> list[str]:
            status = await agents.GetAgentStatus(pb.GetAgentStatusRequest(id="wren"))
            return [entry.key for entry in status.schedule]

        # It looks soon after it was made, and would answer more than half an hour later.
        await agents.CreateAgent(create(persona))
        post_id = world.social.mention("wren", "gatekeeper", "@wren is it far")
        assert post_id in await poll(planned, lambda keys: post_id in keys, timeout_seconds=60, poll_seconds=0.05)
        answered = await reply(agents, post_id)
        assert (answered.workflow_id, answered.activity.kind) == (f"reply/wren/{post_id}", REPLY)
        assert post_id not in await poll(
            planned, lambda keys: post_id not in keys, timeout_seconds=60, poll_seconds=0.05
        )
    assert len(world.social.answers()) == 1


@pytest.mark.usefixtures("answers_early")
async def test_a_request_outlives_the_process_that_took_it(reopen: Open, world: World, persona: Persona) -> None:
    world.llm.thinking = asyncio.Event()
    async with reopen() as agents:
        await agents.CreateAgent(create(persona))
        post_id = world.social.mention("wren", "gatekeeper", "@wren is it far")
        call = pb.TriggerReplyRequest(agent_id="wren", network_post_id=post_id, request_id="r")
        waiting = await agents.TriggerReply(call, timeout=WAIT_SECONDS)
        assert not waiting.HasField("activity")
    world.llm.thinking = None
    # Nobody asks the network for the post once more.
    world.social.inbox.clear()
    async with reopen() as agents:
        assert (await reply(agents, post_id)).activity.kind == REPLY
    assert len(world.social.answers()) == 1


async def test_what_can_not_be_answered_is_refused_with_the_reason(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    assert await refused(agents, "4242") == "NOT_REPLYABLE"
    world.social.reply_scope = ReplyScope.ALL
    await agents.CreateAgent(create(persona | {"id": "otto", "name": "Otto", "twitter_credentials": dict(KEYS)}))
    request = pb.TriggerReplyRequest(agent_id="otto", network_post_id="4242", request_id="r")
    code, reason, _ = await reason_of(agents.TriggerReply(request))
    assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "POST_NOT_FOUND")
    world.social.reply_scope = ReplyScope.NONE
    await agents.CreateAgent(create(persona | {"id": "pia", "name": "Pia", "twitter_credentials": dict(KEYS)}))
    request = pb.TriggerReplyRequest(agent_id="pia", network_post_id="4242", request_id="r")
    assert (await reason_of(agents.TriggerReply(request)))[1] == "NOT_REPLYABLE"
    post_id = world.social.mention("wren", "gatekeeper", "@wren is it far")
    await agents.StopAgent(pb.StopAgentRequest(id="wren"))
    assert await refused(agents, post_id) == "AGENT_INACTIVE"
    code, _, fields = await reason_of(reply(agents, "abc"))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, {"network_post_id"})


async def test_where_the_network_lets_it_any_post_is_answered_but_its_own(
    agents: AgentServiceStub, world: World, persona: Persona
) -> None:
    world.social.reply_scope = ReplyScope.ALL
    await agents.CreateAgent(create(persona))
    # Somebody says it to somebody else.
    post_id = world.social.mention("otto", "gatekeeper", "the ladder is gone")
    answered = await reply(agents, post_id)
    assert answered.activity.kind == REPLY
    own = world.social.mention("wren", "wren_handle", "@wren I said", user_id="id-wren_handle")
    assert await refused(agents, own, "own") == "NOT_REPLYABLE"
