"""A gateway that really listens, before a suite."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from services.gateway.bootstrap import serving
from services.gateway.settings import GatewaySettings
from tests.security.principals import OPERATOR, RELAY, Suite
from tests.support.waits import WAIT_SECONDS


class Door:
    """A running gateway, and calls to it in the name of anybody."""

    def __init__(self, suite: Suite, address: str, stack: contextlib.AsyncExitStack) -> None:
        self.suite = suite
        self.address = address
        self._stack = stack
        self.client: httpx2.AsyncClient

    async def browser(self, **options: Any) -> httpx2.AsyncClient:
        """Return a client with cookies of its own."""
        client = httpx2.AsyncClient(base_url=f"http://{self.address}", trust_env=False, timeout=WAIT_SECONDS, **options)
        return await self._stack.enter_async_context(client)

    def token(self, name: str = OPERATOR, seconds: int = 600) -> str:
        """Return a principal's session, which is the token of the API."""
        return self.suite.credential(name).session(RELAY, seconds)

    async def call(self, verb: str, path: str, body: Any = None, *, by: str = OPERATOR, **headers: str) -> Any:
        """Call an endpoint by a principal's token, and return the response; `if_match=` is the header `If-Match`."""
        given = {"Authorization": f"Bearer {self.token(by)}"} if by else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(verb, path, json=body, headers=given)

    async def data(self, verb: str, path: str, body: Any = None, *, by: str = OPERATOR, **headers: str) -> Any:
        """Call an endpoint that is to succeed, and return the data."""
        answer = await self.call(verb, path, body, by=by, **headers)
        content = answer.json()
        assert answer.status_code < 300, content
        assert content["status"] == "success"
        assert content["timestamp"].endswith("Z")
        return content["data"]

    async def refusal(self, verb: str, path: str, body: Any = None, *, by: str = OPERATOR, **headers: str) -> Any:
        """Call an endpoint that is to refuse, and return its status and the error."""
        answer = await self.call(verb, path, body, by=by, **headers)
        content = answer.json()
        assert content["status"] == "error", content
        assert content["error"].keys() == {"code", "message", "details"}
        return answer.status_code, content["error"]


@contextlib.asynccontextmanager
async def door(suite: Suite, **settings: Any) -> AsyncIterator[Door]:
    """Serve a gateway before a suite."""
    targets = {f"{name}_target": address for name, address in suite.addresses.items()}
    made = GatewaySettings(port=0, data_dir=suite.folder, drain_seconds=0.5, **(targets | settings))
    async with serving(made) as address, contextlib.AsyncExitStack() as stack:
        opened = Door(suite, address, stack)
        opened.client = await opened.browser()
        yield opened
