"""The real tweepy client, pointed at the X sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from oauthlib.oauth1 import Client as OAuthClient
from tweepy import BadRequest, Forbidden, NotFound, TooManyRequests, TwitterServerError, Unauthorized
from tweepy.asynchronous import AsyncClient
from yarl import URL

from tests.support.http import ADMIN

_ERRORS = {400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound}


class XClient(AsyncClient):  # type: ignore[misc]  # tweepy has no types
    """tweepy's client with another host; everything else is its own."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession, account: Mapping[str, str]) -> None:
        super().__init__(
            bearer_token=account["bearer_token"],
            consumer_key=account["api_key"],
            consumer_secret=account["api_key_secret"],
            access_token=account["access_token"],
            access_token_secret=account["access_token_secret"],
            return_type=dict,
        )
        self.base_url = base_url
        self.session = session
        self.id = account["id"]

    async def request(
        self,
        method: str,
        route: str,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        user_auth: bool = False,
    ) -> aiohttp.ClientResponse:
        """Send one request as tweepy does, and raise tweepy's errors."""
        url = URL(self.base_url + route).with_query(sorted((params or {}).items()))
        headers = {"Authorization": f"Bearer {self.bearer_token}"}
        if user_auth:
            signed, headers = self.sign(str(url), method)
            before, mark, query = signed.partition("?")
            url = URL(f"{before}{mark}{query.replace(':', '%3A')}", encoded=True)
        async with self.session.request(method, url, json=json, headers=headers) as response:
            await response.read()
        if response.status == 429:
            reset = int(response.headers["x-rate-limit-reset"])
            raise TooManyRequests(response, response_json=await response.json(), reset_time=reset)
        if response.status >= 400:
            raise _ERRORS.get(response.status, TwitterServerError)(response, response_json=await response.json())
        return response

    def sign(self, url: str, method: str, **changes: str) -> tuple[str, dict[str, str]]:
        """Return the URL and the headers of a call that this account signs, or of a forged one with other values."""
        keys = {
            "client_key": self.consumer_key,
            "client_secret": self.consumer_secret,
            "resource_owner_key": self.access_token,
            "resource_owner_secret": self.access_token_secret,
        }
        signed, headers, _ = OAuthClient(**(keys | changes)).sign(url, method)  # type: ignore[arg-type]
        return signed, headers


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, and a plain HTTP session to reach it."""

    url: str
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Send one plain request, with the admin token where it belongs, and return its status and JSON."""
        if path.startswith("/_sandbox"):
            options["headers"] = ADMIN | options.get("headers", {})
        async with self.session.request(method, URL(self.url + path, encoded=True), **options) as response:
            return response.status, await response.json()

    async def account(self, username: str) -> XClient:
        """Return a client that acts as this account."""
        body = {"username": username, "name": username.title()}
        _, account = await self.call("POST", "/_sandbox/accounts", json=body)
        return XClient(self.url, self.session, account)

    async def rename(self, client: XClient, username: str) -> int:
        """Give an account another username, and return the status."""
        path = f"/_sandbox/accounts/{client.id}"
        return (await self.call("PATCH", path, json={"username": username}))[0]

    async def fault(self, **fault: Any) -> None:
        """Switch a fault on."""
        status, _ = await self.call("POST", "/_sandbox/faults", json=fault)
        assert status == 200

    async def usage(self) -> Any:
        """Return what X would bill for: the calls by endpoint, the posts and the users that were shown."""
        return (await self.call("GET", "/_sandbox/usage"))[1]

    async def speak(self, vocabulary: str) -> None:
        """Let the sandbox understand `tweets`, `posts`, or `both`."""
        status, _ = await self.call("POST", "/_sandbox/vocabulary", json={"vocabulary": vocabulary})
        assert status == 200
