"""The social service over a real loopback channel, on each database, with the real X sandbox as its network."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import grpc
import pytest

from puppet.social.v1 import social_service_pb2 as pb
from puppet.social.v1.social_service_pb2_grpc import SocialServiceStub
from sandbox.x.app import build_x_app
from sandbox.x.settings import XSettings
from services.social.bootstrap import opener
from services.social.settings import SocialSettings
from tests.conftest import Serve
from tests.support.http import ADMIN_TOKEN, listening
from tests.support.x import Sandbox, XClient

POST = "POST /2/tweets"
TIMELINE = "GET /2/users"


@pytest.fixture
async def x(tmp_path: Path) -> AsyncIterator[Sandbox]:
    timeout = aiohttp.ClientTimeout(total=10)
    app = build_x_app(XSettings(admin_token=ADMIN_TOKEN, data_dir=tmp_path / "x", rate_limits=False))
    async with listening(app) as url, aiohttp.ClientSession(timeout=timeout) as session:
        yield Sandbox(url, session)


@pytest.fixture
def settings(database_url: str, tmp_path: Path, x: Sandbox) -> SocialSettings:
    return SocialSettings(
        port=0,
        data_dir=tmp_path,
        database_url=database_url,
        x_base_url=x.url,
        x_timeout_seconds=2.0,
        visibility_seconds=0.3,
    )


@pytest.fixture
async def channel(serve: Serve, settings: SocialSettings) -> AsyncIterator[grpc.aio.Channel]:
    async with serve("social", settings, opener(settings)) as opened:
        yield opened


@pytest.fixture
def social(channel: grpc.aio.Channel) -> SocialServiceStub:
    return SocialServiceStub(channel)


def x_credentials(client: XClient) -> pb.XCredentials:
    """Return an account's keys as they go over the wire."""
    return pb.XCredentials(
        api_key=client.consumer_key,
        api_key_secret=client.consumer_secret,
        access_token=client.access_token,
        access_token_secret=client.access_token_secret,
    )


@dataclass(frozen=True)
class Author:
    """An account of the service, and its client on X itself."""

    account: pb.Account
    client: XClient
    social: SocialServiceStub

    async def post(self, text: str, request_id: str = "", in_reply_to: str = "", deadline: float = 20) -> pb.Post:
        """Publish a post; the text names the request unless it is named."""
        request = pb.CreatePostRequest(
            account_id=self.account.id,
            text=text,
            in_reply_to_network_post_id=in_reply_to,
            request_id=request_id or text[:100],
        )
        return (await self.social.CreatePost(request, timeout=deadline)).post


Register = Callable[[str], Awaitable[Author]]


@pytest.fixture
def register(social: SocialServiceStub, x: Sandbox) -> Register:
    async def register_one(username: str) -> Author:
        client = await x.account(username)
        request = pb.RegisterAccountRequest(agent_id=f"agt_{username}", x=x_credentials(client))
        return Author((await social.RegisterAccount(request)).account, client, social)

    return register_one


@pytest.fixture
async def ann(register: Register) -> Author:
    return await register("ann")


async def posted(x: Sandbox) -> list[str]:
    """Return what stands on the network, the oldest first."""
    return [post["text"] for post in (await x.call("GET", "/_sandbox/posts"))[1]["posts"]]
