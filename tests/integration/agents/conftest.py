"""The agents service over a real loopback channel, on each database with DBOS beside it, and four fakes around it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import Struct

from puppet.agents.v1 import activity_pb2 as log_pb
from puppet.agents.v1 import agent_service_pb2 as pb
from puppet.agents.v1.agent_service_pb2_grpc import AgentServiceStub
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from services.agents.adapters.social_client import SocialClient
from services.agents.bootstrap import served
from services.agents.settings import AgentsSettings
from services.runtime.clock import SystemClock
from services.runtime.ids import new_id
from services.runtime.rpc import boundary
from services.runtime.rpc.server import Lifecycle
from services.social.bootstrap import opener as open_social
from services.social.settings import SocialSettings
from tests.conftest import Serve
from tests.fakes.agents import World
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.refusals import refusal
from tests.support.waits import WAIT_SECONDS
from tests.support.x import Sandbox, XClient

KEYS = {"apiKey": "key-of-the-app", "apiKeySecret": "sesame1", "accessToken": "sesame2", "accessTokenSecret": "sesame3"}
SPEED = 1e-6
"""A schedule that rests: a test that wants it to run sets its own speed."""

Open = Callable[[], AbstractAsyncContextManager[AgentServiceStub]]
OpenChannel = Callable[[AgentsSettings], AbstractAsyncContextManager[grpc.aio.Channel]]
OpenWith = Callable[[AgentsSettings], AbstractAsyncContextManager[AgentServiceStub]]


@pytest.fixture
def answers_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a call that outlasts its deadline be answered after two seconds: a busy machine has the rest for its way."""
    monkeypatch.setattr(boundary, "_ANSWER_SECONDS", WAIT_SECONDS - 2.0)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> AgentsSettings:
    return AgentsSettings(
        port=0, data_dir=tmp_path, database_url=database_url, speed=SPEED, poll_seconds=0.02, patience_seconds=2.0
    )


@pytest.fixture
def open_channel(serve: Serve, world: World) -> OpenChannel:
    """Return what opens the service with these settings; opened again, it finds what it had stored."""

    @contextlib.asynccontextmanager
    async def opened(settings: AgentsSettings) -> AsyncIterator[grpc.aio.Channel]:
        def opener(lifecycle: Lifecycle) -> Any:
            ports = (world.memory, world.llm, world.social, world.trading)
            return served(settings, lifecycle, SystemClock(), *ports)

        async with serve("agents", settings, opener) as channel:
            yield channel

    return opened


@pytest.fixture
def open_with(open_channel: OpenChannel) -> OpenWith:
    """Return what opens the service with these settings, for those who need nothing but its AgentService."""

    @contextlib.asynccontextmanager
    async def opened(settings: AgentsSettings) -> AsyncIterator[AgentServiceStub]:
        async with open_channel(settings) as channel:
            yield AgentServiceStub(channel)

    return opened


@pytest.fixture
async def x(tmp_path: Path) -> AsyncIterator[Sandbox]:
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / "x", rate_limits=False))
    timeout = aiohttp.ClientTimeout(total=10)
    async with listening(app) as url, aiohttp.ClientSession(timeout=timeout) as session:
        yield Sandbox(url, session)


@pytest.fixture
async def social_on_x(serve: Serve, x: Sandbox, tmp_path: Path) -> AsyncIterator[SocialServiceStub]:
    """Serve a social service on X."""
    at_x = SocialSettings(port=0, data_dir=tmp_path / "social", x_base_url=x.url, visibility_seconds=0.3)
    async with serve("social", at_x, open_social(at_x)) as channel:
        yield SocialServiceStub(channel)


@pytest.fixture
def open_on_x(serve: Serve, world: World, social_on_x: SocialServiceStub) -> OpenWith:
    """Return what opens agents whose accounts are at that social service."""

    @contextlib.asynccontextmanager
    async def opened(settings: AgentsSettings) -> AsyncIterator[AgentServiceStub]:
        social = SocialClient(social_on_x, SystemClock())

        def opener(lifecycle: Lifecycle) -> Any:
            return served(settings, lifecycle, SystemClock(), world.memory, world.llm, social, world.trading)

        async with serve("agents", settings, opener) as channel:
            yield AgentServiceStub(channel)

    return opened


@pytest.fixture
def reopen(open_with: OpenWith, settings: AgentsSettings) -> Open:
    return lambda: open_with(settings)


@pytest.fixture
async def agents(reopen: Open) -> AsyncIterator[AgentServiceStub]:
    async with reopen() as stub:
        yield stub


@pytest.fixture
def persona(sample_persona: dict[str, Any]) -> dict[str, Any]:
    """Return a persona with credentials, which is started as soon as it is created."""
    return sample_persona | {"twitter_credentials": dict(KEYS)}


def create(persona: dict[str, Any], request_id: str = "") -> pb.CreateAgentRequest:
    struct = Struct()
    struct.update(persona)
    return pb.CreateAgentRequest(persona=struct, request_id=request_id)


def update(persona: dict[str, Any], **fields: Any) -> pb.UpdateAgentRequest:
    """Return what gives the agent with the persona's id this persona."""
    struct = Struct()
    struct.update(persona)
    return pb.UpdateAgentRequest(
        agent=pb.Agent(id=persona["id"], persona=struct, etag=fields.pop("etag", "")),
        update_mask=FieldMask(paths=["persona"]),
        **fields,
    )


async def log_of(agents: AgentServiceStub, *kinds: log_pb.ActivityKind.ValueType) -> list[log_pb.Activity]:
    """Return what happened, newest first; LIFECYCLE only when it is asked for."""
    listed = await agents.ListActivity(pb.ListActivityRequest(kinds=kinds))
    return [activity for activity in listed.activities if kinds or activity.kind != log_pb.ACTIVITY_KIND_LIFECYCLE]


async def next_of(
    agents: AgentServiceStub, *kinds: log_pb.ActivityKind.ValueType, number: int = 1, seconds: float = WAIT_SECONDS
) -> list[log_pb.Activity]:
    """Wait until there are so many activities of these kinds, and return them, oldest first."""
    found: list[log_pb.Activity] = []
    call = agents.WatchActivity(pb.WatchActivityRequest(after_cursor="0"), timeout=seconds)
    async for item in call:
        if item.HasField("activity") and item.activity.kind in kinds:
            found.append(item.activity)
            if len(found) == number:
                break
    call.cancel()
    return found


async def addressed(agents: AgentServiceStub, agent_id: str) -> set[str]:
    """Let an agent post a few times, and return whom it speaks to: the handles in front, with their signs."""
    posts = [pb.TriggerPostRequest(agent_id=agent_id, request_id=new_id("post")) for _ in range(8)]
    said = [(await agents.TriggerPost(post, timeout=WAIT_SECONDS)).activity for post in posts]
    return {one.summary.split()[0] for one in said if one.kind == log_pb.ACTIVITY_KIND_POST and one.summary[0] == "@"}


async def until(condition: Callable[[], bool]) -> None:
    """Wait until this holds, in a fake that nothing can be awaited of."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def reason_of(call: Any) -> tuple[grpc.StatusCode, str, set[str]]:
    """Return the status, the reason and the violated fields with which a call is refused."""
    told = await refusal(call)
    return told.code, told.reason, {violation.field for violation in told.violations}


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
