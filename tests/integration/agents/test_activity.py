"""The activity log: pages, and a stream that can be left and resumed."""

import asyncio
from typing import Any

import grpc
import pytest

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from tests.integration.agents.conftest import KEYS, Open, create, log_of, next_of, reason_of
from tests.support.waits import WAIT_SECONDS

# What differs between the databases is tested with the store, the agents and the posts.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Persona = dict[str, Any]


async def post(agents: AgentServiceStub, request_id: str, agent_id: str = "wren") -> log_pb.Activity:
    request = pb.TriggerPostRequest(agent_id=agent_id, topic=f"letters {request_id}", request_id=request_id)
    return (await agents.TriggerPost(request, timeout=WAIT_SECONDS)).activity


async def test_a_stream_resumes_after_any_cursor_without_a_gap(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    posts = [await post(agents, str(number)) for number in range(3)]
    call = agents.WatchActivity(pb.WatchActivityRequest(after_cursor=posts[0].cursor), timeout=WAIT_SECONDS)
    assert await _next(call, 2) == posts[1:]
    assert await next_of(agents, log_pb.ACTIVITY_KIND_POST, number=3) == posts


async def test_a_stream_without_a_cursor_starts_now_and_says_so_with_a_heartbeat(
    agents: AgentServiceStub, persona: Persona
) -> None:
    await agents.CreateAgent(create(persona))
    await post(agents, "before")
    call: Any = agents.WatchActivity(pb.WatchActivityRequest(), timeout=WAIT_SECONDS)
    assert not (await call.read()).HasField("activity")
    after = await post(agents, "after")
    assert await _next(call, 1) == [after]


async def test_a_stream_goes_on_from_a_heartbeat(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    before = await post(agents, "before")
    call: Any = agents.WatchActivity(pb.WatchActivityRequest(agent_ids=["nobody"]), timeout=WAIT_SECONDS)
    heartbeat = await call.read()
    assert (heartbeat.HasField("activity"), heartbeat.cursor) == (False, before.cursor)
    call.cancel()
    missed = await post(agents, "missed")
    call = agents.WatchActivity(pb.WatchActivityRequest(after_cursor=heartbeat.cursor), timeout=WAIT_SECONDS)
    assert await _next(call, 1) == [missed]


async def test_a_stream_of_some_agents_leaves_the_others_out(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    other = persona | {"id": "otto", "name": "Otto", "twitter_credentials": dict(KEYS)}
    await agents.CreateAgent(create(other))
    call = agents.WatchActivity(pb.WatchActivityRequest(agent_ids=["otto"]), timeout=WAIT_SECONDS)
    await call.read()
    await post(agents, "hers")
    his = await post(agents, "his", "otto")
    assert await _next(call, 1) == [his]


async def test_a_stream_ends_when_the_service_drains(reopen: Open) -> None:
    async with reopen() as agents:
        call = agents.WatchActivity(pb.WatchActivityRequest())
        await call.read()
    async with asyncio.timeout(WAIT_SECONDS):
        assert await call.code() in (grpc.StatusCode.OK, grpc.StatusCode.CANCELLED)


@pytest.mark.parametrize("cursor", ["yesterday", "1", "99999999"])
async def test_a_cursor_that_is_none_of_the_log_is_refused(agents: AgentServiceStub, cursor: str) -> None:
    call = agents.WatchActivity(pb.WatchActivityRequest(after_cursor=cursor))
    code, _, fields = await reason_of(call.read())
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, {"after_cursor"})


async def test_pages_of_the_log_are_newest_first_and_filtered(agents: AgentServiceStub, persona: Persona) -> None:
    await agents.CreateAgent(create(persona))
    posts = [await post(agents, str(number)) for number in range(3)]
    assert await log_of(agents, log_pb.ACTIVITY_KIND_POST) == posts[::-1]
    request = pb.ListActivityRequest(agent_ids=["wren"], kinds=[log_pb.ACTIVITY_KIND_POST], page_size=2)
    first = await agents.ListActivity(request)
    request.page_token = first.next_page_token
    second = await agents.ListActivity(request)
    assert [*first.activities, *second.activities] == posts[::-1]
    assert not second.next_page_token


async def _next(call: Any, number: int) -> list[log_pb.Activity]:
    """Return the next activities of a stream, heartbeats left out."""
    found: list[log_pb.Activity] = []
    while len(found) < number:
        item = await call.read()
        if item.HasField("activity"):
            found.append(item.activity)
    return found
